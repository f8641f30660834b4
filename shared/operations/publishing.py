"""What both ways to publish share: probe the published model before anything depends on it, then switch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, TypeAlias

from shared.durable.steps import Next, StepNow
from shared.durable.store import Stored
from shared.errors import LanguageNotFoundError, MalformedAnswerError
from shared.language.answers import check_submission
from shared.language.apis import api_for
from shared.language.apis.base import LanguageApi
from shared.language.client import LanguageClient
from shared.language.probe import submit_probe
from shared.language.values import TERMINAL, ModelRef, ProjectKind, ServiceError
from shared.models.active_model import ActiveModelRecord, ActiveModelStore
from shared.models.promise import Promises
from shared.operations.operation import Operation, OperationQueue, OperationState, Publish, Retrain, Step
from shared.operations.service_jobs import ended, errors_text, poll_again

# As many as a batch has submissions: a job that is lost, fails or is answered badly says little about the model.
MAX_PROBES = 3

Publishing: TypeAlias = Retrain | Publish
PublishingStep: TypeAlias = Callable[[Stored[Publishing]], Next[Operation]]


@dataclass(frozen=True)
class PublishingSteps(ABC):
    """A way to publish a trained model, as a table of steps from `publish` to `switch`.

    `language_project` is the project whose model classifies; `wake_waiting` wakes the batches that wait for a model.
    """

    steps: OperationQueue
    language: LanguageClient
    active_model: ActiveModelStore
    promises: Promises
    language_project: str
    wake_waiting: Callable[[], object]

    first_step_of_retraining: ClassVar[Step]
    """How a retraining begins under the same API version."""

    after_probe: ClassVar[Step]

    @property
    @abstractmethod
    def table(self) -> Mapping[Step, PublishingStep]: ...

    @abstractmethod
    def _reference_in_use(self, operation: Publishing) -> tuple[str, date | None]:
        """What an analyze request names the model by once it is in use, and when that expires."""

    def _is_for_use(self, operation: Publishing) -> bool:
        return operation.project == self.language_project

    def probe(self, stored: Stored[Publishing]) -> Next[Operation]:
        """Submit one text to the published model. Repeating it only costs a text."""
        api, operation = self._api(stored), stored.record
        project = self.language.send(api.get_project(operation.project))
        model = _probed_model(operation, project.kind)
        name = _probe_name(operation)
        job_id = self.language.send(submit_probe(api, model, text_id=name, display_name=name))
        changes = {"step": Step.WAIT_PROBE, "job_id": job_id, "probes": operation.probes + 1}
        return StepNow(stored.evolve(self.steps.clock(), f"job {job_id}", **changes))

    def wait_probe(self, stored: Stored[Publishing]) -> Next[Operation]:
        """Only a model that classifies the probe may replace another."""
        operation = stored.record
        name, model = _probe_name(operation), _probed_model(operation)
        try:
            answer = self.language.send(self._api(stored).get_analyze_job(operation.job_id))
            job = check_submission(answer, display_name=name, model=model)
        except LanguageNotFoundError as error:
            return self._probe_failed(stored, (ServiceError(error.error_code, str(error)),))
        except MalformedAnswerError as error:
            return self._probe_failed(stored, (ServiceError(type(error).__name__, str(error)),))
        if job.status not in TERMINAL:
            return poll_again(self.steps, stored)
        if {text.id for text in job.texts} - {*job.malformed, *job.text_errors} == {name}:
            return StepNow(stored.evolve(self.steps.clock(), "it classifies", step=self.after_probe))
        malformed = tuple(ServiceError("MalformedAnswer", why) for why in job.malformed.values())
        return self._probe_failed(stored, job.errors + tuple(job.text_errors.values()) + malformed)

    def _probe_failed(self, stored: Stored[Publishing], errors: tuple[ServiceError, ...]) -> Next[Operation]:
        if stored.record.probes < MAX_PROBES:
            why = f"no result, once more: {errors_text(errors)}"
            return StepNow(stored.evolve(self.steps.clock(), why, step=Step.PROBE))
        why = f"the published model does not classify the probe: {errors_text(errors)}; {stored.record.aftermath}"
        return ended(stored, self.steps.clock(), OperationState.FAILED, why, errors)

    def switch(self, stored: Stored[Publishing]) -> Next[Operation]:
        """Make the published model the one in use, and wake the batches that wait for one."""
        operation, now = stored.record, self.steps.clock()
        if not self._is_for_use(operation):
            reason = f"published, not in use: LANGUAGE_PROJECT is {self.language_project!r}"
            return ended(stored, now, OperationState.SUCCEEDED, reason)
        project = self.language.send(self._api(stored).get_project(operation.project))
        reference, expires = self._reference_in_use(operation)
        model = ModelRef(
            project=operation.project,
            kind=project.kind,
            reference=reference,
            label=operation.label,
            api_version=operation.api_version,
        )
        self.promises.switch(
            ActiveModelRecord(
                model=model,
                api_version=operation.api_version,
                published=now,
                operation=operation.id,
                expires=expires,
            )
        )
        self.wake_waiting()
        reason = f"{operation.label} is in use"
        if operation.without_staging:
            reason += "; published without staging, because the service allows one deployment (tier F0)"
        return ended(stored, now, OperationState.SUCCEEDED, reason)

    def _api(self, stored: Stored[Publishing]) -> LanguageApi:
        """The API version that the operation began under."""
        return api_for(stored.record.api_version)


def _probe_name(operation: Publishing) -> str:
    """Of the submission and of its text: of no other operation."""
    return f"probe-{operation.id}"


def _probed_model(operation: Publishing, kind: ProjectKind = ProjectKind.MULTI) -> ModelRef:
    return ModelRef(project=operation.project, kind=kind, reference=operation.reference, label=operation.label)
