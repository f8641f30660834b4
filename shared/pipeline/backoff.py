"""How long until the next visit. Pure: times and randomness are given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

SLOW_AFTER = timedelta(minutes=10)
MAX_JITTER = 0.2


def visit_delay(
    *,
    number: int,
    elapsed: timedelta,
    schedule: Sequence[float],
    slow_seconds: float,
    retry_after: timedelta | None = None,
    jitter: float,
) -> timedelta:
    """Delay before the visit after visit `number` (0 first): max(Retry-After, schedule), up to 20 % later.

    `schedule` in seconds, its last entry repeats; once that is reached and `elapsed` passes 10 minutes,
    `slow_seconds`. (Both, because a visit delayed by a crash is no sign of a slow job.) `jitter` is 0 to 1.
    """
    seconds = schedule[min(number, len(schedule) - 1)]
    if number >= len(schedule) - 1 and elapsed >= SLOW_AFTER:
        seconds = max(seconds, slow_seconds)
    seconds = max(seconds, retry_after.total_seconds() if retry_after else 0.0)
    return timedelta(seconds=seconds * (1 + MAX_JITTER * jitter))
