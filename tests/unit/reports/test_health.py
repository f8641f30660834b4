"""Health names the part that is wrong, and says what is waited for."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from shared.errors import StorageUnavailableError
from shared.language.rate_limiter import RateLimiter, RateLimits
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
    "model in use",
    "batches",
    "operations",
    "language",
    "submissions",
    "language prediction",
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
    health = world.services.health().to_members()
    del health["language"]
    assert health == {
        "healthy": True,
        "parts": {name: {"healthy": True, "problem": None, "since": None} for name in PARTS},
        "waits": [],
    }


def test_a_project_that_is_not_created_yet_is_no_fault(world: PipelineOnFakes) -> None:
    Wire(world, lambda _: httpx.Response(404))
    assert wrong_parts(world) == {}


LANGUAGE = {
    "refused key": (httpx.Response(401), "LanguageAccessError"),
    "refused role": (httpx.Response(403), "LanguageAccessError"),
    "down": (httpx.Response(503), "LanguageUnavailableError"),
    "not the service": (httpx.Response(200, html="<html>"), "MalformedAnswerError"),
    "no such address": (
        httpx.Response(404, json={"error": {"code": "404", "message": "Resource not found"}}),
        "LanguageNotFoundError: get_project: 404 404: Resource not found; the service does not answer this API version",
    ),
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
    # Without the pipeline's listing nobody can tell what waits either.
    assert list(wrong) == [BROKEN[call], *(["batches", "operations"] if call == "state.list" else [])]
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
    assert wrong["submissions"].startswith("the service refuses every request")
    assert world.services.health().parts["submissions"].since is not None
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


# What is waited for


def restricted(world: PipelineOnFakes, answer: httpx.Response) -> Wire:
    """A letter is on its way, and the service answers every POST like that."""
    wire = Wire(world, lambda request: answer if request.method == "POST" else httpx.Response(404))
    world.upload("letter.txt", "about billing")
    world.deliver_for(5)
    return wire


SERVICE = {
    "401": (httpx.Response(401), "language_access", True),
    "403 for days": (httpx.Response(403, headers={"Retry-After": "1296000"}), "language_access", True),
    "429": (httpx.Response(429, headers={"Retry-After": "600"}), "language_throttled", False),
    "503": (httpx.Response(503), "language_unavailable", True),
}


@pytest.mark.parametrize("case", SERVICE)
def test_what_the_service_makes_us_wait_for_is_told_with_its_times(world: PipelineOnFakes, case: str) -> None:
    answer, reason, is_problem = SERVICE[case]
    begun = world.clock()
    restricted(world, answer)
    waits = {each.what: each for each in world.services.health().waits}
    assert {each.reason for each in waits.values()} == {reason}
    assert set(waits) == {"batches", "language prediction"}
    assert waits["batches"].records == 1
    for each in waits.values():
        assert begun < each.since < world.clock()
    until = waits["batches"].until
    assert until is not None
    assert until > waits["batches"].since
    assert until <= world.clock() + timedelta(hours=1), "whatever the service asks for"
    wrong = ["batches", "language prediction"] if is_problem else []
    assert list(wrong_parts(world)) == wrong
    assert world.services.status().waits == list(waits.values())


def test_a_wait_is_told_until_a_request_is_answered(world: PipelineOnFakes) -> None:
    wire = restricted(world, httpx.Response(429, headers={"Retry-After": "600"}))
    wire.answer = lambda _: None
    world.run()
    assert world.classified() == ["letter.txt.json"]
    assert world.services.status().waits == []


def test_our_own_limit_of_requests_is_told(world: PipelineOnFakes) -> None:
    limited = RateLimits(analyze=RateLimiter(1, clock=world.monotonic))
    world.services.adapters.language._rate_limits = limited
    for name in ("a.txt", "b.txt"):
        world.upload(name, "about billing")
        world.deliver_for(0.3)
    waits = world.services.status().waits
    assert [(each.what, each.reason) for each in waits] == [("language prediction", "rate_limited")]
    assert waits[0].until is not None
    assert world.services.health().parts["language prediction"].healthy


def test_storage_that_refuses_writes_and_serves_reads_is_told_since_when(world: PipelineOnFakes) -> None:
    project_exists(world)
    world.upload("letter.txt", "about billing")

    def disturb(name: str) -> None:
        if name == "state.create":
            raise StorageUnavailableError("403 AuthorizationPermissionMismatch")

    world.disturb = disturb
    begun = world.clock()
    world.deliver_for(6)
    health = world.services.health()
    assert list(wrong_parts(world)) == ["container pipeline"]
    part = health.parts["container pipeline"]
    assert part.since is not None
    assert begun < part.since < begun + timedelta(minutes=1)
    assert "AuthorizationPermissionMismatch" in (part.problem or "")


def test_other_processes_learn_from_the_batches_that_storage_refuses(world: PipelineOnFakes) -> None:
    project_exists(world)
    world.upload("letter.txt", "about billing")

    def disturb(name: str) -> None:
        if name == "documents.read":
            raise StorageUnavailableError("403")

    world.disturb = disturb
    world.deliver_for(20)
    world.start_process()
    project_exists(world)
    wrong = world.services.health()
    assert wrong.parts["batches"].problem == "waits: storage_unavailable"
    assert wrong.parts["batches"].since is not None


def test_open_batches_are_listed_once_for_everything_that_health_says_of_them(world: PipelineOnFakes) -> None:
    world.trace.clear()
    world.services.health()
    # One looks whether the container answers, and one for batches and operations each.
    assert world.trace.count("state.list") == 3
