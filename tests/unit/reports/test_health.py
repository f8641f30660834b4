"""Health names the part that is wrong."""

from __future__ import annotations

import httpx
import pytest

from tests.faults.disturbed import Wire
from tests.services_on_fakes import PipelineOnFakes

PARTS = {
    "container documents",
    "container classifications",
    "container failures",
    "container pipeline",
    "queue documents",
    "queue collect",
    "queue batches",
    "queue operations",
    "language",
    "submissions",
}


def wrong_parts(world: PipelineOnFakes) -> dict[str, str]:
    health = world.services.health()
    wrong = {name: part.problem or "" for name, part in health.parts.items() if not part.healthy}
    assert health.healthy is not bool(wrong)
    return wrong


def project_exists(world: PipelineOnFakes) -> None:
    body = {
        "name": "letters",
        "modelType": "MultiClassification",
        "culture": "en-us",
        "storageInputContainerName": "training",
        "labelsLocation": "labels.json",
    }
    Wire(world, lambda _: httpx.Response(200, json=body))


def test_every_part_is_asked(world: PipelineOnFakes) -> None:
    project_exists(world)
    assert world.services.health().to_members() == {
        "healthy": True,
        "parts": {name: {"healthy": True, "problem": None} for name in PARTS},
    }


def test_a_project_that_is_not_created_yet_is_no_fault(world: PipelineOnFakes) -> None:
    Wire(world, lambda _: httpx.Response(404))
    assert wrong_parts(world) == {}


LANGUAGE = {
    "refused key": (httpx.Response(401), "LanguageAccessError"),
    "refused role": (httpx.Response(403), "LanguageAccessError"),
    "down": (httpx.Response(503), "LanguageUnavailableError"),
    "not the service": (httpx.Response(200, html="<html>"), "MalformedAnswerError"),
}


@pytest.mark.parametrize("case", LANGUAGE)
def test_a_language_service_that_does_not_serve_is_named(world: PipelineOnFakes, case: str) -> None:
    answer, error = LANGUAGE[case]
    Wire(world, lambda _: answer)
    assert list(wrong_parts(world)) == ["language"]
    assert wrong_parts(world)["language"].startswith(error)


BROKEN = {
    "documents.list": "container documents",
    "classifications.list": "container classifications",
    "failures.list": "container failures",
    "state.list": "container pipeline",
    "documents-queue.length": "queue documents",
    "collect-queue.length": "queue collect",
    "batches-queue.length": "queue batches",
    "operations-queue.length": "queue operations",
}


@pytest.mark.parametrize("call", BROKEN)
@pytest.mark.parametrize("error", [OSError("no route\nand more"), AssertionError()], ids=["told", "silent"])
def test_a_storage_part_that_does_not_answer_is_named(world: PipelineOnFakes, call: str, error: Exception) -> None:
    project_exists(world)

    def fail(name: str) -> None:
        if name == call:
            raise error

    world.disturb = fail
    wrong = wrong_parts(world)
    assert list(wrong) == [BROKEN[call]]
    assert wrong[BROKEN[call]].startswith(type(error).__name__)
    assert "\n" not in wrong[BROKEN[call]]


def refuse_submissions(world: PipelineOnFakes) -> None:
    error = {"code": "InvalidRequest", "message": "Deployment 'production' has expired."}
    Wire(world, lambda request: httpx.Response(400, json={"error": error}) if request.method == "POST" else None)
    world.upload_letters(3)
    world.deliver_for(minutes=1)


def test_a_service_that_refuses_every_submission_is_named_with_the_reason_and_since_when(
    world: PipelineOnFakes,
) -> None:
    refuse_submissions(world)
    project_exists(world)
    wrong = wrong_parts(world)
    assert list(wrong) == ["submissions"]
    assert wrong["submissions"].startswith("since 2026-03-01 12:00 UTC: the service refuses every request")
    assert "400 InvalidRequest" in wrong["submissions"]


def test_submissions_are_healthy_again_once_the_service_accepts(world: PipelineOnFakes) -> None:
    refuse_submissions(world)
    world.service.answer = lambda _: None
    world.run()
    project_exists(world)
    assert wrong_parts(world) == {}


def test_waiting_for_a_first_model_is_no_fault(world: PipelineOnFakes) -> None:
    world.model.model = None
    world.upload_letters(3)
    world.deliver_for(minutes=1)
    project_exists(world)
    assert wrong_parts(world) == {}
