"""A proxy in front of storage that spoils some of the calls: busy, cut off, cut in half, slow.

It runs in a thread of its own, one port for each upstream port. It understands as much of HTTP/1.1 as it needs to tell
one call from the next; what it does not spoil passes byte for byte.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Self

_HEAD_LIMIT = 2**20
_START_SECONDS = 10
# An upstream closes idle connections (Azurite after 5 s); an older one than this is not used for another call.
_IDLE_SECONDS = 2.0
_BUSY_BODY = (
    b'<?xml version="1.0" encoding="utf-8"?><Error><Code>ServerBusy</Code>'
    b"<Message>The server is busy.\nInjected by the fault proxy.</Message></Error>"
)
_BUSY = (
    b"HTTP/1.1 503 The server is busy.\r\nx-ms-error-code: ServerBusy\r\nContent-Type: application/xml\r\n"
    b"Content-Length: %d\r\n\r\n"
)


@dataclass(frozen=True)
class Weather:
    """The chance, 0 to 1, that a call meets one of these. At most one thing happens to a call."""

    busy: float = 0.0
    """503 ServerBusy; storage never sees the call."""
    cut_before: float = 0.0
    """The connection is closed; storage never sees the call."""
    cut_after: float = 0.0
    """Storage does what was asked, and the answer is lost."""
    cut_within: float = 0.0
    """The same, but half of the answer arrives."""
    slow: float = 0.0
    slow_seconds: float = 1.0

    def pick(self, roll: float) -> str:
        """What a roll of 0 to 1 means for a call; "" for nothing."""
        for name in ("busy", "cut_before", "cut_after", "cut_within", "slow"):
            roll -= getattr(self, name)
            if roll < 0:
                return name
        return ""


CALM = Weather()


@dataclass(frozen=True)
class HttpMessage:
    """A request or an answer as it came."""

    head: bytes
    body: bytes

    @property
    def first_line(self) -> list[str]:
        return self.head.partition(b"\r\n")[0].decode("latin-1").split(" ")

    def wants_close(self) -> bool:
        return _header(self.head, b"connection").lower() == b"close"


@dataclass
class FaultProxy:
    """A context manager. `weather` may be replaced at any time; `ports` are in the order of the upstream ports.

    `counts` are of calls by what happened to them ("" for nothing), `requests` by method and first part of the path
    below the account.
    """

    upstream_ports: tuple[int, ...]
    seed: int = 0
    weather: Weather = CALM
    ports: tuple[int, ...] = ()
    counts: Counter[str] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._started = threading.Event()
        self._stop: Callable[[], object] = lambda: None
        self._error: BaseException | None = None
        self._connections: set[asyncio.Task[None] | None] = set()
        self._thread = threading.Thread(target=self._run, name="fault-proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._started.wait(_START_SECONDS) or self._error:
            raise RuntimeError("the fault proxy did not start") from self._error
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        self._thread.join(_START_SECONDS)

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:
            self._error = error
        finally:
            self._started.set()

    async def _main(self) -> None:
        stopping, loop = asyncio.Event(), asyncio.get_running_loop()
        self._stop = lambda: loop.call_soon_threadsafe(stopping.set)
        servers = [
            await asyncio.start_server(self._handler(port), "127.0.0.1", 0, limit=_HEAD_LIMIT)
            for port in self.upstream_ports
        ]
        self.ports = tuple(server.sockets[0].getsockname()[1] for server in servers)
        self._started.set()
        await stopping.wait()
        for server in servers:
            server.close()

    def _handler(self, port: int) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            upstream = _Upstream(port)
            # The loop itself remembers its tasks weakly.
            task = asyncio.current_task()
            self._connections.add(task)
            try:
                while await self._call(reader, writer, upstream):
                    pass
            except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                pass  # either side has gone, or speaks no HTTP: so the other is cut off too
            except asyncio.CancelledError:
                pass  # the proxy is being stopped; streams of 3.11 would log it
            finally:
                self._connections.discard(task)
                upstream.close()
                writer.close()

        return handle

    async def _call(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, upstream: _Upstream) -> bool:
        """One call; false when the connection is to be closed."""
        request = await _read_request(reader, writer)
        if request is None:
            return False
        method = request.first_line[0]
        self.requests[_kind(request)] += 1
        weather = self.weather
        what = weather.pick(self._random.random())
        self.counts[what] += 1
        if what == "busy":
            body = b"" if method == "HEAD" else _BUSY_BODY
            writer.write(_BUSY % len(body) + body)
            await writer.drain()
            return not request.wants_close()
        if what == "cut_before":
            writer.transport.abort()
            return False
        if what == "slow":
            await asyncio.sleep(weather.slow_seconds)
        answer = await upstream.exchange(request, method)
        if what == "cut_after":
            writer.transport.abort()
            return False
        if what == "cut_within":
            whole = answer.head + answer.body
            writer.write(whole[: max(1, len(whole) // 2)])
            await writer.drain()
            return False
        writer.write(answer.head + answer.body)
        await writer.drain()
        return not (request.wants_close() or answer.wants_close())


class _Upstream:
    """The connection to the real server that belongs to one client's connection."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._used = 0.0

    async def exchange(self, request: HttpMessage, method: str) -> HttpMessage:
        clock = asyncio.get_running_loop().time
        if self._reader is None or self._reader.at_eof() or clock() - self._used > _IDLE_SECONDS:
            self.close()
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port, limit=_HEAD_LIMIT)
        assert self._writer is not None
        self._writer.write(request.head + request.body)
        await self._writer.drain()
        answer = await _read_answer(self._reader, method)
        self._used = clock()
        if answer.wants_close():
            self.close()
        return answer

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None


async def _read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> HttpMessage | None:
    """None when the client has closed the connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None
    if _header(head, b"expect").lower() == b"100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        head = b"\r\n".join(line for line in head.split(b"\r\n") if not line.lower().startswith(b"expect:"))
    return HttpMessage(head, await _read_body(reader, head))


async def _read_answer(reader: asyncio.StreamReader, method: str) -> HttpMessage:
    while True:
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        if status >= 200:
            break
    if method == "HEAD" or status in (204, 304):
        return HttpMessage(head, b"")
    framed = _header(head, b"content-length") or _header(head, b"transfer-encoding")
    return HttpMessage(head, await (_read_body(reader, head) if framed else reader.read()))


async def _read_body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    """By Content-Length or in chunks, as they came; nothing when the head announces nothing."""
    if b"chunked" not in _header(head, b"transfer-encoding").lower():
        return await reader.readexactly(int(_header(head, b"content-length") or 0))
    parts: list[bytes] = []
    while True:
        line = await reader.readuntil(b"\r\n")
        size = int(line.split(b";")[0], 16)
        parts += [line, await reader.readexactly(size + 2)] if size else [line]
        if size == 0:
            break
    while parts[-1] != b"\r\n":  # trailers, up to an empty line
        parts.append(await reader.readuntil(b"\r\n"))
    return b"".join(parts)


def _header(head: bytes, name: bytes) -> bytes:
    """The value of a header, or nothing."""
    for line in head.split(b"\r\n")[1:]:
        found, _, value = line.partition(b":")
        if found.strip().lower() == name:
            return value.strip()
    return b""


def _kind(request: HttpMessage) -> str:
    """Such as "PUT classifications"; the first part of a path is the account."""
    method, target = request.first_line[:2]
    parts = target.partition("?")[0].split("/")
    return f"{method} {parts[2] if len(parts) > 2 else ''}"
