"""Create, train and publish a project straight at the Language service: the set-up of tests and benchmarks."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TypeVar

from azurite_process.processes import wait_until
from cli.datasets import Dataset
from shared.language.apis import api_for
from shared.language.apis.base import Call, LanguageApi
from shared.language.authoring_values import AuthoringJob, Evaluation, Project
from shared.language.client import LanguageClient
from shared.language.values import TERMINAL, LroStatus, ModelRef
from shared.models.active_model import ActiveModelRecord
from shared.models.labels import parse_labels
from shared.services import Services

T = TypeVar("T")

LABELS = "labels.json"


def upload_training(services: Services, dataset: Dataset, *, threads: int = 8) -> None:
    """The labels file at the root of the training container, and every labelled document at its location."""
    services.adapters.open_container(services.settings.training_container).put(LABELS, dataset.labels)
    upload_documents(services, dataset, threads=threads)


def upload_documents(services: Services, dataset: Dataset, *, threads: int = 8) -> None:
    """Every labelled document at its location, without the labels."""
    container = services.adapters.open_container(services.settings.training_container)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda each: container.put(each[0], each[1].read_bytes()), dataset.training.items()))


def seed(services: Services, dataset: Dataset, *, label: str = "first") -> Evaluation:
    """Create the project, train, publish, and make the model the one in use. Returns its evaluation."""
    settings = services.settings
    language, project = services.adapters.language, settings.language_project
    api = api_for(settings.language_api)
    upload_training(services, dataset)
    definition = Project(project, dataset.kind, "en-us", settings.training_container, LABELS)
    language.send(api.create_project(definition))
    if api.has_deployments:
        labels = parse_labels(json.loads(dataset.labels))
        imported = language.send(api.import_labels(definition, labels.classes, labels.documents))
        _finish(language, lambda: api.get_import_job(project, imported))
    training = language.send(api.train(project, label=label))
    _finish(language, lambda: api.get_training_job(project, training))
    evaluation = language.send(api.get_evaluation(project, label=label))
    reference = _publish(language, api, project, label, settings.language_deployment)
    model = ModelRef(project=project, kind=dataset.kind, reference=reference, label=label)
    record = ActiveModelRecord(model=model, api_version=settings.language_api, published=datetime.now(UTC))
    services.active_model.switch(record)
    return evaluation


def _publish(language: LanguageClient, api: LanguageApi, project: str, label: str, deployment: str) -> str:
    """What an analyze request names the published model by."""
    if api.has_deployments:
        deploying = language.send(api.deploy(project, deployment=deployment, label=label))
        _finish(language, lambda: api.get_deployment_job(project, deployment, deploying))
        return deployment
    publishing = language.send(api.publish(project, label=label))
    return _finish(language, lambda: api.get_publishing_job(project, publishing)).model_id or label


def _finish(language: LanguageClient, call: Callable[[], Call[AuthoringJob]]) -> AuthoringJob:
    jobs: list[AuthoringJob] = []

    def is_terminal() -> bool:
        jobs.append(language.send(call()))
        return jobs[-1].status in TERMINAL

    wait_until(is_terminal, seconds=120, what="the Language service", poll_seconds=0.2)
    if jobs[-1].status is not LroStatus.SUCCEEDED:
        raise RuntimeError(f"the Language service ended with {jobs[-1].status}: {jobs[-1].errors}")
    return jobs[-1]
