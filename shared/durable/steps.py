"""One step of one record: find it, take its step, and carry out what follows.

The order is the guarantee. What a step has done is saved before the next message is sent, and the message that caused
the step is deleted by the host only after that. So a crash anywhere repeats a step; nothing is lost.

"Not ready", "throttled", "no model yet" and "storage refuses" are ordinary endings: the next message is sent with a
delay and the function succeeds. The dequeue count is left to crashes and bugs, and to a queue that takes no message.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Generic, TypeAlias, TypeVar

from shared.durable.record import STEP_ALLOWANCE, Deferral, Facts, Record
from shared.durable.retry import RetryPolicy
from shared.durable.store import RecordStore, Stored
from shared.errors import (
    LanguageAccessError,
    NoModelError,
    PermanentError,
    RaceLostError,
    RateLimitedError,
    RetryableError,
    StateUnreadableError,
    StorageUnavailableError,
)
from shared.messages import MAX_COUNT, StepMessage
from shared.storage.ports import MessageQueue

log = logging.getLogger("pigeonhole.durable")

R = TypeVar("R", bound=Record)
R_co = TypeVar("R_co", bound=Record, covariant=True)
F = TypeVar("F", bound=Facts)

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Done(Generic[R_co]):
    """Nothing is left to do: `stored`, evolved and not yet saved, is closed."""

    stored: Stored[R_co]


@dataclass(frozen=True)
class StepNow(Generic[R_co]):
    """The next step can be taken at once: `stored`, evolved and not yet saved, is saved, then a message is sent."""

    stored: Stored[R_co]


@dataclass(frozen=True)
class StepLater(Generic[R_co]):
    """The next step is due after `delay`: `stored` is saved already, a message is sent with that delay."""

    stored: Stored[R_co]
    delay: timedelta


@dataclass(frozen=True)
class NotReady(Generic[R_co]):
    """What the step waits for `since` then is not ready: `stored` is saved already, and the same step is taken again
    after a delay by the schedule, which goes by the number of polls so far."""

    stored: Stored[R_co]
    since: datetime


Next: TypeAlias = Done[R] | StepNow[R] | StepLater[R] | NotReady[R]
Step: TypeAlias = Callable[[Stored[R]], Next[R]]


@dataclass(frozen=True)
class StepQueue(Generic[R, F]):
    """The records of one kind (`kind` names it in logs) and the queue that drives their steps."""

    kind: str
    store: RecordStore[R, F]
    queue: MessageQueue
    retry: RetryPolicy
    clock: Clock

    def start(self, record: R) -> bool:
        """Create the record, then send its first message. An open record of the same id is the same work: the message
        repeats a step, which is harmless. False, with nothing sent, when that one cannot be read."""
        if self.store.create(record) is None:
            if self.store.find_readable(record.id) is None:
                return False
            log.info("%s_exists id=%s: the same %s is open already", self.kind, record.id, self.kind)
        self.send(record.id)
        return True

    def send(self, record_id: str) -> None:
        """A message for the record's next step, visible at once."""
        self.queue.send(StepMessage(id=record_id))

    def send_later(self, stored: Stored[R], *, delay: timedelta, polls: int = 0) -> None:
        """A message after `delay`. The due time is saved first when it lies beyond what the sweep allows."""
        due = self.clock() + delay
        if due > stored.record.due:
            self.store.save(stored.change(due=due + STEP_ALLOWANCE))
        self.queue.send(StepMessage(id=stored.record.id, polls=min(polls, MAX_COUNT)), delay=delay)


def advance(
    steps: StepQueue[R, F],
    message: StepMessage,
    take_step: Step[R],
    *,
    close: Callable[[Stored[R]], None] | None = None,
    fail: Callable[[Stored[R], PermanentError], Next[R]] | None = None,
) -> None:
    """Take the next step of the record that `message` names.

    `close` replaces the store's own close. `fail` decides what follows a PermanentError; without it, one propagates.
    Raises only what is a bug, or a queue that does not even take the message that defers the step.
    """
    try:
        _advance(steps, message, take_step, close=close or steps.store.close, fail=fail)
    except RaceLostError:
        _log_race_lost(steps, message)
    except RetryableError as error:
        try:
            _defer(steps, message, error)
        except RaceLostError:
            _log_race_lost(steps, message)
    except Exception as error:
        _note_failing(steps, message, error)
        raise


def _advance(
    steps: StepQueue[R, F],
    message: StepMessage,
    take_step: Step[R],
    *,
    close: Callable[[Stored[R]], None],
    fail: Callable[[Stored[R], PermanentError], Next[R]] | None,
) -> None:
    stored = steps.store.find(message.id)
    if stored is None:
        log.info("message_ignored %s=%s: closed already", steps.kind, message.id)
        return
    if stored.record.is_ended:  # a crash came between its end and its closing
        close(stored)
        return
    if message.failures_in_a_row:
        # The last step may have failed because its end could not be written. Then a step that posts would post again,
        # at every attempt, so first it is seen that the record can be written.
        stored = steps.store.save(stored)
    _carry_out(steps, message, _take(steps, stored, message, take_step, fail), close)


