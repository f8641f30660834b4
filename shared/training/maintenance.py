"""The nets under operations: the sweep revives stalled ones, the poison function ends those that cannot go on.

And one look ahead: the deployment in use has an expiry date, after which nothing is classified.
"""

from __future__ import annotations

import logging

from pydantic import ValidationError

from shared.messages import OperationMessage
from shared.pipeline.manifest import STALL_GRACE
from shared.pipeline.parked import park
from shared.storage.ports import BlobInfo
from shared.training.context import Training
from shared.training.operation import STEP_ALLOWANCE, OperationState
from shared.training.operations import (
    OperationRaceLostError,
    find_operation,
    list_locks,
    locked_operation,
    proceed,
    release_lock,
    save_operation,
)

log = logging.getLogger("pigeonhole.operations")


def sweep_operations(training: Training) -> int:
    """Revive operations untouched past their next step's time; release locks of ended ones. Returns how many moved."""
    return sum(_revive(training, lock) for lock in list(list_locks(training)))


def report_expiry(training: Training) -> None:
    """Log how long the deployment in use lasts. infra/app/alerts.bicep reads the line: change both together."""
    days = training.active_model.days_left()
    if days is not None:
        log.info("deployment_expires days=%d project=%s", days, training.settings.language_project)


def _revive(training: Training, lock: BlobInfo) -> int:
    opened = locked_operation(training, lock)
    if opened is None:
        return 0
    operation, now = opened.operation, training.now()
    if operation.is_ended:
        release_lock(training, operation)
        return 1
    if now <= operation.due + STALL_GRACE:
        return 0
    training.operations_queue.send(OperationMessage(id=operation.id))
    try:
        save_operation(training, opened, operation.model_copy(update={"due": now + STEP_ALLOWANCE}))
    except OperationRaceLostError:
        log.info("race_lost operation=%s: it moved while it was revived", operation.id)
    log.warning("operation_revived operation=%s step=%s", operation.id, operation.step)
    return 1


def bury_operation(training: Training, message_id: str, body: str) -> None:
    """operations-poison: a step failed five times; the operation ends, the active model is as it was."""
    kept = park(training.pipeline, training.settings.operations_queue, message_id, body, "a step failed five times")
    try:
        message = OperationMessage.model_validate_json(body)
    except ValidationError:
        return
    opened = find_operation(training, message.id)
    if opened is not None and not opened.operation.is_ended:
        reason = f"a step failed five times; see {kept} and the log; {opened.operation.untouched}"
        proceed(training, opened, opened.operation.end(training.now(), OperationState.FAILED, reason))
