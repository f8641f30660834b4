"""How long until the next attempt. Pure: times and randomness are given."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

SLOW_AFTER = timedelta(minutes=10)
MAX_JITTER = 0.2


def next_delay(
    *,
    number: int,
    elapsed: timedelta,
    schedule: Sequence[float],
    slow_seconds: float,
    retry_after: timedelta | None = None,
    jitter: float,
) -> timedelta:
    """Delay after attempt `number` (0 is the first): the longer of Retry-After and the schedule, up to 20 % later.

    `schedule` is in seconds and its last entry repeats. Once that entry is reached and `elapsed` is 10 minutes or more,
    the delay is at least `slow_seconds`; both, because an attempt delayed by a crash does not mean a slow job.
    `jitter` is 0 to 1. It tells attempts apart that failed together, so a first one by the schedule has none.

    A message's delay has whole seconds: the schedule is rounded to the nearest, 1 at least, so that a second does not
    become two, and what was asked for is rounded up.
    """
    scheduled = scheduled_seconds(schedule, number)
    if number >= len(schedule) - 1 and elapsed >= SLOW_AFTER:
        scheduled = max(scheduled, slow_seconds)
    later = 1 + MAX_JITTER * jitter
    seconds = max(1, math.floor(scheduled * (later if number else 1) + 0.5))
    if retry_after is not None and retry_after.total_seconds() > scheduled:
        asked = retry_after.total_seconds()
        seconds = max(seconds, math.ceil(asked), math.floor(asked * later))
    return timedelta(seconds=seconds)


def scheduled_seconds(schedule: Sequence[float], number: int) -> float:
    """What the schedule says after attempt `number`."""
    return schedule[min(number, len(schedule) - 1)]


@dataclass(frozen=True)
class RetryPolicy:
    """The settings' schedule with its randomness; see `next_delay`."""

    schedule: Sequence[float]
    slow_seconds: float
    jitter: Callable[[], float]

    def wait(self, number: int) -> timedelta:
        """The schedule's own delay, for a process that waits without a message."""
        return timedelta(seconds=scheduled_seconds(self.schedule, number))

    def delay(
        self, number: int, *, elapsed: timedelta = timedelta(0), retry_after: timedelta | None = None
    ) -> timedelta:
        return next_delay(
            number=number,
            elapsed=elapsed,
            schedule=self.schedule,
            slow_seconds=self.slow_seconds,
            retry_after=retry_after,
            jitter=self.jitter(),
        )
