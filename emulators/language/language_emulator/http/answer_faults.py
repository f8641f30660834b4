"""Injected faults applied to answers, after the operation has taken effect."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit, urlunsplit

from starlette.responses import Response

from language_emulator.control.actions import (
    AnswerStatus,
    DropConnection,
    ForeignLocation,
    MalformJson,
    RemoveHeader,
    ReplaceAnswer,
)
from language_emulator.control.rules import Injected
from language_emulator.errors import ServiceError
from language_emulator.http import answers

LOCATION_HEADERS = ("operation-location", "location")


def answer_status(action: AnswerStatus) -> Response:
    """The answer that stands in for the operation's."""
    if action.body is None:
        code = action.code or str(action.status)
        response = answers.error_answer(ServiceError(action.status, code, action.message))
    else:
        response = _raw_answer(action.body, action.status, answers.JSON)
    if action.retry_after is not None:
        response.headers["retry-after"] = action.retry_after
    return response


def _raw_answer(body: Any, status: int, content_type: str) -> Response:
    response = Response(body, status) if isinstance(body, str) else answers.answer(body, status)
    response.headers["content-type"] = content_type
    return response


def apply(response: Response, injected: Injected) -> Response:
    """What arrives of an operation's answer."""
    drop = injected.find(DropConnection)
    if drop is not None and drop.when == "after":
        return answers.LostAnswer()
    replacement = injected.find(ReplaceAnswer)
    if replacement is not None:
        status = replacement.status or response.status_code
        response = _raw_answer(replacement.body, status, replacement.content_type)
    if injected.find(MalformJson) is not None:
        content = bytes(response.body)
        response = _raw_answer(
            content[: len(content) // 2].decode(errors="ignore") or "{", response.status_code, answers.JSON
        )
    _apply_to_headers(response, injected)
    return response


def _apply_to_headers(response: Response, injected: Injected) -> None:
    for removal in injected.all(RemoveHeader):
        if removal.header in response.headers:
            del response.headers[removal.header]
    foreign = injected.find(ForeignLocation)
    if foreign is None:
        return
    origin = urlsplit(foreign.origin)
    for header in LOCATION_HEADERS:
        if header in response.headers:
            parts = urlsplit(response.headers[header])
            response.headers[header] = urlunsplit((origin.scheme, origin.netloc, *parts[2:]))
