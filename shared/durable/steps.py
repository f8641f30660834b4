"""One step of one record: find it, take its step, and carry out what follows.

The order is the guarantee. What a step has done is saved before the next message is sent, and the message that caused
the step is deleted by the host only after that. So a crash anywhere repeats a step; nothing is lost.

"Not ready", "throttled", "no model yet" and "storage refuses" are ordinary endings: the next message is sent with a
delay and the function succeeds. The dequeue count is left to crashes and bugs, and to a queue that takes no message.

A record's first message may be sent hidden and kept in hand: then its sender takes the steps itself, and the message is
the net under a crash. What must wait for long goes back to the queue: the same message is moved to its time.
"""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeAlias, TypeVar

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
from shared.storage.ports import MessageQueue, SentMessage

log = logging.getLogger("pigeonhole.durable")

R = TypeVar("R", bound=Record)
R_co = TypeVar("R_co", bound=Record, covariant=True)
F = TypeVar("F", bound=Facts)

Clock = Callable[[], datetime]

# A step that raised what it must not while it was in hand is repeated by the host's delivery after this time.
AFTER_FAILURE = timedelta(seconds=30)
# A wait of up to this long is waited out in hand: an idle listener may need as long to see a message.
LONGEST_WAIT = timedelta(seconds=5)


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
    after a delay by the schedule, which goes by the number of polls so far.

    Where it is `expected` to take longer than the schedule's delay, the next poll comes then, and the schedule goes on
    after it as if that poll had not been."""

    stored: Stored[R_co]
    since: datetime
    expected: timedelta = timedelta(0)


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
        return self._start(record, delay=timedelta(0)) is not None

    def start_in_hand(self, record: R, *, hidden: timedelta) -> InHand[R] | bool:
        """As `start`, but the first message of a new record is hidden, and the caller takes the steps: within `hidden`,
        so that no other process takes a step that is still being taken."""
        return self._start(record, delay=hidden) or False

    def _start(self, record: R, *, delay: timedelta) -> InHand[R] | bool | None:
        stored = self.store.create(record)
        if stored is not None:
            return InHand(stored, self.queue.send(StepMessage(id=record.id), delay=delay))
        if self.store.find_readable(record.id) is None:
            return None
        log.info("%s_exists id=%s: the same %s is open already", self.kind, record.id, self.kind)
        self.send(record.id)
        return True

    def leave(self, in_hand: InHand[R], *, delay: timedelta = timedelta(0)) -> None:
        """Leave to the queue what was in hand. Where another has received its message, that one goes on."""
        with contextlib.suppress(RaceLostError):
            self.queue.move(in_hand.message, StepMessage(id=in_hand.stored.record.id), delay=delay)

    def send(self, record_id: str) -> None:
        """A message for the record's next step, visible at once."""
        self.queue.send(StepMessage(id=record_id))


@dataclass(frozen=True)
class InHand(Generic[R_co]):
    """A record whose steps this process takes at once. `message` was sent hidden: the net under a crash."""

    stored: Stored[R_co]
    message: SentMessage


@dataclass(frozen=True)
class Patience:
    """How long a process may wait between the steps of what it has in hand."""

    until: datetime
    wait: Callable[[timedelta], None]
    clock: Clock

    def allows(self, delay: timedelta) -> bool:
        return delay <= LONGEST_WAIT and self.clock() + delay <= self.until


class _Carrier(Protocol):
    """The message for which steps are taken: how it comes again, and what happens to it when nothing is left."""

    def again(self, message: StepMessage, *, delay: timedelta) -> None: ...

    def done(self) -> None: ...


@dataclass(frozen=True)
class _Delivered:
    """The host delivered it, and deletes it when the function succeeds. Only the host can move it."""

    queue: MessageQueue

    def again(self, message: StepMessage, *, delay: timedelta) -> None:
        self.queue.send(message, delay=delay)

    def done(self) -> None:
        return None


@dataclass(frozen=True)
class _Sent:
    """This process sent it and holds its receipt. Another that has received it meanwhile goes on with it."""

    queue: MessageQueue
    sent: SentMessage

    def again(self, message: StepMessage, *, delay: timedelta) -> None:
        self.queue.move(self.sent, message, delay=delay)

    def done(self) -> None:
        self.queue.delete(self.sent)


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
    run = _Run(steps, _Delivered(steps.queue), take_step, close or steps.store.close, fail)
    run.take(message, lambda: _find(run, message))


def advance_in_hand(steps: StepQueue[R, F], in_hand: InHand[R], take_step: Step[R], patience: Patience) -> None:
    """Take the steps of a record that was just started, as far as `patience` goes; the rest is left to its message.

    Raises nothing of the steps: an unforeseen error is logged, and the host's deliveries meet it again.
    """
    run = _Run(steps, _Sent(steps.queue, in_hand.message), take_step, steps.store.close, None, patience)
    record_id = in_hand.stored.record.id
    try:
        run.take(StepMessage(id=record_id), lambda: in_hand.stored)
    except Exception as error:
        log.exception("step_failed_in_hand %s=%s: %s", steps.kind, record_id, type(error).__name__)
        with contextlib.suppress(StorageUnavailableError):  # then it comes back when it is hidden no longer
            steps.leave(in_hand, delay=AFTER_FAILURE)


