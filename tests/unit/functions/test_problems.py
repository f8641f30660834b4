"""Errors raised on purpose become problems with a status that callers can act on."""

from __future__ import annotations

import json
from datetime import timedelta

import azure.functions as func
import pytest

from functions.problems import answers_problems
from shared.errors import (
    AnswerLostError,
    DocumentRejectedError,
    LanguageAccessError,
    LanguageConflictError,
    LanguageNotFoundError,
    LanguageThrottledError,
    MalformedAnswerError,
    PigeonholeError,
)
from shared.pipeline.manifests import RaceLostError

CASES: dict[str, tuple[PigeonholeError, int, str | None]] = {
    "throttled": (LanguageThrottledError("slow", retry_after=timedelta(seconds=7)), 503, "7"),
    "throttled for a moment": (LanguageThrottledError("slow", retry_after=timedelta(seconds=0.1)), 503, "1"),
    "throttled without a time": (LanguageThrottledError("slow"), 503, "30"),
    "answer lost": (AnswerLostError("lost"), 503, "30"),
    "key refused": (LanguageAccessError("no", status_code=401, retry_after=timedelta(minutes=1)), 503, "60"),
    "malformed": (MalformedAnswerError("odd"), 502, None),
    "unknown to the service": (LanguageNotFoundError("none", status_code=404, error_code="NotFound"), 404, None),
    "conflict": (LanguageConflictError("busy", status_code=409, error_code="Conflict"), 409, None),
    "rejected": (DocumentRejectedError("empty", "empty"), 502, None),
    "race lost": (RaceLostError("id"), 409, None),
}


@pytest.mark.parametrize("case", CASES)
def test_an_error_becomes_its_problem(case: str) -> None:
    error, status, retry_after = CASES[case]

    def handler(req: func.HttpRequest) -> func.HttpResponse:
        raise error

    response = answers_problems(handler)(func.HttpRequest(method="GET", url="http://app/api", body=b""))
    body = json.loads(response.get_body())
    assert (response.status_code, body["status"], response.mimetype) == (status, status, "application/problem+json")
    assert str(error) in body["detail"]
    assert response.headers.get("Retry-After") == retry_after


def test_an_answer_passes_through() -> None:
    expected = func.HttpResponse("fine")
    handler = answers_problems(lambda _: expected)
    assert handler(func.HttpRequest(method="GET", url="http://app/api", body=b"")) is expected
