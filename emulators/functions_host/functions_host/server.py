"""Serves a Host with uvicorn until SIGTERM or SIGINT, and prints the line that says it is ready."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Iterator

import uvicorn

from functions_host.host import Host

READY = "Host started: "
_INTERRUPTED = 130


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """uvicorn raises the signal again after its shutdown, which would cut ours short; _serve handles signals."""
        yield


def bind(address: str, port: int) -> socket.socket:
    """A bound socket; port 0 takes a free one. Raises OSError when the port is taken."""
    # With the protocol's number: asyncio sends at once (TCP_NODELAY) only on sockets that have it, and else the body of
    # a small answer would wait 40 ms for the client to acknowledge its head.
    bound = socket.socket(proto=socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((address, port))
    return bound


def serve(host: Host, bound: socket.socket) -> bool:
    """Blocks until stopped; True when all that ran has ended in time."""
    return asyncio.run(_serve(host, bound))


async def _serve(host: Host, bound: socket.socket) -> bool:
    server = _Server(
        uvicorn.Config(
            host.site,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=max(1, round(host.drain_seconds)),
        )
    )
    stopping = _stop_signal()
    serving = asyncio.create_task(server.serve(sockets=[bound]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.005)
    _announce(host, bound)
    host.start()
    await asyncio.wait([serving, asyncio.create_task(stopping.wait())], return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    # Requests and messages share the time: the stop signal of a container leaves 10 s for both.
    has_drained, _ = await asyncio.gather(asyncio.to_thread(host.drain), serving)
    return has_drained


def _stop_signal() -> asyncio.Event:
    """Set by the first SIGTERM or SIGINT; the second ends the process at once."""
    stopping = asyncio.Event()

    def stop() -> None:
        if stopping.is_set():
            os._exit(_INTERRUPTED)
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    return stopping


def _announce(host: Host, bound: socket.socket) -> None:
    """Before the first function starts, so that the ready line stands alone even when one ends the process at once."""
    address, port = bound.getsockname()[:2]
    url = f"http://{address}:{port}"
    lines = [*host.describe(url), f"{READY}{url} ({len(host.functions)} functions)"]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
