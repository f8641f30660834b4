"""What a process does before its first document: nothing that can wait. Measured by `python -m bench coldstart`.

Counted, not timed: the modules of ours that a start imports, and what must not be among them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from typing import Any

import pytest

from shared.language.apis import API_VERSIONS
from tests.architecture.source import ROOT

START = """
import gc, json, sys
met = []

def watch(event, arguments):
    if event == "open" and str(arguments[0]).endswith("entry_points.txt"):
        met.append(arguments[0])

sys.addaudithook(watch)
import function_app
from pydantic import BaseModel

def models(cls):
    for each in cls.__subclasses__():
        yield each
        yield from models(each)

own = {each for each in models(BaseModel) if each.__module__.startswith(("shared.", "functions."))}
built = sorted(each.__name__ for each in own if each.__pydantic_complete__ and each.__pydantic_fields__)
started = {"modules": sorted(sys.modules), "models": len(own), "built": built,
           "met": list(met), "collects": gc.isenabled(), "frozen": gc.get_freeze_count()}

# The first documents come to many threads at once.
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
import azure.functions as func
from shared.batches.batch import Batch
from shared.operations.operation import OPERATION, RedriveDeadLetters, RedriveDeadLettersRequest

barrier = Barrier(16)
now = datetime.now(UTC)

def first_use(_):
    barrier.wait()
    record = RedriveDeadLetters(id="20240101-a", created=now, due=now, project="p", api_version="v", step="send_page",
                                total=1, request=RedriveDeadLettersRequest())
    text = OPERATION.dump_json(record)
    return OPERATION.validate_json(text) == record and function_app.services.batches.store is not None

with ThreadPoolExecutor(16) as pool:
    started["first_uses"] = list(pool.map(first_use, range(16)))

# The first requests and timers do, too.
functions = {each.get_function_name(): each.get_user_function() for each in function_app.app.get_functions()}
pages, lists = ("get_page", "get_openapi"), ("list_reviews", "get_trial", "get_metrics", "get_review")
asked = ("control plane", "retrain", *pages, *lists)

def first_asked(number):
    name = asked[number % len(asked)]
    request = func.HttpRequest(method="GET", url="http://app/api", params={"limit": "0", "days": "0"}, body=b"[]")
    barrier.wait()
    if name == "control plane":
        return name, id(function_app.services.control_plane)
    return name, functions[name](request).status_code

with ThreadPoolExecutor(16) as pool:
    started["first_asked"] = sorted(set(pool.map(first_asked, range(16))))
print(json.dumps(started))
"""


@cache
def started() -> dict[str, Any]:
    settings = json.loads((ROOT / "local.settings.example.json").read_text(encoding="utf-8"))["Values"]
    environment = {
        "PATH": os.environ["PATH"],
        "LANGUAGE_KEY": "key",
        **{name: str(settings[name]) for name in settings},
    }
    command = [sys.executable, "-c", START]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_models_are_built_when_they_are_first_used() -> None:
    assert started()["models"] > 30
    assert started()["built"] == ["Settings"]


def test_a_model_may_be_used_first_by_many_threads_at_once() -> None:
    assert started()["first_uses"] == [True] * 16


def test_the_control_plane_may_be_asked_first_by_many_threads_at_once_and_is_built_once() -> None:
    answers = started()["first_asked"]
    assert len([answer for name, answer in answers if name == "control plane"]) == 1
    assert [(name, answer) for name, answer in answers if name != "control plane"] == [
        ("get_metrics", 400),
        ("get_openapi", 200),
        ("get_page", 200),
        ("get_review", 400),
        ("get_trial", 400),
        ("list_reviews", 400),
        ("retrain", 400),
    ]


def test_a_start_looks_for_no_plugins_in_what_is_installed() -> None:
    assert started()["met"] == []


# What it imports of ours. One more is time for every process, and so for the first document of each.
MODULES = 84


def test_a_start_imports_no_module_more_than_a_document_needs() -> None:
    own = [name for name in started()["modules"] if name.split(".")[0] in ("function_app", "functions", "shared")]
    assert len(own) == MODULES, f"import it where it is first needed, or say here how many there are now: {own}"


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        ("shared.services.control_plane", "no document waits for what steers and shows"),
        ("shared.operations", "no document waits for an operation"),
        ("shared.reports", "no document waits for an answer to people"),
        ("shared.sweep", "no document waits for a timer"),
        ("shared.reviews.decide", "a document only joins the queue of reviews"),
        ("shared.models.projects", "a document needs the active model and what is promised of it"),
        ("shared.models.labels", "a document needs the active model and what is promised of it"),
        ("shared.models.trial", "a document needs the active model and what is promised of it"),
        ("shared.models.statistics", "a threshold is chosen when a model is tried"),
        ("statistics", "a document needs no more than a median"),
        ("shared.language.authoring_values", "a document is analyzed, no model is trained"),
        ("shared.documents.guess", "most documents are UTF-8"),
        ("shared.web_files", "most instances never show the page"),
        ("functions.http", "a handler and what it answers with are imported when it is first called"),
        ("functions.projects", "a handler and what it answers with are imported when it is first called"),
        ("httpcore", "the client of the Language service, with its certificates, is made for its first request"),
        ("azure.identity", "no setting asks for an identity"),
        ("shared.language.apis.analyze_text", "an API is imported when something is asked of it"),
        ("shared.language.apis.text_authoring_2021", "an API is imported when something is asked of it"),
    ],
)
def test_nothing_is_imported_that_can_wait(module: str, reason: str) -> None:
    found = [name for name in started()["modules"] if name == module or name.startswith(f"{module}.")]
    assert not found, reason


def test_what_was_imported_is_not_walked_for_garbage() -> None:
    assert started()["collects"]
    assert started()["frozen"] > 10_000


def test_the_versions_of_the_api_are_known_before_one_is_imported() -> None:
    assert API_VERSIONS
    assert "shared.language.apis" in started()["modules"]
