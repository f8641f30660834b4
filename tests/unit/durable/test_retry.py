"""How long until the next attempt."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.durable.retry import RetryPolicy, next_delay

SCHEDULE = (2.0, 5.0, 10.0, 20.0, 40.0, 60.0)

TABLE: dict[str, tuple[int, float, float | None, float, float]] = {
    # number, minutes so far, Retry-After in seconds, jitter -> seconds
    "first": (0, 0, None, 0.0, 2.0),
    "second": (1, 0, None, 0.0, 5.0),
    "last of the schedule": (5, 2, None, 0.0, 60.0),
    "beyond the schedule": (9, 8, None, 0.0, 60.0),
    "ten minutes on": (9, 10, None, 0.0, 300.0),
    "a second before ten minutes": (9, 599 / 60, None, 0.0, 60.0),
    "ten minutes on, at the last of the schedule": (5, 10, None, 0.0, 300.0),
    "ten minutes on, one after the last of the schedule": (6, 10, None, 0.0, 300.0),
    "ten minutes on, one before the last of the schedule": (4, 10, None, 0.0, 40.0),
    "a day on": (200, 1_440, None, 0.0, 300.0),
    "an early attempt late on the clock": (2, 30, None, 0.0, 10.0),
    "told less than the schedule": (3, 0, 1, 0.0, 20.0),
    "told more than the schedule": (0, 0, 30, 0.0, 30.0),
    "told nothing, as zero": (0, 0, 0, 0.0, 2.0),
    "told an hour": (0, 0, 3_600, 0.0, 3_600.0),
    "told more than the slow delay": (9, 30, 900, 0.0, 900.0),
    "told less than the slow delay": (9, 30, 90, 0.0, 300.0),
    "half the jitter": (0, 0, 30, 0.5, 33.0),
    "all the jitter": (0, 0, 30, 1.0, 36.0),
    "a first attempt by the schedule has none": (0, 0, None, 1.0, 2.0),
    "a second is rounded to the nearest": (1, 0, None, 0.4, 5.0),
    "and up from the middle": (1, 0, None, 0.5, 6.0),
    "asked for a part of a second": (0, 0, 2.4, 0.0, 3.0),
    "asked for a part of a second more than the schedule, with jitter": (2, 0, 10.4, 0.5, 11.0),
}


@pytest.mark.parametrize("case", TABLE)
def test_the_delay_follows_the_schedule_and_what_was_told(case: str) -> None:
    number, minutes, told, jitter, seconds = TABLE[case]
    delay = next_delay(
        number=number,
        elapsed=timedelta(minutes=minutes),
        schedule=SCHEDULE,
        slow_seconds=300.0,
        retry_after=None if told is None else timedelta(seconds=told),
        jitter=jitter,
    )
    assert delay == timedelta(seconds=seconds)


@settings(deadline=None)
@given(st.integers(0, 500), st.integers(0, 1_500), st.integers(0, 7_200), st.floats(0, 1))
def test_no_attempt_is_earlier_than_told_or_more_than_a_fifth_late(
    number: int, minutes: int, told: int, jitter: float
) -> None:
    retry_after = timedelta(seconds=told)
    delay = next_delay(
        number=number,
        elapsed=timedelta(minutes=minutes),
        schedule=SCHEDULE,
        slow_seconds=300.0,
        retry_after=retry_after,
        jitter=jitter,
    )
    assert retry_after <= delay <= max(retry_after, timedelta(seconds=300)) * 1.2


@pytest.mark.parametrize(("schedule", "seconds"), [((0.1,), 1), ((1.0,), 1), ((1.4,), 1), ((1.5,), 2)])
def test_a_first_delay_has_the_whole_seconds_that_are_nearest_and_one_at_least(
    schedule: tuple[float, ...], seconds: int
) -> None:
    delay = next_delay(number=0, elapsed=timedelta(0), schedule=schedule, slow_seconds=300.0, jitter=1.0)
    assert delay == timedelta(seconds=seconds)


def test_a_schedule_of_one_entry_repeats_it() -> None:
    delays = [
        next_delay(number=number, elapsed=timedelta(0), schedule=(7.0,), slow_seconds=7.0, jitter=0.0)
        for number in range(3)
    ]
    assert delays == [timedelta(seconds=7)] * 3


def test_a_slow_delay_shorter_than_the_schedule_shortens_nothing() -> None:
    delay = next_delay(number=9, elapsed=timedelta(hours=1), schedule=SCHEDULE, slow_seconds=30.0, jitter=0.0)
    assert delay == timedelta(seconds=60)


POLICY_TABLE: dict[str, tuple[int, timedelta | None, timedelta | None, float]] = {
    # number, elapsed, Retry-After -> seconds, with half the jitter
    "the first": (0, None, None, 2.0),
    "a later one": (2, None, None, 11.0),
    "told to wait": (0, None, timedelta(seconds=30), 33.0),
    "the last of the schedule, early": (5, timedelta(minutes=9), None, 66.0),
    "the last of the schedule, late": (5, timedelta(minutes=11), None, 330.0),
}


@pytest.mark.parametrize("case", POLICY_TABLE)
def test_a_policy_is_the_same_rule_with_the_settings_and_a_jitter_of_its_own(case: str) -> None:
    number, elapsed, told, seconds = POLICY_TABLE[case]
    policy = RetryPolicy(schedule=SCHEDULE, slow_seconds=300.0, jitter=lambda: 0.5)
    known = {} if elapsed is None else {"elapsed": elapsed}
    assert policy.delay(number=number, retry_after=told, **known) == timedelta(seconds=seconds)