def _take(
    steps: StepQueue[R, F],
    stored: Stored[R],
    message: StepMessage,
    take_step: Step[R],
    fail: Callable[[Stored[R], PermanentError], Next[R]] | None,
) -> Next[R] | None:
    try:
        return take_step(stored)
    except PermanentError as error:
        current = steps.store.find(message.id)
        if fail is None:
            raise
        # The record may have changed in the step that failed.
        return fail(current, error) if current is not None and not current.record.is_ended else None


def _carry_out(
    steps: StepQueue[R, F], message: StepMessage, following: Next[R] | None, close: Callable[[Stored[R]], None]
) -> None:
    match following:
        case Done(stored):
            close(stored)
        case StepNow(stored):
            saved = steps.store.save(stored)
            log.info("%s_advanced %s=%s: %s", steps.kind, steps.kind, saved.record.id, saved.record.last_event)
            steps.send(saved.record.id)
        case StepLater(stored, delay):
            steps.send_later(_came_to_its_end(steps, stored), delay=delay)
        case NotReady(stored, since):
            delay = steps.retry.delay(message.polls, elapsed=steps.clock() - since)
            steps.send_later(_came_to_its_end(steps, stored), delay=delay, polls=message.polls + 1)


def _came_to_its_end(steps: StepQueue[R, F], stored: Stored[R]) -> Stored[R]:
    """What earlier steps left that did not come to their end is true no more. One write, only after such steps."""
    cleared = stored.record.cleared()
    return stored if cleared is stored.record else steps.store.save(replace(stored, record=cleared))


def _defer(steps: StepQueue[R, F], message: StepMessage, error: RetryableError) -> None:
    """The same step again: after the delay the service asked for, or by the schedule of failures in a row."""
    # Each failure counts as a minute, so that the slow delay applies after ten of them. A refused credential is
    # excepted: the work goes on within two minutes after it is put right.
    failures = message.failures_in_a_row
    is_access = isinstance(error, LanguageAccessError | StorageUnavailableError)
    elapsed = timedelta(0) if is_access else timedelta(minutes=failures)
    delay = steps.retry.delay(failures, elapsed=elapsed, retry_after=error.retry_after)
    log.info("step_deferred %s=%s seconds=%.1f: %s", steps.kind, message.id, delay.total_seconds(), error)
    try:
        # The record may have changed in the step that failed (one of several jobs was submitted).
        current = steps.store.find(message.id)
        if current is None:
            return
        _note_deferral(steps, current, error, delay)
    except (StorageUnavailableError, StateUnreadableError) as unwritten:
        # What cannot be noted is still sent. The sweep may take the record for stalled: one message more.
        log.info("deferral_not_noted %s=%s: %s", steps.kind, message.id, unwritten)
    following = message.model_copy(update={"failures_in_a_row": min(failures + 1, MAX_COUNT)})
    steps.queue.send(following, delay=delay)


def _note_deferral(steps: StepQueue[R, F], current: Stored[R], error: RetryableError, delay: timedelta) -> None:
    """Write into the record what people and the sweep must know: why it waits, and a due time beyond its own.

    Written once for a series of failures of one kind, and again when the wait grows. Not for our own limit, which a
    busy process meets all the time, and not for a missing model, of which the batch tells itself.
    """
    record, now = current.record, steps.clock()
    until, known = now + delay, record.deferred
    changes: dict[str, object] = {}
    if until > record.due:
        changes["due"] = until + STEP_ALLOWANCE
    is_known = known is not None and known.code == error.code
    if not isinstance(error, NoModelError | RateLimitedError) and (
        changes or known is None or not is_known or until - known.until > STEP_ALLOWANCE
    ):
        since = known.since if known is not None and is_known else now
        changes["deferred"] = Deferral(code=error.code, since=since, until=until)
    if changes:
        steps.store.save(current.change(**changes))


def _note_failing(steps: StepQueue[R, F], message: StepMessage, error: Exception) -> None:
    """Name an unforeseen error in the record: what the dead letter's handler does not find there was no bug."""
    name = type(error).__name__
    with contextlib.suppress(Exception):  # the error itself is what counts, and it is raised again
        current = steps.store.find(message.id)
        if current is not None and current.record.failing != name:
            steps.store.save(current.change(failing=name))


def _log_race_lost(steps: StepQueue[R, F], message: StepMessage) -> None:
    log.info("race_lost %s=%s: another message goes on with it", steps.kind, message.id)
