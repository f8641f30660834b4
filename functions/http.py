"""HTTP in and out: bodies in, JSON out, and application/problem+json (RFC 9457) for everything that went wrong."""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import azure.functions as func
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from shared.documents.encodings import charset_of, codecs_for
from shared.errors import (
    QUOTED_CHARACTERS,
    BadRequestError,
    BlobUnreadableError,
    BodyTooLargeError,
    ConfirmationNeededError,
    ContainerNotAllowedError,
    InputProblem,
    LabelsRefusedError,
    LanguageConflictError,
    LanguageNotFoundError,
    LanguageRefusedError,
    ModelExistsError,
    ModelInUseError,
    ModelUnknownError,
    NotCancellableError,
    OperationRunningError,
    PermanentError,
    PigeonholeError,
    ProjectUnchangeableError,
    ProjectUnknownError,
    RetryableError,
    ReviewDecidedError,
    ReviewOutdatedError,
    ReviewUnknownError,
    StateUnreadableError,
    StorageUnavailableError,
    UnsupportedOperationError,
)
from shared.json_input import decode_json, parse_json
from shared.reports.bodies import Problem, place_list
from shared.reports.operations import operation_address

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")

log = logging.getLogger("pigeonhole.http")

DEFAULT_RETRY_SECONDS = 30
# Of a list that is asked for with ?limit=.
MOST_LISTED = 200
_LIMIT: TypeAdapter[int] = TypeAdapter(Annotated[int, Field(ge=1, le=MOST_LISTED)], config=ConfigDict(defer_build=True))

Handler = Callable[[func.HttpRequest], func.HttpResponse]


def json_response(body: BaseModel, status: int = 200, headers: dict[str, str] | None = None) -> func.HttpResponse:
    """A JSON answer that no cache keeps."""
    return _response(body.model_dump(mode="json", by_alias=True), status, "application/json", headers)


def problem_response(problem: Problem, headers: dict[str, str] | None = None) -> func.HttpResponse:
    """What happened, to what, and what to do next."""
    return _response(problem.to_members(), problem.status, "application/problem+json", headers)


def _response(members: Any, status: int, mimetype: str, headers: dict[str, str] | None) -> func.HttpResponse:
    return func.HttpResponse(
        json.dumps(members, ensure_ascii=False, indent=1),
        status_code=status,
        mimetype=mimetype,
        headers={"Cache-Control": "no-store"} | (headers or {}),
    )


def handles_errors(handler: Handler, *, max_body: int) -> Handler:
    """Errors raised on purpose become problems; bugs become a 500 that names the type only, with a log line.

    A body of more than `max_body` bytes is refused before anything reads it, whether the function would read it or not.
    """

    @functools.wraps(handler)
    def wrapped(req: func.HttpRequest) -> func.HttpResponse:
        try:
            size = len(req.get_body())
            if size > max_body:
                raise BodyTooLargeError(size, limit=max_body)
            return handler(req)
        except PigeonholeError as error:
            return problem_response(problem_of(error), _headers_of(error))
        except Exception as error:
            log.exception("http_failed method=%s", req.method)
            detail = f"{type(error).__name__}; see the log of this invocation"
            return problem_response(Problem(title="Unexpected error", status=500, detail=detail))

    return wrapped


