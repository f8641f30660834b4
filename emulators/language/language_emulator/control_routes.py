"""Control routes under `/_emulator/`, a prefix the real service cannot have. They need no key.

GET    /_emulator/health       {"status": "ok", ...}
POST   /_emulator/reset        back to the state of a first start
GET    /_emulator/progression  {"training": "immediate", "publishing": "after 2 reads", "imports": ..., "analysis": ...}
PUT    /_emulator/progression  any of those keys; applies to jobs started from now on
GET    /_emulator/faults       {"faults": [rule, ...]}; see control/rules.py and control/actions.py
PUT    /_emulator/faults       the same form; replaces all rules
DELETE /_emulator/faults       removes all rules
GET    /_emulator/requests     {"total": 3, "operations": {"submit_analysis": {"202": 3}}}
DELETE /_emulator/requests     counts from zero again
GET    /_emulator/jobs         {"jobs": [{"kind", "jobId", "project", "status", "reads", ...}]}
GET    /_emulator/classifier   the classifier's own time: {"trainings": [...], "calls": [...], "documentsClassified": n}
DELETE /_emulator/classifier   forgets those figures
GET    /_emulator/token        a bearer token; query: role (reader, writer, owner) or client_id of that name, seconds,
                               resource. With IDENTITY_ENDPOINT set to this address and any IDENTITY_HEADER,
                               ManagedIdentityCredential of azure-identity takes its tokens from here
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, field_validator

from language_emulator.clock import format_time
from language_emulator.control.progression import ProgressionField
from language_emulator.control.rules import FaultRule
from language_emulator.http.tokens import AUDIENCE, Role
from language_emulator.jobs.records import Job
from language_emulator.operations import ALL
from language_emulator.service import LanguageService

PREFIX = "/_emulator"


class ProgressionBody(BaseModel):
    """Only the given kinds of job change."""

    model_config = ConfigDict(extra="forbid")

    training: ProgressionField | None = None
    publishing: ProgressionField | None = None
    imports: ProgressionField | None = None
    analysis: ProgressionField | None = None


class FaultsBody(BaseModel):
    """The rules in the order they are tried; every one that matches strikes."""

    model_config = ConfigDict(extra="forbid")

    faults: list[FaultRule]

    @field_validator("faults")
    @classmethod
    def _operations_exist(cls, rules: list[FaultRule]) -> list[FaultRule]:
        for rule in rules:
            if rule.operation != "*" and rule.operation not in ALL:
                raise ValueError(f"no operation '{rule.operation}'; there are {', '.join(sorted(ALL))}")
        return rules


class ControlRoutes:
    """How tests and the local run steer the emulator."""

    def __init__(self, service: LanguageService) -> None:
        self._service = service

    def router(self) -> APIRouter:
        router = APIRouter(prefix=PREFIX)
        for method, path, endpoint in (
            ("GET", "/health", self.health),
            ("POST", "/reset", self.reset),
            ("GET", "/progression", self.progression),
            ("PUT", "/progression", self.set_progression),
            ("GET", "/faults", self.faults),
            ("PUT", "/faults", self.set_faults),
            ("DELETE", "/faults", self.delete_faults),
            ("GET", "/requests", self.requests),
            ("DELETE", "/requests", self.delete_requests),
            ("GET", "/jobs", self.jobs),
            ("GET", "/classifier", self.classifier),
            ("DELETE", "/classifier", self.delete_classifier),
            ("GET", "/token", self.token),
        ):
            router.add_api_route(path, endpoint, methods=[method], response_model=None)
        return router

    def health(self) -> dict[str, Any]:
        return {"status": "ok", "projects": len(self._service.projects.select())}

    def reset(self) -> dict[str, Any]:
        self._service.reset()
        return self.health()

    def progression(self) -> dict[str, str]:
        return {kind: str(progression) for kind, progression in self._service.job_store.progressions.items()}

    def set_progression(self, body: ProgressionBody) -> dict[str, str]:
        given = {kind: getattr(body, kind) for kind in ProgressionBody.model_fields}
        self._service.job_store.progressions |= {kind: value for kind, value in given.items() if value is not None}
        return self.progression()

    def faults(self) -> dict[str, Any]:
        return {"faults": [rule.model_dump(mode="json", by_alias=True) for rule in self._service.faults.rules]}

    def set_faults(self, body: FaultsBody) -> dict[str, Any]:
        self._service.faults.replace(body.faults)
        return self.faults()

    def delete_faults(self) -> dict[str, Any]:
        self._service.faults.replace([])
        return self.faults()

    def requests(self) -> dict[str, Any]:
        return self._service.requests.shown()

    def delete_requests(self) -> dict[str, Any]:
        self._service.requests.clear()
        return self.requests()

    def jobs(self) -> dict[str, Any]:
        return {"jobs": [_job_summary(job) for job in self._service.job_store.all_jobs()]}

    def classifier(self) -> dict[str, Any]:
        return self._service.classifier_statistics.shown()

    def delete_classifier(self) -> dict[str, Any]:
        self._service.classifier_statistics.clear()
        return self.classifier()

    def token(
        self,
        resource: str = AUDIENCE,
        role: Role | None = None,
        client_id: str = "",
        seconds: Annotated[float, Query(gt=0)] = 3600,
    ) -> dict[str, str]:
        """In the form of the managed identity endpoint of App Service, so that azure-identity can be the client."""
        named = Role(client_id) if client_id in set(Role) else Role.OWNER
        token, expires = self._service.tokens.mint(role or named, audience=resource, life=timedelta(seconds=seconds))
        return {
            "access_token": token,
            "expires_on": str(int(expires.timestamp())),
            "resource": resource,
            "token_type": "Bearer",
            "client_id": client_id,
        }


def _job_summary(job: Job) -> dict[str, Any]:
    """Without results: those are documents' classes, and belong to whoever holds the key."""
    return {
        "kind": job.kind,
        "jobId": job.job_id,
        "project": job.project,
        "status": job.status,
        "percent": job.percent,
        "reads": job.reads,
        "documents": getattr(job, "document_count", None),
        "model": getattr(job, "model_label", None),
        "created": format_time(job.created),
        "updated": format_time(job.updated),
        "expires": format_time(job.expires),
        "faults": [fault.model_dump(exclude_none=True) for fault in job.faults],
    }
