"""The transport under the storage SDK: urllib3's connection pools, without the layer that the SDK has by default.

That layer is `requests`, which asks the environment for proxies, a netrc file and certificates at every call: a third
of a call's CPU (docs/performance.md). Here the environment is read once for each address, and means the same:
`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`; `REQUESTS_CA_BUNDLE` and `CURL_CA_BUNDLE`. No netrc file is
read.

Retries and redirects are the SDK's: each call of `send` is one request.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from http.client import IncompleteRead
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from azure.core.exceptions import (
    AzureError,
    DecodeError,
    HttpResponseError,
    IncompleteReadError,
    ResponseNotReadError,
    ServiceRequestError,
    ServiceRequestTimeoutError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
    StreamClosedError,
    StreamConsumedError,
)
from azure.core.pipeline.transport import HttpTransport
from azure.core.rest import HttpRequest, HttpResponse
from requests.adapters import HTTPAdapter
from urllib3 import exceptions as wire

# The SDK's own limits, in seconds, which it gives to no transport but the one it makes itself.
CONNECT_SECONDS = 20
READ_SECONDS = 60
# Connections kept to one address: as many as handlers and fan-out together use.
POOL_SIZE = 64
# Bytes of a streamed body that are read at a time.
BLOCK_SIZE = 65_536

_ONE_TRY = urllib3.Retry(total=False, redirect=False, raise_on_status=False)


class PooledTransport(HttpTransport[HttpRequest, HttpResponse]):
    """Connections to storage, for many threads. Whoever makes it closes it; the clients that use it do not."""

    def __init__(self, *, connect_seconds: float = CONNECT_SECONDS, read_seconds: float = READ_SECONDS) -> None:
        self._timeout = urllib3.Timeout(connect=connect_seconds, read=read_seconds)
        self._adapter = _Routes(pool_connections=4, pool_maxsize=POOL_SIZE)
        self._lock = threading.Lock()
        self._routes: dict[str, _Route] = {}

    def __enter__(self) -> PooledTransport:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing: a client that is used in a `with` does not own these connections."""

    def open(self) -> None:
        """Nothing: connections are made when they are needed."""

    def close(self) -> None:
        """Close the connections that are not in use. A later call makes new ones."""
        with self._lock:
            self._routes = {}
            self._adapter.close()

    def send(  # type: ignore[override] # what else a call might ask for would be ignored: it is refused
        self,
        request: HttpRequest,
        *,
        stream: bool = False,
        connection_timeout: float | None = None,
        read_timeout: float | None = None,
    ) -> HttpResponse:
        """One request. Raises ServiceRequestError when it was not sent, ServiceResponseError when no answer came.

        A `stream` is read by whoever asked for it; until it is read to its end, it keeps its connection.
        """
        timeout = self._timeout
        if connection_timeout is not None or read_timeout is not None:
            timeout = urllib3.Timeout(
                connect=connection_timeout or timeout.connect_timeout, read=read_timeout or timeout.read_timeout
            )
        origin, target = _split(request.url)
        route = self._routes.get(origin) or self._new_route(origin)
        try:
            answer = route.pool.urlopen(
                request.method,
                request.url if route.whole_address else target,
                body=request.content,
                headers=request.headers,
                retries=_ONE_TRY,
                redirect=False,
                assert_same_host=False,  # a proxy is asked for another host's address
                timeout=timeout,
                preload_content=False,
            )
        except wire.HTTPError as error:
            raise translated(error) from error
        response = StorageResponse(request, answer)
        if not stream:
            response.read()
        return response

    def _new_route(self, origin: str) -> _Route:
        with self._lock:
            try:
                return self._routes.setdefault(origin, self._adapter.find(origin))
            except requests.RequestException as error:  # the environment names a proxy that cannot be one
                raise ServiceRequestError(error, error=error) from error


