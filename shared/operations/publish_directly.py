"""Publishing in the 2021 preview: a publication yields a model id, which is then switched to.

publish ► wait_publishing ► trial ► wait_trial (► gate) ► switch
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from shared.durable.steps import Next, StepNow
from shared.durable.store import Stored
from shared.language.authoring_values import AuthoringJob
from shared.operations.operation import Operation, OperationState, Publishing, Retrain, Step
from shared.operations.publishing import PublishingStep, PublishingSteps
from shared.operations.service_jobs import ended, intend, or_gone, start_job, wait_for


@dataclass(frozen=True)
class PublishDirectly(PublishingSteps):
    """A new model id is not in use until the switch, so nothing needs to be held."""

    first_step_of_retraining: ClassVar[Step] = Step.SPLIT
    first_step_into_use: ClassVar[Step] = Step.SWITCH

    @property
    def table(self) -> Mapping[Step, PublishingStep]:
        return {
            Step.PUBLISH: self.publish,
            Step.WAIT_PUBLISHING: self.wait_publishing,
            Step.TRIAL: self.trial,
            Step.WAIT_TRIAL: self.trials.wait_trial,
            Step.GATE: self.gate,
            Step.SWITCH: self.switch,
        }

    def publish(self, stored: Stored[Publishing]) -> Next[Operation]:
        """POST the publication, once."""
        api, operation = self._api(stored), stored.record
        # A model trained by this operation was never published before, so what is found is ours. Repeating the
        # publication of another changes nothing.
        if Step.PUBLISH in operation.intents and isinstance(operation, Retrain):
            started = self.language.send(api.find_publishing(operation.project, label=operation.label))
            if started is not None:
                return self._publishing(stored, job_id=started.id, what="found under way after an interruption")
        stored = intend(self.steps, stored)
        job_id = start_job(self.language, operation, api.publish(operation.project, label=operation.label))
        return self._publishing(stored, job_id=job_id, what=f"publishing job {job_id}")

    def _publishing(self, stored: Stored[Publishing], *, job_id: str, what: str) -> Next[Operation]:
        return StepNow(stored.evolve(self.steps.clock(), what, step=Step.WAIT_PUBLISHING, job_id=job_id))

    def wait_publishing(self, stored: Stored[Publishing]) -> Next[Operation]:
        job = self._find_job(stored)

        def published(now: Stored[Publishing]) -> Next[Operation]:
            if job.model_id is None:
                why = f"publishing succeeded without a model id; {stored.record.aftermath}"
                return ended(now, self.steps.clock(), OperationState.FAILED, why)
            what = f"published as {job.model_id}"
            return StepNow(now.evolve(self.steps.clock(), what, step=Step.TRIAL, reference=job.model_id))

        return wait_for(self.steps, stored, job, what="publishing", then=published)

    def _find_job(self, stored: Stored[Publishing]) -> AuthoringJob:
        api, operation = self._api(stored), stored.record
        if operation.job_id:
            return self.language.send(api.get_publishing_job(operation.project, operation.job_id))
        return or_gone(self.language.send(api.find_publishing(operation.project, label=operation.label)))

    def _reference_in_use(self, operation: Publishing) -> tuple[str, date | None]:
        return operation.reference, None
