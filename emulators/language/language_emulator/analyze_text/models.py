"""GA authoring: training jobs, trained models and their evaluation."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from language_emulator import errors
from language_emulator.analyze_text import bodies, evaluations
from language_emulator.analyze_text.requests import EvaluationOptions, Train
from language_emulator.analyze_text.routes import AuthoringRoutes, Part, StringIndex, Version, require_job
from language_emulator.http.answers import answer, no_content
from language_emulator.http.middleware import Faults
from language_emulator.jobs.records import TrainingJob
from language_emulator.limits import NAME, TRAINING_CONFIG
from language_emulator.projects.records import Project, SplitOptions
from language_emulator.projects.store import get_evaluation, get_model

ROUTES = (
    ("POST", "/projects/{project}/:train", "train"),
    ("GET", "/projects/{project}/train/jobs", "list_trainings"),
    ("GET", "/projects/{project}/train/jobs/{job_id}", "get_training"),
    ("POST", "/projects/{project}/train/jobs/{job_id}/:cancel", "cancel_training"),
    ("GET", "/projects/{project}/models", "list_models"),
    ("GET", "/projects/{project}/models/{model}", "get_model"),
    ("DELETE", "/projects/{project}/models/{model}", "delete_model"),
    ("GET", "/projects/{project}/models/{model}/evaluation/summary-result", "get_evaluation"),
    ("GET", "/projects/{project}/models/{model}/evaluation/result", "get_document_results"),
)


class ModelRoutes(AuthoringRoutes):
    """One method for each operation, named after it."""

    def router(self) -> APIRouter:
        return self.build_router(ROUTES)

    def train(self, project: str, body: Train, request: Request, injected: Faults) -> Response:
        if not NAME.fullmatch(body.model_label):
            raise errors.parameter_invalid("modelLabel", "it may hold letters, digits, '_', '.', '-', at most 50")
        if body.training_config_version != TRAINING_CONFIG:
            raise errors.parameter_invalid("trainingConfigVersion", f"supported is {TRAINING_CONFIG}")
        job = self._service.training.start(
            project,
            body.model_label,
            injected,
            config_version=body.training_config_version,
            split=_split(body.evaluation_options),
            job_id=self.new_job_id(),
        )
        return self.job_accepted(request, f"projects/{project}/train/jobs/{job.job_id}")

    def list_trainings(self, project: str, request: Request, part: Part) -> Response:
        self._service.projects.get(project)
        jobs = self._service.job_store.select(TrainingJob, lambda job: job.project == project)
        return self.listed(request, [bodies.training_job_body(job) for job in jobs], part)

    def get_training(self, project: str, job_id: str, injected: Faults) -> Response:
        job = self._service.job_store.read(TrainingJob, job_id, injected, project=project)
        return answer(bodies.training_job_body(require_job(job, job_id)))

    def cancel_training(self, project: str, job_id: str, request: Request) -> Response:
        if not self._service.job_store.cancel(TrainingJob, job_id, project=project):
            raise errors.authoring_job_not_found(job_id)
        return self.job_accepted(request, f"projects/{project}/train/jobs/{job_id}")

    def list_models(self, project: str, request: Request, version: Version, part: Part) -> Response:
        models = self._service.projects.get(project).models.values()
        return self.listed(request, [bodies.model_body(model, version) for model in models], part)

    def get_model(self, project: str, model: str, version: Version) -> Response:
        return answer(bodies.model_body(get_model(self._service.projects.get(project), model), version))

    def delete_model(self, project: str, model: str) -> Response:
        """The preview's ids of this model stop answering; a deployment keeps its copy."""
        get_model(self._service.projects.get(project), model)

        def forget(record: Project) -> None:
            del record.models[model]
            record.publications = [known for known in record.publications if known.model_label != model]

        self._service.projects.change(project, forget)
        return no_content()

    def get_evaluation(self, project: str, model: str, version: Version) -> Response:
        trained = get_model(self._service.projects.get(project), model)
        return answer(evaluations.evaluation_body(trained, get_evaluation(trained), version))

    def get_document_results(
        self, project: str, model: str, request: Request, version: Version, part: Part, _units: StringIndex
    ) -> Response:
        record = self._service.projects.get(project)
        trained = get_model(record, model)
        get_evaluation(trained)
        reviews = [evaluations.review_body(trained, review, record.language, version) for review in trained.test_review]
        return self.listed(request, reviews, part)


def _split(options: EvaluationOptions | None) -> SplitOptions:
    if options is None:
        return SplitOptions()
    training, testing = options.training_split_percentage, options.testing_split_percentage
    if options.kind == "percentage" and training + testing != 100:
        raise errors.parameter_invalid("evaluationOptions", "the percentages must add up to 100")
    return SplitOptions(kind=options.kind, training_percentage=training, testing_percentage=testing)
