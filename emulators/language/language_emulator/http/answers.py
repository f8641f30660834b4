"""Responses as the service shapes them, and the ones only an injected fault sends."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import uuid4

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from language_emulator.errors import ServiceError

JSON = "application/json; charset=utf-8"
# Where the server (server.py) leaves the connection for a response that must not arrive.
TRANSPORT = "language_emulator.transport"


def answer(body: Any, status: int = 200) -> Response:
    content = json.dumps(body, ensure_ascii=False).encode()
    return Response(content, status, headers={"content-type": JSON})


def accepted(header: str, location: str) -> Response:
    """202 with an empty body; `header` is `location` or `operation-location`, by API and operation."""
    return Response(status_code=202, headers={header: location})


def no_content() -> Response:
    return Response(status_code=204)


def error_answer(error: ServiceError) -> Response:
    response = answer(error.body(), error.status)
    # Only where it is meant: clients repeat any request whose answer carries Retry-After.
    if error.retry_after is not None:
        response.headers["retry-after"] = str(error.retry_after)
    return response


def add_service_headers(response: Response, milliseconds: int) -> None:
    """The headers recorded from the real service."""
    response.headers["apim-request-id"] = str(uuid4())
    response.headers["x-envoy-upstream-service-time"] = str(milliseconds)
    response.headers["strict-transport-security"] = "max-age=31536000; includeSubDomains; preload"
    response.headers["x-content-type-options"] = "nosniff"


class LostAnswer(Response):
    """Closes the connection without a byte: what a client sees of a crash or a broken network."""

    async def __call__(self, scope: Scope, receive: Receive, _send: Send) -> None:
        transport = scope["state"].get(TRANSPORT)
        if transport is None:
            raise RuntimeError("only the emulator's own server can drop a connection")
        transport.abort()
        # Return once the server has noticed, or it would answer 500 for us.
        while (await receive())["type"] != "http.disconnect":
            await asyncio.sleep(0)