class StorageResponse(HttpResponse):
    """An answer, in both shapes that the generated code of the SDKs asks for: azure.core.rest's and the older one."""

    block_size = BLOCK_SIZE

    def __init__(self, request: HttpRequest, answer: urllib3.BaseHTTPResponse) -> None:
        self.internal_response = answer
        self._request = request
        self._headers: MutableMapping[str, str] = answer.headers
        self._content: bytes | None = None
        self._encoding: str | None = None
        self._consumed = False
        self._closed = False

    @property
    def request(self) -> HttpRequest:
        return self._request

    @property
    def url(self) -> str:
        return self._request.url

    @property
    def status_code(self) -> int:
        return self.internal_response.status

    @property
    def reason(self) -> str:
        return self.internal_response.reason or ""

    @property
    def headers(self) -> MutableMapping[str, str]:
        return self._headers

    @property
    def content_type(self) -> str | None:
        return self._headers.get("content-type")

    @property
    def is_closed(self) -> bool:
        return self._closed

    @property
    def is_stream_consumed(self) -> bool:
        return self._consumed

    @property
    def encoding(self) -> str | None:
        return self._encoding

    @encoding.setter
    def encoding(self, value: str | None) -> None:
        self._encoding = value

    @property
    def content(self) -> bytes:
        if self._content is None:
            raise ResponseNotReadError(self)
        return self._content

    def body(self) -> bytes:
        return self.read()

    def read(self) -> bytes:
        if self._content is None:
            self._start_reading()
            try:
                self._content = self.internal_response.read(decode_content=True)
            except wire.HTTPError as error:
                self.close()
                raise translated(error) from error
        return self._content

    def text(self, encoding: str | None = None) -> str:
        # Storage answers in UTF-8, sometimes with a mark in front.
        return self.content.decode(encoding or self._encoding or "utf-8-sig", errors="replace")

    def json(self) -> Any:
        return json.loads(self.text())

    def iter_bytes(self, **_: Any) -> Iterator[bytes]:
        if self._content is not None:
            return iter([self._content])
        return self.stream_download()

    def iter_raw(self, **_: Any) -> Iterator[bytes]:
        return self.stream_download(decompress=False)

    def stream_download(self, pipeline: Any = None, *, decompress: bool = True) -> Iterator[bytes]:  # noqa: ARG002
        self._start_reading()
        return StorageStream(self, decompress=decompress)

    def _start_reading(self) -> None:
        if self._consumed:
            raise StreamConsumedError(self)
        if self._closed:
            raise StreamClosedError(self)
        self._consumed = True

    def raise_for_status(self) -> None:
        if self.status_code >= 400:
            raise HttpResponseError(response=self)

    def close(self) -> None:
        """Give the connection up, unless the whole body was read and it is back in its pool."""
        if not self._closed:
            self._closed = True
            self.internal_response.close()

    def __enter__(self) -> StorageResponse:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<HttpResponse: {self.status_code} {self.reason}>"


class StorageStream(Iterator[bytes]):
    """The body of an answer, block by block. The SDK keeps the properties it has read on this object."""

    def __init__(self, response: StorageResponse, *, decompress: bool) -> None:
        self.response = response
        self.content_length = int(response.headers.get("content-length", 0))
        self._blocks = response.internal_response.stream(BLOCK_SIZE, decode_content=decompress)

    def __len__(self) -> int:
        return self.content_length

    def __next__(self) -> bytes:
        """Raises IncompleteReadError, DecodeError and ServiceResponseError, at which the SDK asks again."""
        try:
            return next(self._blocks)
        except StopIteration:
            self.response.close()
            raise
        except wire.HTTPError as error:
            self.response.close()
            raise translated(error) from error


@dataclass(frozen=True)
class _Route:
    """The connections to an address; through a proxy that reads requests, the whole address is asked of it."""

    pool: Any
    """urllib3.HTTPConnectionPool, for which requests declares a base class that cannot do anything."""
    whole_address: bool


class _Routes(HTTPAdapter):
    """Where requests would send to. The environment is read once for each address."""

    def find(self, origin: str) -> _Route:
        with requests.Session() as session:
            environment = session.merge_environment_settings(origin, {}, None, None, None)
        request = requests.Request("GET", f"{origin}/").prepare()
        proxies, verify = environment["proxies"], environment["verify"]
        pool = self.get_connection_with_tls_context(request, verify, proxies=proxies, cert=environment["cert"])
        return _Route(pool, whole_address=self.request_url(request, proxies) != "/")


def _split(url: str) -> tuple[str, str]:
    """`https://host:port`, and what is asked for there."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}", f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"


def translated(error: wire.HTTPError) -> AzureError:
    """As the SDK's own transport has them: its retries and our `outages.py` go by these classes."""
    if isinstance(error, wire.ConnectTimeoutError) and not isinstance(error, wire.NewConnectionError):
        return ServiceRequestTimeoutError(error, error=error)
    if isinstance(error, wire.ReadTimeoutError):
        return ServiceResponseTimeoutError(error, error=error)
    if isinstance(error, wire.ProtocolError):
        if any(isinstance(part, IncompleteRead) for part in error.args):
            return IncompleteReadError(error, error=error)
        return ServiceResponseError(error, error=error)
    if isinstance(error, wire.DecodeError):
        return DecodeError(error, error=error)
    return ServiceRequestError(error, error=error)
