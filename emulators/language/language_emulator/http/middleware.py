"""What stands in front of every operation: key, rate limit, injected faults, request counts, the service's headers."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response

from language_emulator import errors
from language_emulator.control.actions import AnswerSlowly, AnswerStatus, DropConnection
from language_emulator.control.rules import FaultRules, Injected
from language_emulator.control.statistics import RequestLedger
from language_emulator.errors import ServiceError
from language_emulator.http import answer_faults, answers
from language_emulator.http.access import Access
from language_emulator.http.rate_limiter import RateLimiter
from language_emulator.limits import ANALYZE_BODY_BYTES, AUTHORING_BODY_BYTES
from language_emulator.operations import api_of

logger = logging.getLogger(__name__)

Operation = Callable[[Request], Awaitable[Response]]
ERROR_CODE_HEADER_SINCE = "2023-04-01"


@dataclass(frozen=True)
class Middleware:
    """Passes requests on to operations and applies the faults that rules inject."""

    access: Access
    rate_limiter: RateLimiter
    faults: FaultRules
    requests: RequestLedger
    # Called before each operation: lets jobs end that time alone allows to.
    settle: Callable[[], None]
    # Names the API in the message of a 429.
    api: str
    # Values of the `api-version` query the operations take; None where the version is in the path.
    versions: tuple[str, ...] | None = None

    async def pass_through(self, name: str, request: Request, operation: Operation) -> Response:
        begun = time.perf_counter()
        injected = Injected()
        try:
            body = await _read_body(request, name)
            injected = self.faults.strike(name, request.url.path, body)
            request.state.injected = injected
            response = await self._answer(name, request, operation, injected)
        except ServiceError as error:
            response = self._error_answer(request, error)
        except RequestValidationError as error:
            response = self._error_answer(request, _body_error(error))
        except HTTPException:
            # FastAPI's answer to a body it cannot even decode.
            response = self._error_answer(request, errors.body_invalid("it is not JSON in UTF-8"))
        except Exception:
            logger.exception("operation_failed operation=%s", name)
            response = self._error_answer(request, errors.internal_error())
        response = answer_faults.apply(response, injected)
        is_lost = isinstance(response, answers.LostAnswer)
        self.requests.count(name, "dropped" if is_lost else str(response.status_code))
        answers.add_service_headers(response, int((time.perf_counter() - begun) * 1000))
        return response

    async def _answer(self, name: str, request: Request, operation: Operation, injected: Injected) -> Response:
        self.access.check(request, name)
        self._check_version(request)
        wait = self.rate_limiter.acquire(api_of(name))
        if wait is not None:
            raise errors.too_many_requests(name, self.api, wait)
        slow = injected.find(AnswerSlowly)
        if slow is not None:
            await asyncio.sleep(slow.seconds)
        drop = injected.find(DropConnection)
        if drop is not None and drop.when == "before":
            return answers.LostAnswer()
        instead = injected.find(AnswerStatus)
        if instead is not None:
            return answer_faults.answer_status(instead)
        await run_in_threadpool(self.settle)
        return await operation(request)

    def _error_answer(self, request: Request, error: ServiceError) -> Response:
        response = answers.error_answer(error)
        if self.versions is not None and request.query_params.get("api-version", "") >= ERROR_CODE_HEADER_SINCE:
            response.headers["x-ms-error-code"] = error.code
        return response

    def _check_version(self, request: Request) -> None:
        if self.versions is None:
            return
        version = request.query_params.get("api-version")
        if version not in self.versions:
            raise errors.version_unknown(version, self.versions)


Routes = Sequence[tuple[str, str, str]]


def build_router(middleware: Middleware, prefix: str, routes: Routes, handlers: object) -> APIRouter:
    """`routes` lists method, path and operation; each operation is the method of `handlers` of that name."""
    router = APIRouter(prefix=prefix, route_class=_route_class(middleware))
    for method, path, operation in routes:
        endpoint = getattr(handlers, operation)
        router.add_api_route(path, endpoint, methods=[method], name=operation, response_model=None)
    return router


def _route_class(middleware: Middleware) -> type[APIRoute]:
    """Routes whose every request passes the middleware; the route's name is the operation's."""

    class MiddlewareRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            operation = super().get_route_handler()

            async def handle(request: Request) -> Response:
                return await middleware.pass_through(self.name, request, operation)

            return handle

    return MiddlewareRoute


def _injected_faults(request: Request) -> Injected:
    injected: Injected = request.state.injected
    return injected


# For operations: the faults that struck this request.
Faults = Annotated[Injected, Depends(_injected_faults)]


async def _read_body(request: Request, name: str) -> str:
    limit = ANALYZE_BODY_BYTES if api_of(name) == "analyze" else AUTHORING_BODY_BYTES
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > limit:
        raise errors.body_too_large(limit)
    body = await request.body()
    if len(body) > limit:
        raise errors.body_too_large(limit)
    return body.decode("utf-8", errors="replace")


def _body_error(error: RequestValidationError) -> ServiceError:
    """Where and what, without the offending value, which may be document text."""
    problem = error.errors()[0]
    where = ".".join(str(part) for part in problem["loc"] if part != "body")
    if problem["loc"][0] == "query":
        return errors.parameter_invalid(str(problem["loc"][-1]), problem["msg"])
    return errors.body_invalid(f"{where}: {problem['msg']}" if where else problem["msg"])
