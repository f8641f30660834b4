"""What the GA operations share: their parameters, the ids of their jobs, their links."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Query, Request
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.responses import Response

from language_emulator import errors
from language_emulator.analyze_text import AUTHORING_BASE, AUTHORING_VERSIONS
from language_emulator.analyze_text.requests import StringIndexType
from language_emulator.http.answers import accepted, answer
from language_emulator.http.links import link
from language_emulator.http.middleware import Middleware, Routes, build_router
from language_emulator.http.paging import Page, read_authoring_page
from language_emulator.projects.records import new_guid
from language_emulator.service import LanguageService

Part = Annotated[Page, Depends(read_authoring_page)]

# Counts offsets, of which classification has none; the specification requires it all the same.
StringIndex = Annotated[StringIndexType, Query(alias="stringIndexType")]
# In the place of a project's name: what belongs to no project.
GLOBAL = "global"

_NULL_LINK_BEFORE = "2023"
_TICKS_PER_SECOND = 10_000_000
_YEAR_ONE = datetime(1, 1, 1, tzinfo=UTC)


def _api_version(request: Request) -> str:
    """The middleware has checked it."""
    return request.query_params["api-version"]


J = TypeVar("J")
Version = Annotated[str, Depends(_api_version)]


class _ProjectConvertor(StringConvertor):
    """A project's name in front of something below it."""

    regex = rf"(?!{GLOBAL}/)[^/]+"


register_url_convertor("project", _ProjectConvertor())


class AuthoringRoutes:
    """Base of the authoring operations: one method for each operation, named after it."""

    def __init__(self, service: LanguageService) -> None:
        self._service = service

    def middleware(self) -> Middleware:
        return self._service.middleware("the Language authoring API", AUTHORING_VERSIONS)

    def build_router(self, routes: Routes) -> APIRouter:
        """Addresses below `global` are those that `routes` spell out; nothing else there is taken for a project's."""
        below = [(method, path.replace("{project}/", "{project:project}/"), name) for method, path, name in routes]
        return build_router(self.middleware(), AUTHORING_BASE, below, self)

    def new_job_id(self) -> str:
        """The form of the published examples: a guid and the .NET ticks of the day's midnight."""
        today = self._service.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        ticks = int((today - _YEAR_ONE).total_seconds()) * _TICKS_PER_SECOND
        return f"{new_guid()}_{ticks}"

    def job_accepted(self, request: Request, path: str) -> Response:
        return accepted("operation-location", self.link(request, path))

    def link(self, request: Request, path: str, query: dict[str, Any] | None = None) -> str:
        version = {"api-version": request.query_params["api-version"]}
        return link(self._service.settings.external_url, request, f"{AUTHORING_BASE}/{path}", (query or {}) | version)

    def listed(self, request: Request, entries: list[Any], part: Page) -> Response:
        """A page of `entries` and the link to the next one; at the end null in the versions that specify it so."""
        following = part.following(len(entries))
        body: dict[str, Any] = {"value": part.of(entries)}
        if following is not None:
            path = request.url.path.removeprefix(f"{AUTHORING_BASE}/")
            query = {"top": following.limit, "skip": following.skip, "maxpagesize": following.size}
            body["nextLink"] = self.link(request, path, query)
        elif request.query_params["api-version"] < _NULL_LINK_BEFORE:
            body["nextLink"] = None
        return answer(body)


def require_job(job: J | None, job_id: str) -> J:
    if job is None:
        raise errors.authoring_job_not_found(job_id)
    return job
