"""How long until the next attempt. Pure: times and randomness are given."""

from __future__ import annotations

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
    `jitter` is 0 to 1.
    """
    seconds = schedule[min(number, len(schedule) - 1)]
    if number >= len(schedule) - 1 and elapsed >= SLOW_AFTER:
        seconds = max(seconds, slow_seconds)
    if retry_after is not None:
        seconds = max(seconds, retry_after.total_seconds())
    return timedelta(seconds=seconds * (1 + MAX_JITTER * jitter))


@dataclass(frozen=True)
class RetryPolicy:
    """The settings' schedule with its randomness; see `next_delay`."""

    schedule: Sequence[float]
    slow_seconds: float
    jitter: Callable[[], float]

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
