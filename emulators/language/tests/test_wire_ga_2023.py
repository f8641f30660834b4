"""The emulator answers every sample of emulators/language/tests/wire/ga_2023 with the sample's own form.

The samples are written from the published specification and pages. Each is sent for real, with the ids of its jobs
replaced by living ones, to an emulator brought into the state the sample's answer tells of.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from language_emulator.testing.analyze_text import analysis, project_file
from language_emulator.testing.corpus import DOCUMENTS
from tests.conftest import IMMEDIATE, KEY, Deployed
from tests.wire import assert_same_form, load_samples

SAMPLES = load_samples("ga_2023")
JOB_IDS = re.compile(r"6b0a8e52-[-\w]+|e7f1b3c2-[-\w]+")
TWO = [f"{DOCUMENTS['delivery']} {DOCUMENTS['billing']}", DOCUMENTS["account"]]

# What a sample needs beforehand: returns the id of the job it reads, if it reads one.
Prepare = Callable[[Deployed], str | None]
Send = Callable[[Deployed], httpx.Response]


def _fault(operation: str, action: dict[str, Any]) -> Prepare:
    return lambda deployed: deployed.ga.inject(operation, action)


def _job(send: Send, *, slow: str | None = None, reads: int = 0, finish: bool = False, cancel: bool = False) -> Prepare:
    """Start a job, optionally one that runs on; read it some times, wait for its end, or cancel it."""

    def prepare(deployed: Deployed) -> str:
        ga = deployed.ga
        if slow is not None:
            ga.control("PUT", "progression", dict.fromkeys(IMMEDIATE, slow))
        started = send(deployed)
        assert started.status_code == 202, started.text
        location = httpx.URL(started.headers["operation-location"])
        for _ in range(reads):
            ga.http.get(location)
        if finish:
            ga.finish(started)
        if cancel:
            assert ga.http.post(f"{location.copy_with(query=None)}:cancel?{location.query.decode()}").is_success
        return location.path.rpartition("/")[2]

    return prepare


def _then(first: Prepare, second: Prepare) -> Prepare:
    def prepare(deployed: Deployed) -> str | None:
        first(deployed)
        return second(deployed)

    return prepare


def _train(deployed: Deployed) -> httpx.Response:
    return deployed.ga.train("spare")


def _import(deployed: Deployed) -> httpx.Response:
    return deployed.ga.send("POST", "/spare/:import", project_file("spare", "tickets", "multi"))


def _export(project: str) -> Send:
    return lambda deployed: deployed.ga.send("POST", f"/{project}/:export", stringIndexType="Utf16CodeUnit")


def _deploy(deployed: Deployed) -> httpx.Response:
    return deployed.ga.deploy("tickets", "staging")


def _delete(deployed: Deployed) -> httpx.Response:
    return deployed.ga.send("DELETE", "/doomed")


def _swap(deployed: Deployed) -> httpx.Response:
    names = {"firstDeploymentName": "production", "secondDeploymentName": "spare"}
    return deployed.ga.send("POST", "/tickets/deployments/:swap", names)


def _submit(texts: list[str], kind: str = "multi", tasks: int = 1) -> Send:
    project = {"multi": "tickets", "single": "mail"}[kind]
    return lambda deployed: deployed.ga.submit(analysis(project, texts, kind, tasks=tasks))


def _cancelled_training(deployed: Deployed) -> str:
    prepare = _job(_train, slow="after 900 reads", reads=1)
    job_id = prepare(deployed)
    assert deployed.ga.send("POST", f"/spare/train/jobs/{job_id}/:cancel").status_code == 202
    return str(job_id)


FAIL_TASK = _fault("submit_analysis", {"kind": "fail_task"})
PREPARATIONS: dict[str, Prepare] = {
    "deletion_job_succeeded": _job(_delete, finish=True),
    "import_job_succeeded": _job(_import, finish=True),
    "import_job_failed": _then(_fault("import_project", {"kind": "deny_storage"}), _job(_import, finish=True)),
    "export_job_succeeded": _job(_export("tickets"), finish=True),
    "exported_file_multi": _job(_export("tickets"), finish=True),
    "exported_file_single": _job(_export("mail"), finish=True),
    "train_already_running": _job(_train, slow="after 900 reads"),
    "train_job_not_started": _job(_train, slow="after 900 reads"),
    "train_job_running": _job(_train, slow="after 900 reads", reads=1),
    "train_job_succeeded": _job(_train, finish=True),
    "train_job_failed": _then(_fault("train", {"kind": "fail_job"}), _job(_train, finish=True)),
    "train_job_cancelled": _cancelled_training,
    "cancel_training": _job(_train, slow="after 900 reads"),
    "delete_model": _job(_train, finish=True),
    "deployment_job_not_started": _job(_deploy, slow="after 9 reads"),
    "deployment_job_succeeded": _job(_deploy, finish=True),
    "swap_job_succeeded": _job(_swap, finish=True),
    "analyze_job_not_started": _job(_submit(TWO), slow="after 9 reads"),
    "analyze_job_running": _job(_submit(TWO), slow="after 9 reads", reads=1),
    "analyze_job_multi": _job(_submit(TWO)),
    "analyze_job_multi_no_class": _job(_submit(["zzz"])),
    "analyze_job_single": _job(_submit(TWO, "single")),
    "analyze_job_statistics": _job(_submit(TWO)),
    "analyze_job_document_error": _job(_submit([TWO[0], " "])),
    "analyze_job_first_page": _job(_submit(TWO)),
    "analyze_job_last_page": _job(_submit(TWO)),
    "analyze_job_failed": _then(FAIL_TASK, _job(_submit(TWO))),
    "analyze_job_partially_completed": _then(FAIL_TASK, _job(_submit(TWO, tasks=2))),
    "analyze_job_cancelled": _job(_submit(TWO), slow="after 9 reads", cancel=True),
    "analyze_cancel": _job(_submit(TWO), slow="after 9 reads"),
    "too_many_requests": _fault("submit_analysis", {"kind": "status", "status": 429, "retryAfter": "60"}),
}


THROWAWAY = ("doomed", "spare", "newtickets", "newmail", "imported", "importedmail")


@pytest.fixture
def throwaway(name: str, deployed: Deployed) -> Iterator[None]:
    """Projects and slots that the sample speaks of and makes, trains or deletes."""
    ga = deployed.ga
    spoken_of = [project for project in THROWAWAY if project in json.dumps(SAMPLES[name])]
    if "doomed" in spoken_of or name.startswith("deletion_"):
        ga.create("doomed", "tickets")
    if "spare" in spoken_of or name.startswith(("swap_", "list_deployments_")):
        assert ga.imported("spare", "tickets")["status"] == "succeeded"
        assert ga.finish(ga.deploy("tickets", "spare"))["status"] == "succeeded"
    yield
    ga.control("DELETE", "faults")
    ga.control("PUT", "progression", IMMEDIATE)
    for project in spoken_of:
        ga.send("DELETE", f"/{project}")


def test_there_is_a_sample_of_every_operation() -> None:
    assert len(SAMPLES) >= 75
    assert set(PREPARATIONS) <= set(SAMPLES)


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.usefixtures("throwaway")
def test_the_answer_has_the_form_of_the_sample(name: str, deployed: Deployed) -> None:
    sample = SAMPLES[name]
    job_id = PREPARATIONS[name](deployed) if name in PREPARATIONS else None
    request = sample["request"]
    if job_id is not None:
        request = json.loads(JOB_IDS.sub(job_id, json.dumps(request)))
    headers = request["headers"] | _credentials(name, deployed)
    response = deployed.ga.http.request(request["method"], request["path"], headers=headers, json=request.get("body"))
    assert_same_form(sample, response)


def _credentials(name: str, deployed: Deployed) -> dict[str, str]:
    if name == "role_missing":
        token = deployed.ga.control("GET", "token?role=writer")["access_token"]
        return {"Authorization": f"Bearer {token}"}
    return {"Ocp-Apim-Subscription-Key": "wrong" if name == "key_refused" else KEY}
