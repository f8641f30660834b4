"""advance_operation: one step of one operation, repeatable, driven by the record's `step`.

retrain     (import ► wait_import ►) train ► wait_training ► evaluate ► gate ► and on as publish
publish     publish ► wait_publishing ► probe ► wait_probe (► hold ► swap ► wait_swap) ► switch
reclassify  walk, one page of the listing a message

Steps in brackets belong to API versions with deployments.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from datetime import timedelta

from shared.errors import LanguageRefusedError, PermanentError, RetryableError
from shared.language.dialects import dialect_for
from shared.language.models import ServiceError
from shared.messages import OperationMessage
from shared.training import publication, steps
from shared.training.context import Training
from shared.training.operation import DEADLINE, Operation, OperationState, Step
from shared.training.operations import (
    OpenOperation,
    OperationRaceLostError,
    enqueue_step,
    find_operation,
    proceed,
    release_lock,
)
from shared.training.reclassify import walk

log = logging.getLogger("pigeonhole.operations")

StepFunction = Callable[[Training, OpenOperation, OperationMessage], None]

_STEPS: dict[Step, StepFunction] = {
    Step.IMPORT: steps.import_labels,
    Step.WAIT_IMPORT: steps.wait_import,
    Step.TRAIN: steps.train,
    Step.WAIT_TRAINING: steps.wait_training,
    Step.EVALUATE: steps.evaluate,
    Step.GATE: steps.judge,
    Step.PUBLISH: publication.publish,
    Step.WAIT_PUBLISHING: publication.wait_publishing,
    Step.PROBE: publication.probe,
    Step.WAIT_PROBE: publication.wait_probe,
    Step.HOLD: publication.hold,
    Step.SWAP: publication.swap,
    Step.WAIT_SWAP: publication.wait_swap,
    Step.SWITCH: publication.switch,
    Step.WALK: walk,
}
# Once publishing is asked for, the service goes on whatever we do; so the record follows it to the end.
_NOT_CANCELLABLE = frozenset({Step.WAIT_PUBLISHING, Step.SWAP, Step.WAIT_SWAP, Step.SWITCH})


def advance_operation(training: Training, message: OperationMessage) -> None:
    """Take the operation's next step. Raises only what is a bug, or storage that does not answer."""
    opened = find_operation(training, message.id)
    if opened is None:
        log.info("step_ignored operation=%s: unknown", message.id)
        return
    if opened.operation.is_ended:
        release_lock(training, opened.operation)
        return
    try:
        _take_step(training, opened, message)
    except OperationRaceLostError:
        log.info("race_lost operation=%s: another message goes on", message.id)
    except RetryableError as error:
        _defer(training, message, error)
    except PermanentError as error:
        _fail(training, message, error)


def _take_step(training: Training, opened: OpenOperation, message: OperationMessage) -> None:
    operation = opened.operation
    now = training.now()
    if operation.cancel_requested and is_cancellable(operation):
        _stop_training(training, operation)
        proceed(training, opened, operation.end(now, OperationState.CANCELLED, "cancelled on request"))
    elif now - operation.created > DEADLINE:
        reason = f"not ended after {DEADLINE.total_seconds() / 3600:.0f} hours; {operation.untouched}"
        proceed(training, opened, operation.end(now, OperationState.FAILED, reason))
    else:
        _STEPS[operation.step](training, opened, message)


def _stop_training(training: Training, operation: Operation) -> None:
    """Ask the service to stop, where the version can; the preview trains on and its model stays unpublished."""
    if operation.step is not Step.WAIT_TRAINING or operation.training_job is None:
        return
    dialect = dialect_for(operation.api_version)
    if dialect.has_deployments:
        with contextlib.suppress(LanguageRefusedError):  # it has just ended by itself
            training.language.send(dialect.cancel_training(operation.project, operation.training_job))


def is_cancellable(operation: Operation) -> bool:
    is_asked_for = operation.step is Step.PUBLISH and operation.began(Step.PUBLISH) is not None
    return not operation.is_ended and not is_asked_for and operation.step not in _NOT_CANCELLABLE


def _defer(training: Training, message: OperationMessage, error: RetryableError) -> None:
    """The same step again: after the told delay, or after the schedule by refusals in a row."""
    elapsed = timedelta(minutes=message.faults)
    delay = training.pipeline.delay(number=message.faults, elapsed=elapsed, retry_after=error.retry_after)
    log.info("step_deferred operation=%s seconds=%.1f: %s", message.id, delay.total_seconds(), error)
    current = find_operation(training, message.id)
    if current is None:
        return
    try:
        again = message.model_copy(update={"faults": message.faults + 1})
        enqueue_step(training, current, again, delay)
    except OperationRaceLostError:
        log.info("race_lost operation=%s: another message goes on", message.id)


def _fail(training: Training, message: OperationMessage, error: PermanentError) -> None:
    current = find_operation(training, message.id)
    if current is None or current.operation.is_ended:
        return
    code = error.error_code if isinstance(error, LanguageRefusedError) else type(error).__name__
    reason = f"{error}; {current.operation.untouched}"
    ended = current.operation.end(training.now(), OperationState.FAILED, reason, (ServiceError(code, str(error)),))
    try:
        proceed(training, current, ended)
    except OperationRaceLostError:
        log.info("race_lost operation=%s: another message goes on", message.id)
