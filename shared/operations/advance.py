"""One step of an operation, by its kind and its step.

retrain     (split ► or import ► wait_import ►) train ► wait_training ► evaluate ► and on as publish, with the gate
publish     see publish_directly.py and stage_and_swap.py
reclassify, redrive_dead_letters  send_page, one page of the listing a message
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shared.durable.steps import Done, Next, advance
from shared.durable.store import Stored
from shared.errors import LanguageRefusedError, OperationRunningError, PermanentError, UnsupportedOperationError
from shared.language.apis import api_for
from shared.language.client import LanguageClient
from shared.language.values import ServiceError
from shared.messages import StepMessage
from shared.operations.operation import (
    DEADLINE,
    Operation,
    OperationState,
    Reclassify,
    RedriveDeadLetters,
    Retrain,
    Step,
)
from shared.operations.operations import Operations
from shared.operations.publishing import PublishingSteps
from shared.operations.reclassify import Reclassification
from shared.operations.redrive import DeadLetterRedrive
from shared.operations.retrain import RetrainSteps
from shared.operations.service_jobs import ended


@dataclass(frozen=True)
class OperationSteps:
    """`publishing_for` chooses the way to publish by the API version that an operation began under."""

    operations: Operations
    language: LanguageClient
    retrain: RetrainSteps
    reclassification: Reclassification
    dead_letters: DeadLetterRedrive
    publishing_for: Callable[[str], PublishingSteps]

    def advance(self, message: StepMessage) -> None:
        """Take the operation's next step. Raises only what is a bug, or a queue that takes no message."""
        advance(self.operations.steps, message, self._take, close=self.operations.close, fail=self._fail)

    def _take(self, stored: Stored[Operation]) -> Next[Operation]:
        operation, now = stored.record, self.operations.steps.clock()
        try:
            self.operations.lock(operation)
        except OperationRunningError as error:
            # The process that started it died before it took the lock, and another operation was started since.
            return ended(stored, now, OperationState.FAILED, f"it never started: {error}")
        if operation.cancel_requested and operation.is_cancellable:
            self._stop_training(operation)
            return ended(stored, now, OperationState.CANCELLED, "cancelled on request")
        if now - operation.created > DEADLINE:
            hours = DEADLINE.total_seconds() / 3600
            reason = f"it had not ended after {hours:.0f} hours; {operation.aftermath}"
            return ended(stored, now, OperationState.FAILED, reason)
        return self._step_of(operation)(stored)

    def _step_of(self, operation: Operation) -> Callable[[Stored[Any]], Next[Operation]]:
        if isinstance(operation, Reclassify):
            return self.reclassification.table[operation.step]
        if isinstance(operation, RedriveDeadLetters):
            return self.dead_letters.table[operation.step]
        publishing = self.publishing_for(operation.api_version).table
        if isinstance(operation, Retrain) and operation.step not in publishing:
            return self.retrain.table[operation.step]
        return publishing[operation.step]

    def _stop_training(self, operation: Operation) -> None:
        """Ask the service to stop, where the version can; the preview trains on, and its model stays unpublished."""
        if operation.step is Step.WAIT_TRAINING and operation.job_id:
            call = api_for(operation.api_version).cancel_training
            # Refused: the training has just ended by itself.
            with contextlib.suppress(LanguageRefusedError, UnsupportedOperationError):
                self.language.send(call(operation.project, operation.job_id))

    def _fail(self, stored: Stored[Operation], error: PermanentError) -> Next[Operation]:
        code = error.error_code if isinstance(error, LanguageRefusedError) else type(error).__name__
        reason = f"{error}; {stored.record.aftermath}"
        now = self.operations.steps.clock()
        return ended(stored, now, OperationState.FAILED, reason, (ServiceError(code, str(error)),))

    def give_up(self, stored: Stored[Operation], reason: str) -> Done[Operation]:
        """End an operation whose step failed too often."""
        why = f"{reason}; {stored.record.aftermath}"
        return ended(stored, self.operations.steps.clock(), OperationState.FAILED, why)
