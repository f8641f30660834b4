"""The app under uvicorn: in a thread for tests, or in the main thread for `language-emulator`."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread

import uvicorn
from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response
from uvicorn.protocols.http.h11_impl import H11Protocol

from language_emulator import text_authoring_2021
from language_emulator.analyze_text.analyze import AnalyzeRoutes
from language_emulator.analyze_text.deployments import DeploymentRoutes
from language_emulator.analyze_text.models import ModelRoutes
from language_emulator.analyze_text.projects import ProjectRoutes
from language_emulator.clock import Clock, SystemClock
from language_emulator.control_routes import ControlRoutes
from language_emulator.http import not_found
from language_emulator.http.answers import TRANSPORT, error_answer
from language_emulator.service import LanguageService
from language_emulator.settings import EmulatorSettings
from language_emulator.text_authoring_2021.analyze import PreviewAnalyze
from language_emulator.text_authoring_2021.authoring import PreviewAuthoring

START_SECONDS = 20.0
STOP_SECONDS = 20.0


def create_app(settings: EmulatorSettings, clock: Clock | None = None) -> FastAPI:
    """The emulator as an ASGI app; two share nothing. The service itself is at `app.state.service`.

    It ends with the app's lifespan.
    """
    service = LanguageService(settings, clock or SystemClock())

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        service.close()

    # No generated documentation: the service has none at these addresses.
    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.service = service
    for routes in (
        ControlRoutes(service),
        PreviewAuthoring(service),
        PreviewAnalyze(service),
        ProjectRoutes(service),
        ModelRoutes(service),
        DeploymentRoutes(service),
        AnalyzeRoutes(service),
    ):
        app.include_router(routes.router())

    @app.exception_handler(HTTPException)
    async def unserved(request: Request, error: HTTPException) -> Response:
        explained = not_found.explain(request.url.path, error.status_code, text_authoring_2021.VERSIONED)
        service.requests.count("unknown", str(explained.status))
        return error_answer(explained)

    return app


class _DroppingProtocol(H11Protocol):
    """Lets an answer get at its connection, to drop it (answers.LostAnswer)."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, TRANSPORT: transport}

    def shutdown(self) -> None:
        """At the end, do not wait for TLS clients to say goodbye on connections they merely kept."""
        super().shutdown()
        if self.transport.is_closing():
            self.transport.abort()


class _AnnouncingServer(uvicorn.Server):
    """Calls `on_start` once requests are answered."""

    def __init__(self, config: uvicorn.Config, on_start: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_start = on_start

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_start()


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


def build_server(
    settings: EmulatorSettings, scratch: Path, on_start: Callable[[], None], clock: Clock | None = None
) -> BuiltServer:
    """`scratch` takes the certificate unless the settings name a folder for it."""
    app = create_app(settings, clock)
    certificate, key = _certificate(settings, scratch)
    config = uvicorn.Config(
        app,
        ssl_certfile=certificate,
        ssl_keyfile=key,
        http=_DroppingProtocol,
        ws="none",
        log_config=None,
        access_log=False,
        lifespan="on",
        # Clients keep connections open; do not wait for them at the end.
        timeout_graceful_shutdown=2,
    )
    return BuiltServer(_AnnouncingServer(config, on_start), app.state.service, certificate)


def _certificate(settings: EmulatorSettings, scratch: Path) -> tuple[Path, Path] | tuple[None, None]:
    if not settings.tls:
        return None, None
    from language_emulator.http.certificates import write_certificate

    return write_certificate(settings.certificates or scratch)


@contextmanager
def running_emulator(settings: EmulatorSettings, clock: Clock | None = None) -> Iterator[RunningEmulator]:
    """An emulator in a thread of this process, on a free port unless `settings` names one; stopped at the end."""
    with bind(settings) as listener, TemporaryDirectory(prefix="language-emulator-") as scratch:
        started_or_ended = Event()
        built = build_server(settings, Path(scratch), started_or_ended.set, clock)
        server = built.server

        def serve() -> None:
            try:
                server.run(sockets=[listener])
            finally:
                started_or_ended.set()

        thread = Thread(target=serve, name="language-emulator")
        thread.start()
        try:
            started_or_ended.wait(START_SECONDS)
            if not server.started:
                raise RuntimeError("the emulator did not start; its log says why")
            yield RunningEmulator(server_url(settings, listener), built.service, settings, built.certificate)
        finally:
            server.should_exit = True
            thread.join(STOP_SECONDS)
