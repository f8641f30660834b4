"""GA authoring: deployments, the named slots that answer classification jobs."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from language_emulator import errors
from language_emulator.analyze_text import bodies
from language_emulator.analyze_text.requests import Deploy, Swap
from language_emulator.analyze_text.routes import AuthoringRoutes, Part, Version, require_job
from language_emulator.http.answers import answer
from language_emulator.http.middleware import Faults
from language_emulator.jobs.deployments import get_deployment
from language_emulator.jobs.records import DeploymentJob, SwapJob
from language_emulator.limits import NAME

ROUTES = (
    ("GET", "/projects/{project}/deployments", "list_deployments"),
    ("POST", "/projects/{project}/deployments/:swap", "swap_deployments"),
    ("GET", "/projects/{project}/deployments/swap/jobs/{job_id}", "get_swap"),
    ("GET", "/projects/{project}/deployments/{deployment}", "get_deployment"),
    ("PUT", "/projects/{project}/deployments/{deployment}", "deploy"),
    ("DELETE", "/projects/{project}/deployments/{deployment}", "delete_deployment"),
    ("GET", "/projects/{project}/deployments/{deployment}/jobs/{job_id}", "get_deployment_job"),
)


class DeploymentRoutes(AuthoringRoutes):
    """One method for each operation, named after it."""

    def router(self) -> APIRouter:
        return self.build_router(ROUTES)

    def list_deployments(self, project: str, request: Request, version: Version, part: Part) -> Response:
        deployments = self._service.projects.get(project).deployments.values()
        return self.listed(request, [bodies.deployment_body(entry, version) for entry in deployments], part)

    def get_deployment(self, project: str, deployment: str, version: Version) -> Response:
        found = get_deployment(self._service.projects.get(project), deployment)
        return answer(bodies.deployment_body(found, version))

    def deploy(self, project: str, deployment: str, body: Deploy, request: Request, injected: Faults) -> Response:
        if not NAME.fullmatch(deployment):
            raise errors.parameter_invalid("deploymentName", "it may hold letters, digits, '_', '.', '-', at most 50")
        self._service.training.refuse_while_running(project)
        job = self._service.deployments.deploy(
            project, deployment, body.trained_model_label, injected, self.new_job_id()
        )
        return self.job_accepted(request, f"projects/{project}/deployments/{deployment}/jobs/{job.job_id}")

    def delete_deployment(self, project: str, deployment: str, request: Request, injected: Faults) -> Response:
        job = self._service.deployments.delete(project, deployment, injected, self.new_job_id())
        return self.job_accepted(request, f"projects/{project}/deployments/{deployment}/jobs/{job.job_id}")

    def get_deployment_job(self, project: str, deployment: str, job_id: str, injected: Faults) -> Response:
        job = self._service.job_store.read(DeploymentJob, job_id, injected, project=project)
        if job is None or job.deployment != deployment:
            raise errors.authoring_job_not_found(job_id)
        return answer(bodies.job_body(job))

    def swap_deployments(self, project: str, body: Swap, request: Request, injected: Faults) -> Response:
        self._service.training.refuse_while_running(project)
        job = self._service.deployments.swap(
            project, body.first_deployment_name, body.second_deployment_name, injected, self.new_job_id()
        )
        return self.job_accepted(request, f"projects/{project}/deployments/swap/jobs/{job.job_id}")

    def get_swap(self, project: str, job_id: str, injected: Faults) -> Response:
        job = self._service.job_store.read(SwapJob, job_id, injected, project=project)
        return answer(bodies.job_body(require_job(job, job_id)))
