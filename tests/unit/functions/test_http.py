"""Errors raised on purpose become problems with a status that callers can act on; requests are read strictly."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import azure.functions as func
import pytest
from pydantic import BaseModel, ConfigDict

from functions.http import handles_errors, problem_of, read_body
from functions.routes import MAX_BODY_BYTES
from shared.errors import (
    AnswerLostError,
    BadRequestError,
    BlobNotFoundError,
    BlobUnreadableError,
    BodyTooLargeError,
    ConfirmationNeededError,
    ConflictError,
    ContainerNotAllowedError,
    DocumentRejectedError,
    InputProblem,
    LabelsFaultyError,
    LabelsMissingError,
    LabelsRefusedError,
    LanguageAccessError,
    LanguageBusyError,
    LanguageConflictError,
    LanguageNotFoundError,
    LanguageRefusedError,
    LanguageThrottledError,
    LanguageUnavailableError,
    MalformedAnswerError,
    ModelExistsError,
    ModelInUseError,
    ModelUnknownError,
    NoModelError,
    NotCancellableError,
    OperationRunningError,
    PermanentError,
    PigeonholeError,
    PlaceLostError,
    ProjectUnchangeableError,
    ProjectUnknownError,
    RaceLostError,
    RateLimitedError,
    RetryableError,
    ReviewDecidedError,
    ReviewOutdatedError,
    ReviewUnknownError,
    SettingsError,
    StateUnreadableError,
    StorageUnavailableError,
    UnsupportedOperationError,
    UserInputError,
    VersionChangedError,
)
from tests.unit.test_errors import every_error

AGAIN = "Try again later"
UNUSABLE = "The Language service's answer cannot be used"
CHANGED = "Changed at the same moment"
PLACES = [InputProblem("documents[3]", "has no class")]
AS_MEMBERS = [{"place": "documents[3]", "what": "has no class"}]
OPERATION = {"operation": "/api/operations/1"}

# One row for every class of shared/errors.py: error -> status, title, members beside title, status and detail.
PROBLEMS: list[tuple[PigeonholeError, int, str, dict[str, Any]]] = [
    (PigeonholeError("x"), 409, CHANGED, {}),
    (RetryableError("x"), 503, AGAIN, {}),
    (NoModelError("x"), 503, AGAIN, {}),
    (LanguageBusyError("x"), 503, AGAIN, {}),
    (RateLimitedError("x"), 503, AGAIN, {}),
    (LanguageThrottledError("x"), 503, AGAIN, {}),
    (LanguageUnavailableError("x"), 503, AGAIN, {}),
    (AnswerLostError("x"), 503, AGAIN, {}),
    (LanguageAccessError("x", status_code=401), 503, AGAIN, {}),
    (StorageUnavailableError("x"), 503, "Storage does not serve the app", {}),
    (StateUnreadableError("x"), 503, "A blob of the app cannot be read", {}),
    (PermanentError("x"), 502, UNUSABLE, {}),
    (
        LanguageRefusedError("x", status_code=413, error_code="TooLarge"),
        502,
        "The Language service refused the request",
        {"code": "TooLarge"},
    ),
    (
        LanguageRefusedError("x", status_code=400, error_code="InvalidRequest"),
        400,
        "The Language service refused the request",
        {"code": "InvalidRequest"},
    ),
    (LanguageNotFoundError("x", status_code=404, error_code="NotFound"), 404, "Unknown to the Language service", {}),
    (LanguageConflictError("x", status_code=409, error_code="Conflict"), 409, "The Language service is busy", {}),
    (MalformedAnswerError("x"), 502, UNUSABLE, {}),
    (DocumentRejectedError("x", code="empty"), 502, UNUSABLE, {}),
    (LabelsMissingError("x"), 502, UNUSABLE, {}),
    (LabelsFaultyError("x"), 502, UNUSABLE, {}),
    (UnsupportedOperationError("x"), 501, "The API version cannot do that", {}),
    (SettingsError("x"), 502, UNUSABLE, {}),
    (UserInputError("x"), 409, CHANGED, {}),
    (BadRequestError(PLACES), 400, "The request cannot be read", {"problems": AS_MEMBERS}),
    (BodyTooLargeError(9, limit=8), 413, "The body is too large", {}),
    (ProjectUnknownError("x"), 404, "Unknown project", {}),
    (ProjectUnchangeableError("x"), 409, "The project cannot be changed like that", {}),
    (ContainerNotAllowedError("documents", allowed=("training",)), 403, "The container is not allowed", {}),
    (ModelInUseError("x"), 409, "The model is in use", {}),
    (LabelsRefusedError(PLACES), 422, "The labels file has problems", {"problems": AS_MEMBERS}),
    (ModelExistsError("x"), 409, "The model exists already", {}),
    (ModelUnknownError("x"), 404, "Unknown model", {}),
    (OperationRunningError("1"), 409, "An operation is running", OPERATION),
    (NotCancellableError("x"), 409, "The operation cannot be cancelled", {}),
    (ConfirmationNeededError(12, limit=10), 409, "Confirmation needed", {"documents": 12}),
    (ReviewUnknownError("1"), 404, "Unknown review", {}),
    (ReviewOutdatedError("a.txt", what="was deleted"), 409, "The document has changed", {"name": "a.txt"}),
    (ReviewDecidedError("a.txt", what="skipped by 'anna'"), 409, "Decided already", {"name": "a.txt"}),
    (ConflictError("x"), 409, CHANGED, {}),
    (BlobNotFoundError("x"), 409, CHANGED, {}),
    (BlobUnreadableError("x"), 409, "Storage does not give the blob", {}),
    (VersionChangedError("x"), 409, CHANGED, {}),
    (PlaceLostError("x"), 409, CHANGED, {}),
    (RaceLostError("x"), 409, CHANGED, {}),
]


@pytest.mark.parametrize("row", PROBLEMS, ids=lambda row: f"{type(row[0]).__name__}-{row[1]}")
def test_an_error_becomes_its_problem(row: tuple[PigeonholeError, int, str, dict[str, Any]]) -> None:
    error, status, title, more = row
    assert problem_of(error).to_members() == {"title": title, "status": status, "detail": str(error)} | more


def test_no_error_class_is_forgotten_in_the_table() -> None:
    forgotten = {each.__name__ for each in every_error()} - {type(error).__name__ for error, *_ in PROBLEMS}
    assert not forgotten, f"say above what a caller is told of {forgotten}"


def answer(handler: Callable[[func.HttpRequest], func.HttpResponse], body: bytes = b"") -> func.HttpResponse:
    asked = func.HttpRequest(method="POST", url="http://app/api", body=body)
    return handles_errors(handler, max_body=MAX_BODY_BYTES)(asked)


def answer_to(error: Exception) -> func.HttpResponse:
    def handler(req: func.HttpRequest) -> func.HttpResponse:
        raise error

    return answer(handler)


RETRY_AFTER: dict[str, tuple[PigeonholeError, str | None]] = {
    "as the service told": (LanguageThrottledError("slow", retry_after=timedelta(seconds=7)), "7"),
    "a moment is a second": (LanguageThrottledError("slow", retry_after=timedelta(seconds=0.1)), "1"),
    "ours where it told none": (LanguageThrottledError("slow"), "30"),
    "a minute": (LanguageAccessError("no", status_code=401, retry_after=timedelta(minutes=1)), "60"),
    "none where it would not help": (MalformedAnswerError("odd"), None),
}


@pytest.mark.parametrize("case", RETRY_AFTER)
def test_what_may_succeed_later_says_when(case: str) -> None:
    error, seconds = RETRY_AFTER[case]
    assert answer_to(error).headers.get("Retry-After") == seconds


def test_a_problem_is_sent_as_one_and_kept_by_no_cache() -> None:
    response = answer_to(RaceLostError("id"))
    assert (response.status_code, response.mimetype) == (409, "application/problem+json")
    assert json.loads(response.get_body())["detail"] == "id"
    assert response.headers["Cache-Control"] == "no-store"


def test_a_running_operation_is_pointed_at() -> None:
    assert answer_to(OperationRunningError("1")).headers["Location"] == "/api/operations/1"


def test_a_bug_is_a_500_that_names_only_its_type(caplog: pytest.LogCaptureFixture) -> None:
    response = answer_to(ZeroDivisionError("the-secret-key"))
    assert json.loads(response.get_body()) == {
        "title": "Unexpected error",
        "status": 500,
        "detail": "ZeroDivisionError; see the log of this invocation",
    }
    assert "http_failed method=POST" in caplog.text


def test_an_answer_passes_through() -> None:
    expected = func.HttpResponse("fine")
    assert answer(lambda _: expected) is expected


# requests


class Order(BaseModel):
    model_config = ConfigDict(extra="forbid")

    count: int = 1
    names: list[str] = []


def read(body: bytes) -> Order:
    return read_body(func.HttpRequest(method="POST", url="http://app/api", body=body), Order)


def test_an_empty_body_is_an_empty_object() -> None:
    assert read(b"") == read(b"{}") == Order()


UNREADABLE: dict[str, tuple[bytes, list[str]]] = {
    "no JSON": (b"noise", [""]),
    "a list": (b"[]", [""]),
    "another type": (b'{"count": "the-secret-key"}', ["count"]),
    "deep inside": (b'{"names": ["a", 7]}', ["names.1"]),
    "an unknown member": (b'{"colour": "the-secret-key"}', ["colour"]),
    "two at once": (b'{"count": "x", "colour": 1}', ["count", "colour"]),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_is_wrong_with_a_body_is_told_by_its_place_and_never_by_its_value(case: str) -> None:
    body, places = UNREADABLE[case]
    with pytest.raises(BadRequestError) as caught:
        read(body)
    assert [each.place for each in caught.value.problems] == places
    assert "the-secret-key" not in str(caught.value)
