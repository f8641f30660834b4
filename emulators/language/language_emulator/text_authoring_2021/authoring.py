"""Authoring operations of the 2021 preview: projects, training, evaluation, publishing."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from language_emulator import errors
from language_emulator.http.answers import accepted, answer, no_content
from language_emulator.http.links import link
from language_emulator.http.middleware import Faults, build_router
from language_emulator.jobs.records import PublishingJob, TrainingJob
from language_emulator.limits import LANGUAGES_2021, NAME_2021
from language_emulator.projects.records import Project
from language_emulator.projects.store import get_evaluation, get_model
from language_emulator.service import LanguageService
from language_emulator.text_authoring_2021 import AUTHORING_BASE, AUTHORING_VERSION, bodies
from language_emulator.text_authoring_2021.requests import CreateProject, ModelTasks, UpdateProject

ModelName = Annotated[str, Query(alias="trainingModelName")]

ROUTES = (
    ("POST", "/projects", "create_project"),
    ("GET", "/projects/{project}", "get_project"),
    ("PATCH", "/projects/{project}", "update_project"),
    ("DELETE", "/projects/{project}", "delete_project"),
    ("GET", "/projects/{project}/trainedModels", "list_models"),
    ("POST", "/projects/{project}/train", "train"),
    ("GET", "/projects/{project}/train/jobs/{job_id}", "get_training"),
    ("GET", "/projects/{project}/evaluation", "get_evaluation"),
    ("GET", "/projects/{project}/validation", "get_validation"),
    ("POST", "/projects/{project}/publish", "publish"),
    ("GET", "/projects/{project}/publish/jobs/{job_id}", "get_publishing"),
)
KINDS = {word: kind for kind, word in bodies.MODEL_TYPES.items()}


class PreviewAuthoring:
    """One method for each operation, named after it."""

    def __init__(self, service: LanguageService) -> None:
        self._service = service

    def router(self) -> APIRouter:
        return build_router(
            self._service.middleware(f"the authoring API {AUTHORING_VERSION}"), AUTHORING_BASE, ROUTES, self
        )

    def create_project(self, body: CreateProject, injected: Faults) -> Response:
        _check_name("name", body.name)
        if body.culture.lower() not in LANGUAGES_2021:
            raise errors.parameter_invalid("culture", f"it must be one of {', '.join(LANGUAGES_2021)}")
        now = self._service.clock.now()
        project = Project(
            name=body.name,
            kind=KINDS[body.model_type],
            container=body.storage_input_container_name,
            language=body.culture,
            multilingual=body.multi_lingual,
            description=body.description,
            created=now,
            modified=now,
            # Called an absolute path in the quickstart, whose sample is a bare name: both mean the container's root.
            labels_location=body.labels_location.lstrip("/"),
        )
        self._service.create_project(project, injected)
        return answer(bodies.project_body(project), 201)

    def get_project(self, project: str) -> Response:
        return answer(bodies.project_body(self._service.projects.get(project)))

    def update_project(self, project: str, body: UpdateProject) -> Response:
        def describe(record: Project) -> None:
            record.description = body.description

        self._service.projects.change(project, describe)
        return no_content()

    def delete_project(self, project: str) -> Response:
        self._service.delete_project(project)
        return no_content()

    def list_models(self, project: str) -> Response:
        record = self._service.projects.get(project)
        current = record.current_publication
        publishing = {
            job.model_label: job
            for job in self._service.job_store.select(
                PublishingJob, lambda job: job.project == project and job.is_active
            )
        }
        models = [
            bodies.trained_model_body(
                model, current if current and current.model_guid == model.guid else None, publishing.get(model.label)
            )
            for model in record.models.values()
        ]
        return answer({"trainingModelsInfo": models})

    def train(self, project: str, body: ModelTasks, request: Request, injected: Faults) -> Response:
        _check_name("trainingModelName", body.model_name)
        job = self._service.training.start(project, body.model_name, injected)
        return accepted("location", self._job_link(request, f"{project}/train/jobs/{job.job_id}"))

    def get_training(self, project: str, job_id: str, injected: Faults) -> Response:
        job = self._service.job_store.read(TrainingJob, job_id, injected, project=project)
        if job is None:
            raise errors.authoring_job_not_found(job_id)
        return answer(bodies.training_job_body(job))

    def get_evaluation(self, project: str, model_name: ModelName) -> Response:
        record = self._service.projects.get(project)
        return answer(bodies.evaluation_body(record, get_evaluation(get_model(record, model_name))))

    def get_validation(self, project: str, model_name: ModelName) -> Response:
        record = self._service.projects.get(project)
        model = get_model(record, model_name)
        get_evaluation(model)
        return answer(bodies.validation_body(record, model))

    def publish(self, project: str, body: ModelTasks, request: Request, injected: Faults) -> Response:
        job = self._service.publishing.start(project, body.model_name, injected)
        return accepted("location", self._job_link(request, f"{project}/publish/jobs/{job.job_id}"))

    def get_publishing(self, project: str, job_id: str, injected: Faults) -> Response:
        job = self._service.job_store.read(PublishingJob, job_id, injected, project=project)
        if job is None:
            raise errors.authoring_job_not_found(job_id)
        return answer(bodies.publishing_job_body(job))

    def _job_link(self, request: Request, path: str) -> str:
        return link(self._service.settings.external_url, request, f"{AUTHORING_BASE}/projects/{path}")


def _check_name(what: str, name: str) -> None:
    if not NAME_2021.fullmatch(name):
        raise errors.parameter_invalid(what, "it may hold letters and digits only, at most 100")
