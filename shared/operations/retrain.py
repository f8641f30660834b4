"""The steps of a retraining up to the publication. Each may be repeated after any crash and does its work once.

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
    LabelsFaultyError,
    LabelsMissingError,
    LanguageNotFoundError,
    LanguageRefusedError,
    MalformedAnswerError,
)
from shared.language.apis import api_for
from shared.language.apis.base import LanguageApi
from shared.language.authoring_values import AuthoringJob, Evaluation, Project, TrainedModel
from shared.language.client import LanguageClient
from shared.models.active_model import ActiveModelStore
from shared.models.evaluations import evaluation_figures
from shared.models.labels_store import LabelsStore, ProjectLabels, labels_blob
from shared.models.training_configs import TrainingConfigs
from shared.models.trial import TrialStore
from shared.models.unneeded import UnneededModels
from shared.operations.operation import Operation, OperationQueue, Retrain, Step
from shared.operations.service_jobs import intend, or_gone, start_job, wait_for

log = logging.getLogger("pigeonhole.operations")

# Between the service's clock and ours.
CLOCK_SKEW = timedelta(minutes=5)

RetrainStep = Callable[[Stored[Retrain]], Next[Operation]]


@dataclass(frozen=True)
class RetrainSteps:
    """Give the service its labels and train as the project's API version wants it, and evaluate."""

    steps: OperationQueue
    language: LanguageClient
    active_model: ActiveModelStore
    labels: LabelsStore
    unneeded_models: UnneededModels
    training_configs: TrainingConfigs
    trials: TrialStore

    @property
    def table(self) -> Mapping[Step, RetrainStep]:
        return {
            Step.SPLIT: self.leave_training_documents,
            Step.IMPORT: self.import_labels,
            Step.WAIT_IMPORT: self.wait_import,
            Step.TRAIN: self.train,
            Step.WAIT_TRAINING: self.wait_training,
            Step.EVALUATE: self.evaluate,
        }

    def import_labels(self, stored: Stored[Retrain]) -> Next[Operation]:
        """Send the labels where the version wants them sent, each document with its side.

        Repeating it replaces the same by the same, or by labels that are newer.
        """
        api, operation = _api(stored), stored.record
        project = self.language.send(api.get_project(operation.project))
        labels = self.labels.get(project)
        golden = len(labels.sides.golden)
        # A split by hand needs both sides: where there is no golden document the service splits by itself.
        documents = labels.sides.named if golden else labels.file.documents
        job_id = start_job(self.language, operation, api.import_labels(project, labels.file.classes, documents))
        which = self._which_are_golden(golden, otherwise="none of them golden: the service splits them at random")
        return StepNow(
            stored.evolve(
                self.steps.clock(),
                f"import job {job_id} of {len(documents)} documents{which}{_outdated(project, labels)}",
                step=Step.WAIT_IMPORT,
                job_id=job_id,
                manual_split=golden > 0,
            )
        )

    def leave_training_documents(self, stored: Stored[Retrain]) -> Next[Operation]:
        """Leave only the documents to train on in the file that the service reads, where the version reads one."""
        project = self.language.send(_api(stored).get_project(stored.record.project))
        try:
            labels = self.labels.leave_training_documents(project)
        except (LabelsMissingError, LabelsFaultyError) as error:
            if self.labels.golden_percent:
                raise
            # No document has to be left out, and the service may read what this app does not.
            return StepNow(stored.evolve(self.steps.clock(), f"left to the service: {error}", step=Step.TRAIN))
        golden = len(labels.sides.golden)
        which = self._which_are_golden(golden, otherwise="none is golden")
        what = f"{len(labels.file.placed)} documents{which}{_outdated(project, labels)}"
        return StepNow(stored.evolve(self.steps.clock(), what, step=Step.TRAIN))

    def _which_are_golden(self, golden: int, *, otherwise: str) -> str:
        """`otherwise` is said where there should be some."""
        if golden:
            return f", {golden} of them golden"
        return f", {otherwise}" if self.labels.golden_percent else ""

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
        """Read the candidate's evaluation and the active model's. An earlier model of its name has left no trial."""
        operation = stored.record
        self.trials.remove(operation.project, label=operation.label)
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


def _outdated(project: Project, labels: ProjectLabels) -> str:
    if not labels.outdated_file:
        return ""
    return f"; {labels_blob(project)!r} of the container was replaced and does not count: PUT it to use it"


def _is_older(job: AuthoringJob, operation: Retrain) -> bool:
    """A failed training leaves no model, so its label may be used again: such a job is not this operation's."""
    return job.created is not None and job.created < operation.created - CLOCK_SKEW
