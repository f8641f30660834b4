"""What both ways to publish share: try the published model before anything depends on it, ask the gate, switch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, TypeAlias

from shared.durable.steps import Next
from shared.durable.store import Stored
from shared.language.apis import api_for
from shared.language.apis.base import LanguageApi
from shared.language.client import LanguageClient
from shared.language.values import ModelRef
from shared.models.active_model import ActiveModelRecord, ActiveModelStore
from shared.models.promise import Promises
from shared.operations.gate import GateStep
from shared.operations.operation import Operation, OperationQueue, OperationState, Publishing, Retrain, Step
from shared.operations.service_jobs import ended
from shared.operations.trial import TrialSteps

PublishingStep: TypeAlias = Callable[[Stored[Any]], Next[Operation]]


@dataclass(frozen=True)
class PublishingSteps(ABC):
    """A way to publish a trained model, as a table of steps from `publish` to `switch`, with the gate among them.

    `language_project` is the project whose model classifies; `wake_waiting` wakes the batches that wait for a model.
    """

    steps: OperationQueue
    language: LanguageClient
    active_model: ActiveModelStore
    promises: Promises
    language_project: str
    wake_waiting: Callable[[], object]
    trials: TrialSteps
    gate_step: GateStep

    first_step_of_retraining: ClassVar[Step]
    """How a retraining begins under the same API version."""

    first_step_into_use: ClassVar[Step]
    """What comes once the model may be used."""

    @property
    @abstractmethod
    def table(self) -> Mapping[Step, PublishingStep]: ...

    @abstractmethod
    def _reference_in_use(self, operation: Publishing) -> tuple[str, date | None]:
        """What an analyze request names the model by once it is in use, and when that expires."""

    def _is_for_use(self, operation: Publishing) -> bool:
        return operation.project == self.language_project

    def trial(self, stored: Stored[Publishing]) -> Next[Operation]:
        return self.trials.trial(stored, then=self._after_trial(stored.record))

    def gate(self, stored: Stored[Retrain]) -> Next[Operation]:
        return self.gate_step(stored, then=self.first_step_into_use)

    def _after_trial(self, operation: Publishing) -> Step:
        """The gate judges what was trained; whoever publishes a model by its name has judged it."""
        return Step.GATE if isinstance(operation, Retrain) else self.first_step_into_use

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
