"""The app under uvicorn: in a thread for tests, or in the main thread for `python -m language_emulator`."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from language_emulator.answers import TRANSPORT
from language_emulator.app import create_app
from language_emulator.clock import Clock
from language_emulator.service import LanguageService
from language_emulator.settings import EmulatorSettings
from azurite_process.processes import wait_until

START_SECONDS = 20.0
STOP_SECONDS = 20.0


class DroppingProtocol(H11Protocol):
    """Lets an answer get at its connection, to drop it (answers.LostAnswer)."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, TRANSPORT: transport}

    def shutdown(self) -> None:
        """At the end, do not wait for TLS clients to say goodbye on connections they merely kept."""
        super().shutdown()
        if self.transport.is_closing():
            self.transport.abort()


@dataclass(frozen=True)
class RunningEmulator:
    """An emulator that answers at `url`. `service` is for looking inside; requests go over HTTP."""

    url: str
    service: LanguageService
    settings: EmulatorSettings
    # With `tls`: the certificate clients have to trust.
    certificate: Path | None = None


def bind(settings: EmulatorSettings) -> socket.socket:
    """Bind before anything starts, so that a free port cannot be lost to someone else."""
    # Named as TCP, or asyncio does not turn off Nagle's algorithm and each answer takes 40 ms longer.
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((settings.host, settings.port))
    return listener


def server_url(settings: EmulatorSettings, listener: socket.socket) -> str:
    scheme = "https" if settings.tls else "http"
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{scheme}://{host}:{listener.getsockname()[1]}"


@dataclass(frozen=True)
class BuiltServer:
    """The app under uvicorn, not yet started."""

    server: uvicorn.Server
    service: LanguageService
    certificate: Path | None


def build_server(settings: EmulatorSettings, scratch: Path, clock: Clock | None = None) -> BuiltServer:
    """`scratch` takes the certificate unless the settings name a folder for it."""
    app = create_app(settings, clock)
    certificate, key = _certificate(settings, scratch)
    config = uvicorn.Config(
        app,
        ssl_certfile=certificate,
        ssl_keyfile=key,
        http=DroppingProtocol,
        ws="none",
        log_config=None,
        access_log=False,
        lifespan="on",
        # Clients keep connections open; do not wait for them at the end.
        timeout_graceful_shutdown=2,
    )
    return BuiltServer(uvicorn.Server(config), app.state.service, certificate)


def _certificate(settings: EmulatorSettings, scratch: Path) -> tuple[Path, Path] | tuple[None, None]:
    if not settings.tls:
        return None, None
    from language_emulator.certificates import write_certificate

    return write_certificate(settings.certificates or scratch)


@contextmanager
def running_emulator(settings: EmulatorSettings, clock: Clock | None = None) -> Iterator[RunningEmulator]:
    """An emulator in a thread of this process, on a free port unless `settings` names one; stopped at the end."""
    with bind(settings) as listener, TemporaryDirectory(prefix="language-emulator-") as scratch:
        built = build_server(settings, Path(scratch), clock)
        server = built.server
        thread = Thread(target=server.run, kwargs={"sockets": [listener]}, name="language-emulator")
        thread.start()
        try:
            wait_until(lambda: server.started or not thread.is_alive(), seconds=START_SECONDS, what="the emulator")
            yield RunningEmulator(server_url(settings, listener), built.service, settings, built.certificate)
        finally:
            server.should_exit = True
            thread.join(STOP_SECONDS)
