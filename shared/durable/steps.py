"""One step of one record: find it, take its step, and carry out what follows.

The order is the guarantee. What a step has done is saved before the next message is sent, and the message that caused
the step is deleted by the host only after that. So a crash anywhere repeats a step; nothing is lost.

"Not ready", "throttled" and "no model yet" are ordinary endings: the next message is sent with a delay and the function
succeeds. The dequeue count is left to crashes and bugs.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeAlias, TypeVar

from shared.durable.record import STEP_ALLOWANCE, Facts, Record
from shared.durable.retry import RetryPolicy
from shared.durable.store import RecordStore, Stored
from shared.errors import LanguageAccessError, PermanentError, RaceLostError, RetryableError
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

    def start(self, record: R) -> None:
        """Create the record, then send its first message. An open record of the same id is the same work: the message
        repeats a step, which is harmless."""
        if self.store.create(record) is None:
            log.info("%s_exists id=%s: the same %s is open already", self.kind, record.id, self.kind)
        self.send(record.id)

    def send(self, record_id: str) -> None:
        """A message for the record's next step, visible at once."""
        self.queue.send(StepMessage(id=record_id))

    def send_later(self, stored: Stored[R], *, delay: timedelta, polls: int = 0, failures_in_a_row: int = 0) -> None:
        """A message after `delay`. The due time is saved first when it lies beyond what the sweep allows."""
        due = self.clock() + delay
        if due > stored.record.due:
            self.store.save(stored.change(due=due + STEP_ALLOWANCE))
        polls, failures_in_a_row = min(polls, MAX_COUNT), min(failures_in_a_row, MAX_COUNT)
        message = StepMessage(id=stored.record.id, polls=polls, failures_in_a_row=failures_in_a_row)
        self.queue.send(message, delay=delay)


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
    Raises only what is a bug, or storage that does not answer.
    """
    stored = steps.store.find(message.id)
    if stored is None:
        log.info("message_ignored %s=%s: closed already", steps.kind, message.id)
        return
    close = close or steps.store.close
    try:
        if stored.record.is_ended:  # a crash came between its end and its closing
            close(stored)
            return
        _carry_out(steps, message, _take(steps, stored, message, take_step, fail), close)
    except RaceLostError:
        log.info("race_lost %s=%s: another message goes on with it", steps.kind, message.id)


def _take(
    steps: StepQueue[R, F],
    stored: Stored[R],
    message: StepMessage,
    take_step: Step[R],
    fail: Callable[[Stored[R], PermanentError], Next[R]] | None,
) -> Next[R] | None:
    try:
        return take_step(stored)
    except RetryableError as error:
        _defer(steps, message, error)
        return None
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
            steps.send_later(stored, delay=delay)
        case NotReady(stored, since):
            delay = steps.retry.delay(message.polls, elapsed=steps.clock() - since)
            steps.send_later(stored, delay=delay, polls=message.polls + 1)


def _defer(steps: StepQueue[R, F], message: StepMessage, error: RetryableError) -> None:
    """The same step again: after the delay the service asked for, or by the schedule of failures in a row."""
    # Each failure counts as a minute, so that the slow delay applies after ten of them. A refused credential is
    # excepted: the work goes on within two minutes after it is put right.
    failures = message.failures_in_a_row
    elapsed = timedelta(0) if isinstance(error, LanguageAccessError) else timedelta(minutes=failures)
    delay = steps.retry.delay(failures, elapsed=elapsed, retry_after=error.retry_after)
    log.info("step_deferred %s=%s seconds=%.1f: %s", steps.kind, message.id, delay.total_seconds(), error)
    # The record may have changed in the step that failed (one of several jobs was submitted).
    current = steps.store.find(message.id)
    if current is not None:
        steps.send_later(current, delay=delay, polls=message.polls, failures_in_a_row=failures + 1)
