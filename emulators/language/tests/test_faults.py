"""Injected faults: each does to the client what it says, and only where and as often as it was told."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from language_emulator.testing.text_authoring_2021 import ANALYZE, AUTHORING, TASKS, error_of
from tests.conftest import Trained

SUBMIT = "submit_analysis"
READ = "get_analysis"


def _results(job: dict[str, Any]) -> dict[str, Any]:
    results: dict[str, Any] = job["tasks"]["tasks"][TASKS["multi"]][0]["results"]
    return results


def test_a_status_is_answered_instead_of_the_operation_as_often_as_told(trained: Trained) -> None:
    trained.preview.control("DELETE", "requests")
    trained.preview.inject(SUBMIT, {"kind": "status", "status": 503, "retryAfter": "7"}, count=2)
    answers = [trained.preview.analyze(trained.multi, ["parcel"]) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 503, 202]
    assert answers[0].headers["retry-after"] == "7"
    counts = trained.preview.control("GET", "requests")["operations"][SUBMIT]
    assert counts == {"202": 1, "503": 2}


def test_a_status_can_have_any_body(trained: Trained) -> None:
    trained.preview.inject(READ, {"kind": "status", "status": 502, "body": "<html>Bad middleware</html>"})
    assert trained.preview.http.get(f"{ANALYZE}/jobs/1").text == "<html>Bad middleware</html>"


def test_a_rule_can_skip_and_look_at_path_and_text(trained: Trained) -> None:
    trained.preview.inject(SUBMIT, {"kind": "status", "status": 500}, text="unlucky", skip=1, count=None)
    texts = ["lucky", "unlucky", "unlucky", "lucky"]
    statuses = [trained.preview.analyze(trained.multi, [text]).status_code for text in texts]
    assert statuses == [202, 202, 500, 202]
    trained.preview.inject("*", {"kind": "status", "status": 500}, path="/projects/mail$", count=None)
    assert trained.preview.project("mail").status_code == 500
    assert trained.preview.project("tickets").status_code == 200


def test_a_probability_strikes_some_requests_and_the_same_ones_each_run(trained: Trained) -> None:
    trained.preview.inject("get_project", {"kind": "status", "status": 500}, probability=0.5, count=None)
    statuses = [trained.preview.project("mail").status_code for _ in range(40)]
    assert 8 < statuses.count(500) < 32


@pytest.mark.parametrize(("when", "jobs"), [("after", 1), ("before", 0)])
def test_a_dropped_connection_loses_the_answer_and_perhaps_the_request(trained: Trained, when: str, jobs: int) -> None:
    before = len(trained.preview.control("GET", "jobs")["jobs"])
    trained.preview.inject(SUBMIT, {"kind": "drop", "when": when})
    with pytest.raises(httpx.RemoteProtocolError):
        trained.preview.analyze(trained.multi, ["parcel"])
    assert len(trained.preview.control("GET", "jobs")["jobs"]) == before + jobs
    assert trained.preview.analyze(trained.multi, ["parcel"]).status_code == 202


def test_a_slow_answer_exceeds_the_clients_patience(trained: Trained) -> None:
    trained.preview.inject("get_project", {"kind": "slow", "seconds": 0.5})
    with pytest.raises(httpx.ReadTimeout):
        trained.preview.http.get(f"{AUTHORING}/projects/mail", timeout=0.1)


def test_malformed_json_cannot_be_parsed(trained: Trained) -> None:
    trained.preview.inject("get_project", {"kind": "malformed"})
    response = trained.preview.project("mail")
    assert response.status_code == 200
    with pytest.raises(ValueError, match=r"delimiter|Unterminated|Expecting"):
        response.json()


def test_an_answer_can_be_replaced_after_the_operation_took_effect(trained: Trained) -> None:
    trained.preview.inject(READ, {"kind": "replace", "body": {"status": "sleeping"}})
    submitted = trained.preview.analyze(trained.multi, ["parcel"])
    assert trained.preview.read(submitted) == {"status": "sleeping"}
    assert trained.preview.read(submitted)["status"] == "completed"


def test_the_location_header_can_be_missing_or_foreign(trained: Trained) -> None:
    trained.preview.inject(SUBMIT, {"kind": "without_header", "header": "Operation-Location"})
    assert "operation-location" not in trained.preview.analyze(trained.multi, ["parcel"]).headers
    trained.preview.inject(SUBMIT, {"kind": "foreign_location", "origin": "http://evil.test:8"})
    location = trained.preview.analyze(trained.multi, ["parcel"]).headers["operation-location"]
    assert location.startswith(f"http://evil.test:8{ANALYZE}/jobs/")


@pytest.mark.parametrize("operation", ["publish", SUBMIT])
def test_a_job_can_be_accepted_and_fail(trained: Trained, operation: str) -> None:
    trained.preview.inject(operation, {"kind": "fail_job", "code": "Timeout", "message": "too slow"})
    if operation == SUBMIT:
        job = trained.preview.read(trained.preview.analyze(trained.multi, ["parcel"]))
        assert "results" not in job["tasks"]["tasks"][TASKS["multi"]][0]
    else:
        job = trained.preview.finish(trained.preview.publish("mail"))
    assert job["status"] == "failed"
    assert job["errors"] == [{"code": "Timeout", "message": "too slow"}]


def test_a_stalled_job_never_ends(trained: Trained) -> None:
    trained.preview.inject(SUBMIT, {"kind": "stall_job"})
    submitted = trained.preview.analyze(trained.multi, ["parcel"])
    trained.clock.advance(seconds=80_000)
    assert [trained.preview.read(submitted)["status"] for _ in range(2)] == ["notStarted", "running"]


@pytest.mark.parametrize("operation", [SUBMIT, READ])
def test_a_lost_job_is_unknown(trained: Trained, operation: str) -> None:
    trained.preview.inject(operation, {"kind": "lose_job"})
    submitted = trained.preview.analyze(trained.multi, ["parcel"])
    for _ in range(2):
        error_of(trained.preview.http.get(submitted.headers["operation-location"]), 404)


def test_documents_can_be_errors_omitted_repeated_or_renamed(trained: Trained) -> None:
    actions = [
        {"kind": "document_error", "marker": "bad"},
        {"kind": "omit_documents", "marker": "gone"},
        {"kind": "repeat_documents", "marker": "twice"},
        {"kind": "rename_documents", "marker": "alien", "documentId": "77"},
    ]
    faults = [{"operation": SUBMIT, "action": action} for action in actions]
    trained.preview.control("PUT", "faults", {"faults": faults})
    job = trained.preview.read(trained.preview.analyze(trained.multi, ["good", "bad", "gone", "twice", "alien"]))
    results = _results(job)
    assert [document["id"] for document in results["documents"]] == ["1", "4", "4", "77"]
    assert [error["id"] for error in results["errors"]] == ["2"]


@pytest.mark.parametrize(
    ("action", "tasks", "end", "target"),
    [
        ({}, 1, "failed", "#/tasks/customMultiClassificationTasks/0"),
        ({"index": 1}, 2, "partiallycompleted", "#/tasks/customMultiClassificationTasks/1"),
        ({"targeted": False}, 2, "partiallycompleted", None),
        ({"end": "partiallyCompleted"}, 1, "partiallycompleted", "#/tasks/customMultiClassificationTasks/0"),
    ],
)
def test_a_task_can_fail(trained: Trained, action: dict[str, Any], tasks: int, end: str, target: str | None) -> None:
    trained.preview.inject(SUBMIT, {"kind": "fail_task"} | action)
    parameters = {"parameters": {"modelId": trained.multi}}
    body = {
        "analysisInput": {"documents": [{"id": "1", "text": "parcel"}]},
        "tasks": {TASKS["multi"]: [parameters] * tasks},
    }
    job = trained.preview.read(trained.preview.submit(body))
    assert job["status"] == end
    assert [error.get("target") for error in job["errors"]] == [target]
    assert job["tasks"]["failed"] == 1


def test_rules_are_shown_with_their_count_and_removed(trained: Trained) -> None:
    trained.preview.inject("get_project", {"kind": "status", "status": 500})
    trained.preview.project("mail")
    [rule] = trained.preview.control("GET", "faults")["faults"]
    assert rule["applied"] == 1
    assert trained.preview.control("DELETE", "faults") == {"faults": []}


@pytest.mark.parametrize(
    "rule",
    [
        {"operation": "no_such_operation", "action": {"kind": "drop"}},
        {"operation": "*", "action": {"kind": "no_such_action"}},
        {"operation": "*", "action": {"kind": "drop"}, "often": 3},
    ],
)
def test_a_rule_with_a_slip_in_it_is_refused(trained: Trained, rule: dict[str, Any]) -> None:
    assert trained.preview.http.put("/_emulator/faults", json={"faults": [rule]}).status_code == 422
