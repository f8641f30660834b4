"""What the first run says and does when a step does not go through, on Azurite; what goes well is in tests/e2e."""

from __future__ import annotations

import io
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx
from azure.storage.blob import BlobServiceClient
from rich.console import Console

from azurite_process.azurite import Azurite
from cli.datasets import Dataset, load_dataset
from cli.exit_codes import INCOMPLETE, OK
from cli.first_run import Patience, first_run
from cli.steps import StepFailedError
from cli.target import Target
from tests.unit.models.label_cases import BLOBS, NAMES, july

URL = "https://app.example"
CLEAN_UP = ("azd down --purge",)
NO_PATIENCE = Patience(health=0, records=0)
HEALTHY: dict[str, Any] = {
    "healthy": True,
    "parts": {},
    "waits": [],
    "language": {"project": "letters", "api_version": "2023-04-01", "note": None, "training_config": None},
}
SICK = {
    **HEALTHY,
    "healthy": False,
    "parts": {
        "queue documents": {"healthy": True, "problem": None},
        "language": {"healthy": False, "problem": "LanguageAccessError: get_project: 403"},
    },
}
MODEL = {"active_model": {"label": "first"}}
NO_MODEL = {"active_model": None}


@dataclass(frozen=True)
class Containers:
    """Those of one test, on Azurite."""

    target: Target
    service: BlobServiceClient

    def put(self, container: str, name: str, content: Any) -> None:
        self.service.get_blob_client(container, name).upload_blob(json.dumps(content), overwrite=True)

    def names(self, container: str) -> list[str]:
        return list(self.service.get_container_client(container).list_blob_names())

    def etag(self, container: str, name: str) -> str:
        return str(self.service.get_blob_client(container, name).get_blob_properties().etag)


@pytest.fixture
def containers(azurite: Azurite) -> Iterator[Containers]:
    prefix = f"run-{secrets.token_hex(4)}"
    names = {part: f"{prefix}-{part}" for part in ("documents", "classifications", "failures", "training")}
    target = Target("azd environment letters", URL, "the-key", azurite.connection_string, clean_up=CLEAN_UP, **names)
    with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        for name in names.values():
            service.create_container(name)
        yield Containers(target, service)


@pytest.fixture
def app() -> Iterator[respx.MockRouter]:
    with respx.mock(base_url=URL, assert_all_called=False) as router:
        router.get("/api/health").respond(200, json=HEALTHY)
        router.get("/api/status").respond(200, json=NO_MODEL)
        router.put("/api/projects/letters").respond(201, json={})
        stored = {"documents": 20, "classes": {"billing": 10}, "warnings": []}
        router.put("/api/projects/letters/labels").respond(200, json=stored)
        yield router


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    (tmp_path / "training").mkdir()
    for name in NAMES:
        (tmp_path / "training" / name).write_text(BLOBS[name], encoding="utf-8")
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "x.txt").write_text("about billing", encoding="utf-8")
    (tmp_path / "labels.json").write_text(json.dumps(july()), encoding="utf-8")
    return load_dataset(tmp_path)


def run(containers: Containers, dataset: Dataset) -> tuple[int, str]:
    """The exit code, and what was printed."""
    console = Console(file=io.StringIO(), width=200)
    code = first_run(console, containers.target, dataset, patience=NO_PATIENCE).exit_code
    assert isinstance(console.file, io.StringIO)
    return code, console.file.getvalue()


def operation(state: str, reason: str) -> dict[str, Any]:
    return {
        "id": "op",
        "kind": "retrain",
        "state": state,
        "step": "train",
        "reason": reason,
        "label": "m1",
        "candidate_evaluation": None,
    }


UNREADY: dict[str, tuple[httpx.Response, str, str]] = {
    "a role is missing": (
        httpx.Response(503, json=SICK),
        "language: LanguageAccessError: get_project: 403",
        "role assignments take effect slowly",
    ),
    "another key": (httpx.Response(401), "401 Unauthorized", "master key"),
    "no function": (httpx.Response(404), "404 Not Found", "azd deploy"),
    "the host starts": (httpx.Response(503), "503 Service Unavailable", "Log stream"),
}


@pytest.mark.parametrize("case", UNREADY)
def test_an_app_that_is_not_ready_ends_the_run_with_what_to_do(
    app: respx.MockRouter, containers: Containers, dataset: Dataset, case: str
) -> None:
    answer, what, do = UNREADY[case]
    app.get("/api/health").mock(return_value=answer)
    with pytest.raises(StepFailedError) as caught:
        run(containers, dataset)
    assert what in str(caught.value)
    assert do in caught.value.do


