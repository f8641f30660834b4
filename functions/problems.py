"""HTTP answers: JSON, and application/problem+json (RFC 9457) for everything that went wrong."""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Callable
from typing import Any

import azure.functions as func

from shared.errors import PermanentError, PigeonholeError, RetryableError

log = logging.getLogger("pigeonhole.http")

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
        except RetryableError as error:
            seconds = round(error.retry_after.total_seconds()) if error.retry_after else 30
            return problem(503, "Try again later", str(error), {"Retry-After": str(max(1, seconds))})
        except PermanentError as error:
            return problem(502, "The Language service refused", str(error))
        except PigeonholeError as error:
            return problem(409, "Changed meanwhile", f"{type(error).__name__}: {error}; try again")
        except Exception as error:
            log.exception("http_failed method=%s", req.method)
            return problem(500, "Unexpected error", f"{type(error).__name__}; see the log of this invocation")

    return wrapped
