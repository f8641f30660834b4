"""Deployments of the GA API: named slots, each answering with one model until it expires."""

from __future__ import annotations

from datetime import timedelta
from threading import RLock

from language_emulator import errors
from language_emulator.clock import Clock
from language_emulator.control.rules import Injected
from language_emulator.jobs.job_store import InstantWork, JobStore
from language_emulator.jobs.records import DeploymentJob, JobStatus, SwapJob
from language_emulator.projects.records import Deployment, Project, TrainedModel
from language_emulator.projects.store import Projects, get_model


class Deployments(InstantWork):
    """Deploying over a name replaces its model; a deployment keeps its model when that is trained again or deleted."""

    def __init__(
        self, projects: Projects, job_store: JobStore, clock: Clock, lock: RLock, life: timedelta, most: int
    ) -> None:
        self._projects = projects
        self._job_store = job_store
        self._clock = clock
        self._lock = lock
        self._life = life
        self._most = most

    def deploy(self, project_name: str, name: str, label: str, injected: Injected, job_id: str) -> DeploymentJob:
        with self._lock:
            project = self._projects.get(project_name)
            get_model(project, label)
            if name not in project.deployments and len(project.deployments) >= self._most:
                raise errors.quota_exceeded(f"A project holds at most {self._most} deployments.")
            job = DeploymentJob(job_id=job_id, project=project_name, deployment=name, model_label=label)
            return self._job_store.post(job, injected)

    def delete(self, project_name: str, name: str, injected: Injected, job_id: str) -> DeploymentJob:
        with self._lock:
            get_deployment(self._projects.get(project_name), name)
            job = DeploymentJob(job_id=job_id, project=project_name, deployment=name)
            return self._job_store.post(job, injected)

    def swap(self, project_name: str, first: str, second: str, injected: Injected, job_id: str) -> SwapJob:
        with self._lock:
            project = self._projects.get(project_name)
            for name in (first, second):
                get_deployment(project, name)
            job = SwapJob(job_id=job_id, project=project_name, first=first, second=second)
            return self._job_store.post(job, injected)

    def resolve(self, project_name: str, name: str) -> tuple[Project, Deployment]:
        """The deployment an analyze task names; a ServiceError says why there is none."""
        project = self._projects.get(project_name)
        deployment = get_deployment(project, name)
        if deployment.expires <= self._clock.now():
            raise errors.deployment_expired(name)
        return project, deployment

    def complete(self, job: DeploymentJob | SwapJob) -> JobStatus:
        if isinstance(job, SwapJob):
            self._projects.change(job.project, lambda project: _swap(project, job.first, job.second))
        elif job.model_label is not None:
            model = get_model(self._projects.get(job.project), job.model_label)
            self._projects.change(job.project, lambda project: self._put(project, job.deployment, model))
        else:
            self._projects.change(job.project, lambda project: _remove(project, job.deployment))
        return JobStatus.SUCCEEDED

    def _put(self, project: Project, name: str, model: TrainedModel) -> None:
        now = self._clock.now()
        project.deployments[name] = Deployment(
            name=name,
            model_guid=model.guid,
            model_label=model.label,
            config_version=model.config_version,
            trained=model.trained,
            deployed=now,
            expires=now + self._life,
        )


def get_deployment(project: Project, name: str) -> Deployment:
    if name not in project.deployments:
        raise errors.deployment_not_found(name)
    return project.deployments[name]


def _swap(project: Project, first: str, second: str) -> None:
    """The names change places; what is deployed under them, with its dates, stays as it was."""
    ours, theirs = get_deployment(project, first), get_deployment(project, second)
    project.deployments[first] = theirs.model_copy(update={"name": first})
    project.deployments[second] = ours.model_copy(update={"name": second})


def _remove(project: Project, name: str) -> None:
    project.deployments.pop(name, None)
