"""The emulator as an ASGI app. `create_app` is a factory: two apps share nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from language_emulator.answers import error_answer
from language_emulator.clock import Clock, SystemClock
from language_emulator.control import Control
from language_emulator.ga_2023.analyze import AnalyzeRoutes
from language_emulator.ga_2023.deployments import DeploymentRoutes
from language_emulator.ga_2023.models import ModelRoutes
from language_emulator.ga_2023.projects import ProjectRoutes
from language_emulator.preview_2021.analyze import PreviewAnalyze
from language_emulator.preview_2021.authoring import PreviewAuthoring
from language_emulator.service import LanguageService
from language_emulator.settings import EmulatorSettings
from language_emulator.unserved import explain_unserved


def create_app(settings: EmulatorSettings, clock: Clock | None = None) -> FastAPI:
    """The service itself is at `app.state.service`; it ends with the app's lifespan."""
    service = LanguageService(settings, clock or SystemClock())

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        service.close()

    # No generated documentation: the service has none at these addresses.
    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.service = service
    for part in (
        Control(service),
        PreviewAuthoring(service),
        PreviewAnalyze(service),
        ProjectRoutes(service),
        ModelRoutes(service),
        DeploymentRoutes(service),
        AnalyzeRoutes(service),
    ):
        app.include_router(part.router())

    @app.exception_handler(HTTPException)
    async def unserved(request: Request, error: HTTPException) -> Response:
        explained = explain_unserved(request.url.path, error.status_code)
        service.requests.count("unknown", str(explained.status))
        return error_answer(explained)

    return app
