"""The steps of a retraining up to the publication. Each may be repeated after any crash and does its work at the service once.

Before a POST the intent is saved. A step that finds the intent looks for what the POST may have started, and posts only
when there is nothing: the service takes no idempotency key.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from shared.durable.steps import Next, StepNow
from shared.durable.store import Stored
from shared.errors import (
    BlobNotFoundError,
    BlobUnreadableError,
    ContainerNotAllowedError,
    LabelsFaultyError,
    LabelsMissingError,
    LanguageNotFoundError,
    LanguageRefusedError,
    MalformedAnswerError,
)
from shared.json_input import parse_json
from shared.language.apis import api_for
from shared.language.apis.base import LanguageApi
from shared.language.client import LanguageClient
from shared.language.values import AuthoringJob, Evaluation, TrainedModel
from shared.models.active_model import ActiveModelStore
from shared.models.evaluations import evaluation_figures
from shared.models.label_checks import fold
from shared.models.labels import parse_labels
from shared.models.projects import labels_blob
from shared.models.training_configs import TrainingConfigs
from shared.models.unneeded import UnneededModels
from shared.operations.operation import Operation, OperationQueue, Retrain, Step
from shared.operations.service_jobs import intend, or_gone, start_job, wait_for
from shared.storage.ports import BlobStore

log = logging.getLogger("pigeonhole.operations")

# Between the service's clock and ours.
CLOCK_SKEW = timedelta(minutes=5)
LISTED_PROBLEMS = 5

RetrainStep = Callable[[Stored[Retrain]], Next[Operation]]


@dataclass(frozen=True)
class RetrainSteps:
    """Import and train as the project's API version wants it, and evaluate.

    `containers` are those that a project may have.
    """

    steps: OperationQueue
    language: LanguageClient
    active_model: ActiveModelStore
    open_container: Callable[[str], BlobStore]
    containers: tuple[str, ...]
    unneeded_models: UnneededModels
    training_configs: TrainingConfigs

    @property
    def table(self) -> Mapping[Step, RetrainStep]:
        return {
            Step.IMPORT: self.import_labels,
            Step.WAIT_IMPORT: self.wait_import,
            Step.TRAIN: self.train,
            Step.WAIT_TRAINING: self.wait_training,
            Step.EVALUATE: self.evaluate,
        }

    def import_labels(self, stored: Stored[Retrain]) -> Next[Operation]:
        """Send the stored labels file where the version wants it sent. Repeating it replaces the same by the same."""
        api, operation = _api(stored), stored.record
        project = self.language.send(api.get_project(operation.project))
        name = labels_blob(project)
        if project.container not in self.containers:
            raise LabelsMissingError(str(ContainerNotAllowedError(project.container, allowed=self.containers)))
        try:
            content = parse_json(self.open_container(project.container).read(name).data)
        except (BlobNotFoundError, BlobUnreadableError, ValueError) as error:
            raise LabelsMissingError(
                f"the container {project.container!r} has no readable {name!r}; PUT the project's labels first"
            ) from error
        labels = parse_labels(content)
        problems = fold(labels.problems + labels.kind_fits(project.kind))
        if problems:
            listed = "; ".join(f"{each.place}: {each.what}" for each in problems[:LISTED_PROBLEMS])
            raise LabelsFaultyError(
                f"{name!r} has {len(problems)} problems ({listed}); PUT the labels to see all of them"
            )
        call = api.import_labels(project, labels.classes, labels.documents)
        job_id = start_job(self.language, operation, call)
        return StepNow(
            stored.evolve(
                self.steps.clock(),
                f"import job {job_id} of {len(labels.documents)} documents",
                step=Step.WAIT_IMPORT,
                job_id=job_id,
                # Only a file that says Test of some document can decide the split by itself.
                manual_split=any(document.dataset == "Test" for document in labels.documents),
            )
        )

    def wait_import(self, stored: Stored[Retrain]) -> Next[Operation]:
        job = self.language.send(_api(stored).get_import_job(stored.record.project, stored.record.job_id))

        def imported(now: Stored[Retrain]) -> Next[Operation]:
            return StepNow(now.evolve(self.steps.clock(), "the labels are imported", step=Step.TRAIN))

        return wait_for(self.steps, stored, job, what="importing the labels", then=imported)

    def train(self, stored: Stored[Retrain]) -> Next[Operation]:
        """POST the training, once."""
        api, operation = _api(stored), stored.record
        if Step.TRAIN in operation.intents:
            started = self.language.send(api.find_training(operation.project, label=operation.label))
            if started is not None and not _is_older(started, operation):
                return self._training(stored, job_id=started.id, what="found under way after an interruption")
        config = self._training_config(operation)
        stored = intend(self.steps, stored)
        call = api.train(operation.project, label=operation.label, config=config, manual_split=operation.manual_split)
        try:
            job_id = start_job(self.language, operation, call)
        except LanguageRefusedError as error:
            model = self.unneeded_models.find_to_prune(api, operation.project) if error.is_quota_exceeded else None
            if model is None:
                raise
            return self._prune(stored, model)
        what = f"training job {job_id}" + (f" with configuration {config}" if config else "")
        return self._training(stored, job_id=job_id, what=what)

    def _prune(self, stored: Stored[Retrain], model: TrainedModel) -> Next[Operation]:
        """Make room for one model, then train. The history says so before it is done."""
        what = f"no room for another model: deletes {model.label}, the oldest neither in use nor deployed"
        stored = self.steps.store.save(stored.evolve(self.steps.clock(), what))
        self.unneeded_models.prune(_api(stored), stored.record.project, label=model.label)
        return StepNow(stored)

    def _training_config(self, operation: Retrain) -> str | None:
        """What the service is asked to train with; None is the API version's own."""
        if self.training_configs.pinned:
            return self.training_configs.pinned
        api = api_for(operation.api_version)
        try:
            kind = self.language.send(api.get_project(operation.project)).kind
        except (LanguageRefusedError, MalformedAnswerError):  # the training itself says what is wrong with the project
            return None
        chosen = self.training_configs.choose(api, kind)
        return chosen.version if chosen else None

    def _training(self, stored: Stored[Retrain], *, job_id: str, what: str) -> Next[Operation]:
        return StepNow(stored.evolve(self.steps.clock(), what, step=Step.WAIT_TRAINING, job_id=job_id))

    def wait_training(self, stored: Stored[Retrain]) -> Next[Operation]:
        api, operation = _api(stored), stored.record
        if operation.job_id:
            job = self.language.send(api.get_training_job(operation.project, operation.job_id))
        else:
            job = or_gone(self.language.send(api.find_training(operation.project, label=operation.label)))

        def trained(now: Stored[Retrain]) -> Next[Operation]:
            what = f"{operation.label} is trained"
            return StepNow(now.evolve(self.steps.clock(), what, step=Step.EVALUATE, percent=100))

        return wait_for(self.steps, stored, job, what="training", then=trained)

    def evaluate(self, stored: Stored[Retrain]) -> Next[Operation]:
        """Read the candidate's evaluation and the active model's."""
        operation = stored.record
        candidate = self._find_evaluation(operation, operation.label)
        if candidate is None:
            # A deleted project has no evaluation either: then this raises, which ends the operation.
            self.language.send(_api(stored).get_project(operation.project))
        # When it cannot be read which is active, the gate refuses.
        active = self.active_model.find_label_to_show(operation.project)
        other = self._find_evaluation(operation, active) if active and active != operation.label else None
        return StepNow(
            stored.evolve(
                self.steps.clock(),
                "evaluated" if candidate else "the service has no evaluation of it",
                # Without a publication there is nothing to try: the evaluations are all that the gate can ask.
                step=Step.PUBLISH if operation.request.publish else Step.GATE,
                candidate_evaluation=evaluation_figures(operation.label, candidate) if candidate else None,
                active_evaluation=evaluation_figures(active, other) if active and other else None,
            )
        )

    def _find_evaluation(self, operation: Retrain, label: str) -> Evaluation | None:
        """A model's evaluation, or None when the service has none (too few documents, or the model is gone)."""
        call = api_for(operation.api_version).get_evaluation(operation.project, label=label)
        try:
            return self.language.send(call)
        except LanguageNotFoundError:
            return None


def _api(stored: Stored[Retrain]) -> LanguageApi:
    """The API version that the operation began under."""
    return api_for(stored.record.api_version)


def _is_older(job: AuthoringJob, operation: Retrain) -> bool:
    """A failed training leaves no model, so its label may be used again: such a job is not this operation's."""
    return job.created is not None and job.created < operation.created - CLOCK_SKEW
