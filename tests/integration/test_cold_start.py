"""What a process does before its first document: nothing that can wait. Measured by `python -m bench coldstart`."""

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
import function_app
from pydantic import BaseModel

def models(cls):
    for each in cls.__subclasses__():
        yield each
        yield from models(each)

own = {each for each in models(BaseModel) if each.__module__.startswith(("shared.", "functions."))}
built = sorted(each.__name__ for each in own if each.__pydantic_complete__ and each.__pydantic_fields__)
started = {"modules": sorted(sys.modules), "models": len(own), "built": built,
           "collects": gc.isenabled(), "frozen": gc.get_freeze_count()}

# The first documents come to many threads at once.
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
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
    assert started()["models"] > 50
    assert started()["built"] == ["Settings"]


def test_a_model_may_be_used_first_by_many_threads_at_once() -> None:
    assert started()["first_uses"] == [True] * 16


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        ("httpcore", "the client of the Language service, with its certificates, is made for its first request"),
        ("azure.identity", "no setting asks for an identity"),
        ("shared.language.apis.analyze_text", "an API is imported when something is asked of it"),
        ("shared.language.apis.text_authoring_2021", "an API is imported when something is asked of it"),
    ],
)
def test_nothing_is_imported_that_can_wait(module: str, reason: str) -> None:
    assert module not in started()["modules"], reason


def test_what_was_imported_is_not_walked_for_garbage() -> None:
    assert started()["collects"]
    assert started()["frozen"] > 10_000


def test_the_versions_of_the_api_are_known_before_one_is_imported() -> None:
    assert API_VERSIONS
    assert "shared.language.apis" in started()["modules"]