# The first row that fits an error gives its status and title.
_PROBLEMS: tuple[tuple[type[PigeonholeError], int, str], ...] = (
    (BadRequestError, 400, "The request cannot be read"),
    (BodyTooLargeError, 413, "The body is too large"),
    (ProjectUnknownError, 404, "Unknown project"),
    (ModelUnknownError, 404, "Unknown model"),
    (ContainerNotAllowedError, 403, "The container is not allowed"),
    (LabelsRefusedError, 422, "The labels file has problems"),
    (ModelInUseError, 409, "The model is in use"),
    (ModelExistsError, 409, "The model exists already"),
    (ProjectUnchangeableError, 409, "The project cannot be changed like that"),
    (OperationRunningError, 409, "An operation is running"),
    (NotCancellableError, 409, "The operation cannot be cancelled"),
    (ConfirmationNeededError, 409, "Confirmation needed"),
    (ReviewUnknownError, 404, "Unknown review"),
    (ReviewOutdatedError, 409, "The document has changed"),
    (ReviewDecidedError, 409, "Decided already"),
    (BlobUnreadableError, 409, "Storage does not give the blob"),
    (StorageUnavailableError, 503, "Storage does not serve the app"),
    (StateUnreadableError, 503, "A blob of the app cannot be read"),
    (RetryableError, 503, "Try again later"),
    (LanguageNotFoundError, 404, "Unknown to the Language service"),
    (LanguageConflictError, 409, "The Language service is busy"),
    (LanguageRefusedError, 502, "The Language service refused the request"),
    (UnsupportedOperationError, 501, "The API version cannot do that"),
    (PermanentError, 502, "The Language service's answer cannot be used"),
    (PigeonholeError, 409, "Changed at the same moment"),
)


def problem_of(error: PigeonholeError) -> Problem:
    """The problem that an error raised on purpose becomes."""
    status, title = next((status, title) for kind, status, title in _PROBLEMS if isinstance(error, kind))
    problem = Problem(title=title, status=status, detail=str(error))
    match error:
        case BadRequestError() | LabelsRefusedError():
            listed, more = place_list(error.problems)
            return problem.model_copy(update={"problems": listed, "more": more or None})
        case OperationRunningError():
            return problem.model_copy(update={"operation": operation_address(error.operation_id)})
        case ConfirmationNeededError():
            return problem.model_copy(update={"documents": error.count})
        case ReviewOutdatedError() | ReviewDecidedError():
            return problem.model_copy(update={"name": error.name})
        case LanguageRefusedError() if status == 502:
            changes = {"code": error.error_code, "status": 400 if error.status_code == 400 else status}
            return problem.model_copy(update=changes)
    return problem


def _headers_of(error: PigeonholeError) -> dict[str, str]:
    if isinstance(error, RetryableError):
        seconds = round(error.retry_after.total_seconds()) if error.retry_after else DEFAULT_RETRY_SECONDS
        return {"Retry-After": str(max(1, seconds))}
    if isinstance(error, OperationRunningError):
        return {"Location": operation_address(error.operation_id)}
    return {}


def read_json(req: func.HttpRequest) -> Any:
    """The request's JSON body, in whatever encoding it came. Raises ValueError."""
    return parse_json(req.get_body(), codecs=_codecs(req))


def read_body(req: func.HttpRequest, model: type[M]) -> M:
    """The request's JSON body as `model`; an empty body is an empty object. Raises BadRequestError."""
    if not req.get_body():
        return read_request(lambda: model.model_validate_json(b"{}"))
    try:
        read_json(req)  # says better than pydantic what is wrong with JSON, and finds keys that occur twice
        text = decode_json(req.get_body(), _codecs(req))
    except ValueError as error:
        raise BadRequestError([InputProblem("", str(error))]) from error
    return read_request(lambda: model.model_validate_json(text))


def _codecs(req: func.HttpRequest) -> tuple[str, ...]:
    charset = charset_of(req.headers.get("Content-Type"))
    return codecs_for(charset) if charset else ()


def read_limit(req: func.HttpRequest, *, default: int) -> int:
    """`?limit=`, 1 to 200. Raises BadRequestError."""
    return read_request(lambda: _LIMIT.validate_python(req.params.get("limit", default)), place="limit")


def read_request(read: Callable[[], T], *, place: str = "") -> T:
    """What `read` makes of the request. Only what is wrong with the request becomes a BadRequestError, not our records.

    Each problem has its place and never the value, which may be anything. `place` is that of all of it.
    """
    try:
        return read()
    except ValidationError as error:
        raise BadRequestError(
            [
                InputProblem(".".join(str(part)[:QUOTED_CHARACTERS] for part in each["loc"]) or place, each["msg"])
                for each in error.errors(include_input=False, include_url=False)
            ]
        ) from error
