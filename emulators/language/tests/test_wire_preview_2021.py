"""The emulator answers every sample of emulators/language/tests/wire/preview_2021 with the sample's own form.

The samples are written from the service's published pages. Each is sent for real, with the names of its projects,
jobs and models replaced by living ones, to an emulator brought into the state the sample's answer tells of.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from language_emulator.testing.corpus import DOCUMENTS
from language_emulator.testing.text_authoring_2021 import AUTHORING, analysis
from tests.conftest import KEY, Start, Trained
from tests.wire import assert_same_form, load_samples

SAMPLES = load_samples("preview_2021")
TWO_CLASSES = DOCUMENTS["delivery"] + " " + DOCUMENTS["billing"]

MULTI_ID = re.compile(r"2f4f6a3e[-\w]+_MultiClassification_latest")
SINGLE_ID = re.compile(r"7c8d9e0f[-\w]+_SingleClassification_latest")
JOB_IDS = re.compile(r"6b0a8e52-[-\w]+|0d9f5a1e-[-\w]+|e7f1b3c2-[-\w]+")

# What a sample needs beforehand: returns the id of the job it reads, if it reads one.
Prepare = Callable[[Trained], str | None]


def _nothing(_: Trained) -> None:
    return None


def _fault(operation: str, action: dict[str, Any]) -> Prepare:
    def prepare(trained: Trained) -> None:
        trained.preview.inject(operation, action)

    return prepare


def _job(send: Callable[[Trained], httpx.Response], *, slow: str | None = None, reads: int = 0) -> Prepare:
    """Start a job, optionally one that runs on, and read it some times."""

    def prepare(trained: Trained) -> str:
        if slow is not None:
            trained.preview.control("PUT", "progression", dict.fromkeys(("training", "publishing", "analysis"), slow))
        response = send(trained)
        assert response.status_code == 202, response.text
        location = response.headers.get("location") or response.headers["operation-location"]
        for _ in range(reads):
            trained.preview.http.get(location)
        return str(location.rpartition("/")[2])

    return prepare


def _then(first: Prepare, second: Prepare) -> Prepare:
    def prepare(trained: Trained) -> str | None:
        first(trained)
        return second(trained)

    return prepare


def _finished_training(trained: Trained) -> str:
    started = trained.preview.train("spare")
    trained.preview.finish(started)
    return str(started.headers["location"].rpartition("/")[2])


def _submit(texts: list[str], kind: str = "multi", tasks: int = 1) -> Callable[[Trained], httpx.Response]:
    def send(trained: Trained) -> httpx.Response:
        documents = [{"id": str(number), "text": text} for number, text in enumerate(texts, start=1)]
        body = analysis(trained.multi if kind == "multi" else trained.single, documents, kind)
        body["tasks"] = {key: entries * tasks for key, entries in body["tasks"].items()}
        return trained.preview.submit(body)

    return send


def _train(trained: Trained) -> httpx.Response:
    return trained.preview.train("spare")


def _publish(trained: Trained) -> httpx.Response:
    return trained.preview.publish("tickets")


TWO = [TWO_CLASSES, DOCUMENTS["account"]]
FAIL_TASK = {"kind": "fail_task"}
PREPARATIONS: dict[str, Prepare] = {
    "create_project_storage_denied": _fault("create_project", {"kind": "deny_storage"}),
    "train_already_running": _job(_train, slow="after 900 seconds"),
    "train_job_not_started": _job(_train, slow="after 900 reads"),
    "train_job_running": _job(_train, slow="after 900 reads", reads=1),
    "train_job_succeeded": _finished_training,
    "train_job_failed": _then(_fault("train", {"kind": "fail_job"}), _finished_training),
    "publish_job_not_started": _job(_publish, slow="after 9 reads"),
    "publish_job_succeeded": _job(_publish),
    "analyze_job_not_started": _job(_submit(TWO), slow="after 9 reads"),
    "analyze_job_running": _job(_submit(TWO), slow="after 9 reads", reads=1),
    "analyze_job_multi": _job(_submit(TWO)),
    "analyze_job_multi_no_class": _job(_submit(["zzz"])),
    "analyze_job_single": _job(_submit(TWO, "single")),
    "analyze_job_first_page": _job(_submit(TWO)),
    "analyze_job_last_page": _job(_submit(TWO)),
    "analyze_job_document_error": _job(_submit([TWO_CLASSES, " "])),
    "analyze_job_failed": _then(_fault("submit_analysis", FAIL_TASK), _job(_submit(TWO))),
    "analyze_job_partially_completed": _then(_fault("submit_analysis", FAIL_TASK), _job(_submit(TWO, tasks=2))),
    "analyze_job_recorded_running": _job(_submit(TWO), slow="after 9 reads"),
    "analyze_job_recorded_multi": _job(_submit(TWO)),
    "analyze_job_recorded_single": _job(_submit(TWO, "single")),
}


@pytest.fixture(scope="module")
def stages(storage: str, trained_once: Trained) -> Any:
    """The trained emulator with the few more projects the samples speak of."""
    preview = trained_once.preview
    for name, container in (("unpublished", "tickets"), ("tiny", "few")):
        assert preview.create(name, container).status_code == 201
    assert preview.trained("unpublished")["status"] == "succeeded"
    assert preview.trained("tiny")["status"] == "succeeded"
    yield
    for name in ("unpublished", "tiny"):
        preview.http.delete(f"{AUTHORING}/projects/{name}")


@pytest.fixture
def throwaway(trained: Trained) -> Any:
    """Projects that samples create, train or delete; deleting one also ends its jobs."""
    trained.preview.create("doomed", "tickets")
    trained.preview.create("spare", "tickets")
    yield
    for name in ("doomed", "spare", "newtickets", "newmail"):
        trained.preview.http.delete(f"{AUTHORING}/projects/{name}")


def test_there_is_a_sample_of_every_operation() -> None:
    assert len(SAMPLES) >= 45
    assert set(PREPARATIONS) <= set(SAMPLES)


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.usefixtures("stages", "throwaway")
def test_the_answer_has_the_form_of_the_sample(name: str, trained: Trained, start: Start) -> None:
    sample = SAMPLES[name]
    preview = trained.preview
    if "_recorded_" in name:
        trained = _in_recorded_form(trained, start)
    job_id = PREPARATIONS.get(name, _nothing)(trained)
    response = _send(trained, sample["request"], job_id, name)
    preview.control("DELETE", "faults")
    assert_same_form(sample, response)


def _in_recorded_form(trained: Trained, start: Start) -> Trained:
    emulated = start(preview_form="recorded")
    preview = emulated.preview
    for project, kind in (("tickets", "multi"), ("mail", "single")):
        preview.create(project, project, kind)
    return Trained(emulated.running, emulated.clock, preview, preview.published("tickets"), preview.published("mail"))


def _send(trained: Trained, request: dict[str, Any], job_id: str | None, name: str) -> httpx.Response:
    sent = json.dumps(request)
    sent = MULTI_ID.sub(trained.multi, SINGLE_ID.sub(trained.single, sent))
    if job_id is not None:
        sent = JOB_IDS.sub(job_id, sent)
    request = json.loads(sent)
    if name == "create_project_single":
        request["body"] |= {"storageInputContainerName": "mail", "labelsLocation": "labels.json"}
    if name == "too_many_requests":
        trained.preview.inject("submit_analysis", {"kind": "status", "status": 429, "retryAfter": "60"})
    key = "wrong" if name == "key_refused" else KEY
    headers = request["headers"] | {"Ocp-Apim-Subscription-Key": key}
    return trained.preview.http.request(request["method"], request["path"], headers=headers, json=request.get("body"))