@dataclass(frozen=True)
class _Run(Generic[R, F]):
    """Steps of one record for one message: one for a delivered message, and more in hand."""

    steps: StepQueue[R, F]
    carrier: _Carrier
    take_step: Step[R]
    close: Callable[[Stored[R]], None]
    fail: Callable[[Stored[R], PermanentError], Next[R]] | None
    patience: Patience | None = None

    def take(self, message: StepMessage, find: Callable[[], Stored[R] | None]) -> None:
        following: tuple[StepMessage, Stored[R]] | None = None
        try:
            stored = find()
            following = None if stored is None else (message, stored)
            while following is not None:
                message, stored = following
                following = _carry_out(self, message, _take(self, stored, message))
        except RaceLostError:
            self._lose_race(message)
        except RetryableError as error:
            try:
                _defer(self, message, error)
            except RaceLostError:
                self._lose_race(message)
        except Exception as error:
            _note_failing(self.steps, message, error)
            raise

    def _lose_race(self, message: StepMessage) -> None:
        log.info("race_lost %s=%s: another message goes on with it", self.steps.kind, message.id)
        self.carrier.done()

    def next_message(
        self, stored: Stored[R], *, delay: timedelta, wait: timedelta | None = None, polls: int = 0
    ) -> tuple[StepMessage, Stored[R]] | None:
        """Wait for `wait` in hand, or have the message come again after `delay`; the due time is saved first when that
        lies beyond what the sweep allows."""
        message = StepMessage(id=stored.record.id, polls=min(polls, MAX_COUNT))
        if wait is not None and self.patience is not None and self.patience.allows(wait):
            self.patience.wait(wait)
            return message, stored
        due = self.steps.clock() + delay
        if due > stored.record.due:
            self.steps.store.save(stored.change(due=due + STEP_ALLOWANCE))
        self.carrier.again(message, delay=delay)
        return None


def _find(run: _Run[R, F], message: StepMessage) -> Stored[R] | None:
    """The record, where there is a step to take."""
    steps = run.steps
    stored = steps.store.find(message.id)
    if stored is None:
        log.info("message_ignored %s=%s: closed already", steps.kind, message.id)
        return None
    if stored.record.is_ended:  # a crash came between its end and its closing
        run.close(stored)
        return None
    if message.failures_in_a_row:
        # The last step may have failed because its end could not be written. Then a step that posts would post again,
        # at every attempt, so first it is seen that the record can be written.
        return steps.store.save(stored)
    return stored


def _take(run: _Run[R, F], stored: Stored[R], message: StepMessage) -> Next[R] | None:
    try:
        return run.take_step(stored)
    except PermanentError as error:
        current = run.steps.store.find(message.id)
        if run.fail is None:
            raise
        # The record may have changed in the step that failed.
        return run.fail(current, error) if current is not None and not current.record.is_ended else None


def _carry_out(
    run: _Run[R, F], message: StepMessage, following: Next[R] | None
) -> tuple[StepMessage, Stored[R]] | None:
    """What comes after a step; returns the next one when it is taken at once."""
    steps = run.steps
    match following:
        case Done(stored):
            run.close(stored)
            run.carrier.done()
        case StepNow(stored):
            saved = steps.store.save(stored)
            log.info("%s_advanced %s=%s: %s", steps.kind, steps.kind, saved.record.id, saved.record.last_event)
            run.carrier.again(StepMessage(id=saved.record.id), delay=timedelta(0))
        case StepLater(stored, delay):
            return run.next_message(_came_to_its_end(steps, stored), delay=delay)
        case NotReady(stored, since, expected):
            polls, wait = message.polls, steps.retry.wait(message.polls)
            delay = steps.retry.delay(polls, elapsed=steps.clock() - since)
            if expected > wait:
                wait, delay = expected, max(delay, timedelta(seconds=math.ceil(expected.total_seconds())))
            else:
                polls += 1
            return run.next_message(_came_to_its_end(steps, stored), delay=delay, wait=wait, polls=polls)
    return None


def _came_to_its_end(steps: StepQueue[R, F], stored: Stored[R]) -> Stored[R]:
    """What earlier steps left that did not come to their end is true no more. One write, only after such steps."""
    cleared = stored.record.cleared()
    return stored if cleared is stored.record else steps.store.save(replace(stored, record=cleared))


def _defer(run: _Run[R, F], message: StepMessage, error: RetryableError) -> None:
    """The same step again: after the delay the service asked for, or by the schedule of failures in a row."""
    steps = run.steps
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
            run.carrier.done()
            return
        _note_deferral(steps, current, error, delay)
    except (StorageUnavailableError, StateUnreadableError) as unwritten:
        # What cannot be noted is still sent. The sweep may take the record for stalled: one message more.
        log.info("deferral_not_noted %s=%s: %s", steps.kind, message.id, unwritten)
    following = message.model_copy(update={"failures_in_a_row": min(failures + 1, MAX_COUNT)})
    run.carrier.again(following, delay=delay)


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