def test_the_labels_of_somebody_else_are_not_replaced(
    app: respx.MockRouter, containers: Containers, dataset: Dataset
) -> None:
    theirs = [*july()["documents"][:-1], july()["documents"][-1] | {"location": "theirs.txt"}]
    containers.put(containers.target.training, "labels.json", july(documents=theirs))
    with pytest.raises(StepFailedError, match="labels of other documents") as caught:
        run(containers, dataset)
    assert "--train-again" in caught.value.do
    assert containers.names(containers.target.training) == ["labels.json"], "nothing was uploaded"


@pytest.mark.parametrize("left_out", [0, 3])
def test_its_own_labels_in_another_form_are_known_again(
    left_out: int, app: respx.MockRouter, containers: Containers, dataset: Dataset
) -> None:
    """The app stores them in a form of its own, under the preview without the golden ones, and a first run may have
    stopped then."""
    own = json.loads(dataset.labels)
    own["documents"] = own["documents"][left_out:]
    names = own["intentNames"]
    own["classifiers"] = [{"name": name} for name in own.pop("intentNames")]
    for document in own["documents"]:
        document["classifiers"] = [{"classifierName": names[number]} for number in document.pop("intents")]
    containers.put(containers.target.training, "labels.json", own)
    app.post("/api/projects/letters/retrain").respond(202, json={"operation": "/api/operations/op"})
    app.get("/api/operations/op").respond(200, json=operation("failed", "no such configuration"))
    with pytest.raises(StepFailedError, match="ended as failed: no such configuration"):
        run(containers, dataset)


def test_an_operation_under_way_is_joined(app: respx.MockRouter, containers: Containers, dataset: Dataset) -> None:
    problem = {"title": "An operation is running", "detail": "d", "operation": "/api/operations/other"}
    app.post("/api/projects/letters/retrain").respond(409, json=problem)
    followed = app.get("/api/operations/other").respond(200, json=operation("refused", "worse"))
    with pytest.raises(StepFailedError, match="ended as refused: worse"):
        run(containers, dataset)
    assert followed.called


def test_a_refusal_of_the_service_is_shown_in_its_words(
    app: respx.MockRouter, containers: Containers, dataset: Dataset
) -> None:
    problem = {"title": "The Language service refused the request", "detail": "no permission on the container"}
    app.put("/api/projects/letters").respond(400, json=problem)
    with pytest.raises(StepFailedError, match="no permission on the container") as caught:
        run(containers, dataset)
    assert "run this again" in caught.value.do


def test_documents_without_a_record_are_listed_with_the_reason_of_the_app(
    app: respx.MockRouter, containers: Containers, dataset: Dataset
) -> None:
    app.get("/api/status").respond(200, json=MODEL)
    app.get("/api/documents").respond(200, json={"state": "waiting", "why": "no event came"})
    code, printed = run(containers, dataset)
    assert code == INCOMPLETE
    assert "first is in use already" in printed
    assert "first-run/x.txt: waiting, no event came" in printed
    assert "azd hooks run postdeploy" in printed
    assert "Clean up: azd down --purge" in printed
    assert containers.names(containers.target.training) == [], "nothing was trained"


def test_a_record_of_an_older_version_is_not_taken_for_this_one(
    app: respx.MockRouter, containers: Containers, dataset: Dataset
) -> None:
    app.get("/api/status").respond(200, json=MODEL)
    app.get("/api/documents").respond(200, json={"state": "submitted", "why": "the service classifies it"})
    record = {"status": "classified", "document": {"etag": "0x0"}, "classes": []}
    containers.put(containers.target.classifications, "first-run/x.txt.json", record)
    assert run(containers, dataset)[0] == INCOMPLETE
    record["document"] = {"etag": containers.etag(containers.target.documents, "first-run/x.txt")}
    containers.put(containers.target.classifications, "first-run/x.txt.json", record)
    code, printed = run(containers, dataset)
    assert code == OK
    assert "1 of 1 documents" in printed


def test_a_failure_record_ends_the_waiting_and_is_no_success(
    app: respx.MockRouter, containers: Containers, dataset: Dataset
) -> None:
    app.get("/api/status").respond(200, json=MODEL)
    app.get("/api/documents").respond(200, json={"state": "failed", "why": "it is empty"})
    run(containers, dataset)
    etag = containers.etag(containers.target.documents, "first-run/x.txt")
    record = {"status": "failed", "document": {"etag": etag}, "code": "empty"}
    containers.put(containers.target.failures, "first-run/x.txt.json", record)
    code, printed = run(containers, dataset)
    assert code == INCOMPLETE
    assert "failed (empty)" in printed
    assert "uploads may not be connected" not in printed
