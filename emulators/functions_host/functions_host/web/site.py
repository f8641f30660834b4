"""The host's one web application: function routes, the admin API and webhooks, each behind its key."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import anyio.to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from functions_host.web.admin import AdminApi
from functions_host.web.answers import to_json_response
from functions_host.web.blob_webhook import EVENT_TYPE_HEADER, BlobWebhook
from functions_host.web.http_trigger import RouteTable, http_trigger_data, to_response
from functions_host.web.keys import Access, HostKeys
from functions_host.web.routes import decode_path
from functions_host.worker.invocation import Invoker

# The host's own limit on a request body, 100 MB.
_MAX_BODY = 104_857_600
# Every request waits in a thread of its own for its invocation; HTTP has no limit of its own in the real host.
_REQUEST_THREADS = 200
_WEBHOOK = ["runtime", "webhooks", "blobs"]
_T = TypeVar("_T")


class Site:
    """An ASGI application."""

    def __init__(
        self, *, routes: RouteTable, keys: HostKeys, admin: AdminApi, webhook: BlobWebhook | None, invoker: Invoker
    ) -> None:
        self._routes = routes
        self._keys = keys
        self._admin = admin
        self._webhook = webhook
        self._invoker = invoker
        self._limiter: anyio.CapacityLimiter | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        path = decode_path(request.scope.get("raw_path") or request.url.path.encode()).lstrip("/")
        segments = [segment for segment in path.split("/") if segment]
        body = await _read_body(request)
        if body is None:
            return Response(status_code=413)
        area = segments[0].lower() if segments else ""
        if area == "admin":
            return self._answer_admin(request, segments[1:])
        if area == "runtime":
            return await self._answer_runtime(request, [segment.lower() for segment in segments], body)
        return await self._answer_function(request, path, body)

    async def _answer_function(self, request: Request, path: str, body: bytes) -> Response:
        found = self._routes.find(request.method, path)
        if found is None:
            return Response(status_code=404) if path else Response("Your functions app is up and running.")
        route, values = found
        function = route.function
        if not self._keys.opens_function(_key(request), function.name, function.trigger.text("authLevel", "function")):
            return Response(status_code=401)
        data = http_trigger_data(request, body, values)
        reason = f"{request.method} {request.url.path}"
        result = await self._in_thread(lambda: self._invoker.invoke(function, data, reason))
        return to_response(result)

    def _answer_admin(self, request: Request, segments: list[str]) -> Response:
        if segments == ["host", "ping"] and request.method in ("GET", "POST", "HEAD"):
            return Response()
        if not self._admin.knows(segments):
            return Response(status_code=404)
        if refusal := self._refusal(request, Access.ADMIN):
            return refusal
        base_url = str(request.base_url).rstrip("/")
        return to_json_response(self._admin.answer(request.method, segments, base_url))

    async def _answer_runtime(self, request: Request, segments: list[str], body: bytes) -> Response:
        if segments[1:2] != ["webhooks"]:
            return Response(status_code=404)
        is_blobs = segments == _WEBHOOK and self._webhook is not None
        # The system key is the extension's own: it opens no other webhook.
        if refusal := self._refusal(request, Access.SYSTEM if is_blobs else Access.ADMIN):
            return refusal
        if segments != _WEBHOOK or self._webhook is None:
            return Response(status_code=404)
        webhook = self._webhook
        function_id = request.query_params.get("functionName", "")
        event_type = request.headers.get(EVENT_TYPE_HEADER, "")
        return to_json_response(await self._in_thread(lambda: webhook.receive(function_id, event_type, body)))

    def _refusal(self, request: Request, needed: Access) -> Response | None:
        """401 without a valid key, 403 with one that opens less than this."""
        access = self._keys.access(_key(request))
        if access >= needed:
            return None
        return Response(status_code=401 if access is Access.ANONYMOUS else 403)

    async def _in_thread(self, act: Callable[[], _T]) -> _T:
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(_REQUEST_THREADS)
        # A stopping server does not wait for a handler that hangs.
        return await anyio.to_thread.run_sync(act, limiter=self._limiter, abandon_on_cancel=True)


def _key(request: Request) -> str | None:
    """The header wins over the query (azure-functions-host, AuthenticationLevelHandler.cs)."""
    return request.headers.get("x-functions-key") or request.query_params.get("code")


async def _read_body(request: Request) -> bytes | None:
    """None when it is too large."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_BODY:
            return None
    return bytes(body)
