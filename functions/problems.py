"""HTTP answers: JSON, and application/problem+json (RFC 9457) for everything that went wrong."""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Callable
from typing import Any, TypeVar

import azure.functions as func
from pydantic import BaseModel, ValidationError

from shared.errors import (
    LanguageConflictError,
    LanguageNotFoundError,
    LanguageRefusedError,
    PermanentError,
    PigeonholeError,
    RetryableError,
)
from shared.training.operations import OperationRunningError
from shared.training.projects import LabelsRefusedError, ProjectUnchangeableError
from shared.training.reclassify import ConfirmationNeededError
from shared.training.start import ModelExistsError, ModelUnknownError, NotCancellableError

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")

log = logging.getLogger("pigeonhole.http")


class BadRequestError(Exception):
    """The request cannot be read; `faults` say where and why."""

    def __init__(self, faults: ValidationError) -> None:
        super().__init__("the request cannot be read")
        self.faults = faults


Handler = Callable[[func.HttpRequest], func.HttpResponse]


def answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> func.HttpResponse:
    """A JSON answer that no cache keeps."""
    return func.HttpResponse(
        json.dumps(body, ensure_ascii=False, indent=1),
        status_code=status,
        mimetype="application/json",
        headers={"Cache-Control": "no-store"} | (headers or {}),
    )


def problem(
    status: int, title: str, detail: str, headers: dict[str, str] | None = None, **members: Any
) -> func.HttpResponse:
    """A problem: what happened, to what, and what to do next."""
    body = {"title": title, "status": status, "detail": detail, **members}
    return func.HttpResponse(
        json.dumps(body, ensure_ascii=False, indent=1),
        status_code=status,
        mimetype="application/problem+json",
        headers={"Cache-Control": "no-store"} | (headers or {}),
    )


def answers_problems(handler: Handler) -> Handler:
    """Errors raised on purpose become problems; bugs become a 500 that names the type only, with a log line."""

    @functools.wraps(handler)
    def wrapped(req: func.HttpRequest) -> func.HttpResponse:
        try:
            return handler(req)
        except BadRequestError as error:
            return _bad_request(error.faults)
        except PigeonholeError as error:
            return _problem_of(error)
        except Exception as error:
            log.exception("http_failed method=%s", req.method)
            return problem(500, "Unexpected error", f"{type(error).__name__}; see the log of this invocation")

    return wrapped


_STATUS: dict[type[PigeonholeError], tuple[int, str]] = {
    LanguageNotFoundError: (404, "Unknown to the Language service"),
    LanguageConflictError: (409, "The Language service is busy with it"),
    ModelUnknownError: (404, "Unknown model"),
    ModelExistsError: (409, "The model exists"),
    NotCancellableError: (409, "Cannot be cancelled"),
    ProjectUnchangeableError: (409, "The project cannot be changed so"),
}


def _problem_of(error: PigeonholeError) -> func.HttpResponse:
    if isinstance(error, RetryableError):
        seconds = round(error.retry_after.total_seconds()) if error.retry_after else 30
        return problem(503, "Try again later", str(error), {"Retry-After": str(max(1, seconds))})
    if isinstance(error, OperationRunningError):
        address = f"/api/operations/{error.operation_id}"
        return problem(409, "An operation is running", str(error), {"Location": address}, operation=address)
    if isinstance(error, LabelsRefusedError):
        return problem(422, "The labels file has faults", str(error), faults=[vars(each) for each in error.faults])
    if isinstance(error, ConfirmationNeededError):
        return problem(409, "Confirmation needed", str(error), documents=error.count)
    if type(error) in _STATUS:
        return problem(*_STATUS[type(error)], str(error))
    if isinstance(error, LanguageRefusedError):
        status = error.status_code if error.status_code in (400, 404) else 502
        return problem(status, "The Language service refused", str(error), code=error.error_code)
    if isinstance(error, PermanentError):
        return problem(502, "The Language service's answer cannot be used", str(error))
    return problem(409, "Changed meanwhile", f"{type(error).__name__}: {error}; try again")


def _bad_request(error: ValidationError) -> func.HttpResponse:
    """Each fault with its place; never the value, which may be anything."""
    faults = [
        {"place": ".".join(str(part) for part in each["loc"]), "what": each["msg"]}
        for each in error.errors(include_input=False, include_url=False)
    ]
    return problem(400, "The request cannot be read", "; ".join(f"{each['place']}: {each['what']}" for each in faults))


def read_body(req: func.HttpRequest, model: type[M]) -> M:
    """The request's JSON body as `model`; an empty body is an empty object. Raises BadRequestError."""
    return read_request(lambda: model.model_validate_json(req.get_body() or b"{}"))


def read_request(read: Callable[[], T]) -> T:
    """What `read` makes of the request; only faults of the request become BadRequestError, not those of our records."""
    try:
        return read()
    except ValidationError as error:
        raise BadRequestError(error) from error
