"""Our own limit on requests a minute."""

from __future__ import annotations

import random
from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import RateLimitedError
from shared.language.rate_limiter import MAX_WAIT, RateLimiter


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def has_slot(limiter: RateLimiter) -> bool:
    try:
        limiter.acquire()
    except RateLimitedError:
        return False
    return True


def most_in_a_minute(times: list[float]) -> int:
    window: deque[float] = deque()
    most = 0
    for time in times:
        window.append(time)
        while window[0] <= time - 60:
            window.popleft()
        most = max(most, len(window))
    return most


@given(st.integers(1, 40), st.lists(st.floats(0, 90), min_size=1, max_size=300))
@settings(max_examples=150, deadline=None)
def test_no_minute_ever_has_more_requests_than_the_limit(limit: int, pauses: list[float]) -> None:
    clock = Clock()
    limiter = RateLimiter(limit, clock=clock)
    taken = []
    for pause in pauses:
        clock.now += pause
        if has_slot(limiter):
            taken.append(clock.now)
    assert most_in_a_minute(taken) <= limit


@pytest.mark.parametrize("limit", [1, 20, 100])
def test_a_crowd_that_comes_back_as_told_uses_the_limit_and_no_more(limit: int) -> None:
    clock = Clock()
    limiter = RateLimiter(limit, clock=clock)
    chance = random.Random(1)
    waiting = [(clock.now, number) for number in range(limit * 5)]
    taken = []
    refused = 0
    while waiting:
        waiting.sort()
        moment, number = waiting.pop(0)
        clock.now = max(clock.now, moment)
        try:
            limiter.acquire()
            taken.append(clock.now)
        except RateLimitedError as error:
            refused += 1
            wait = (error.retry_after or MAX_WAIT).total_seconds()
            # As the pipeline comes back: never earlier, up to a fifth later.
            waiting.append((clock.now + wait * (1 + 0.2 * chance.random()), number))
    assert most_in_a_minute(taken) <= limit
    assert taken[-1] - taken[0] <= 5 * 60 * 1.5
    assert refused <= limit * 20


def test_a_full_minute_is_free_at_first() -> None:
    limiter = RateLimiter(20, clock=Clock())
    assert [has_slot(limiter) for _ in range(21)] == [True] * 20 + [False]


def test_each_refusal_is_told_a_later_slot() -> None:
    limiter = RateLimiter(20, clock=Clock())
    for _ in range(20):
        limiter.acquire()
    waits = []
    for _ in range(10):
        with pytest.raises(RateLimitedError, match="_PER_MINUTE") as caught:
            limiter.acquire()
        assert caught.value.retry_after is not None
        waits.append(caught.value.retry_after.total_seconds())
    assert waits == [60 + 3 * number for number in range(10)]


def test_no_wait_is_longer_than_five_minutes() -> None:
    limiter = RateLimiter(1, clock=Clock())
    limiter.acquire()
    for _ in range(50):
        with pytest.raises(RateLimitedError) as caught:
            limiter.acquire()
        assert caught.value.retry_after is not None
        assert caught.value.retry_after <= MAX_WAIT


def test_what_was_told_is_forgotten_after_a_quiet_time() -> None:
    clock = Clock()
    limiter = RateLimiter(2, clock=clock)
    for _ in range(40):
        has_slot(limiter)
    clock.now += 3_600
    assert [has_slot(limiter) for _ in range(2)] == [True, True]
    with pytest.raises(RateLimitedError) as caught:
        limiter.acquire()
    assert caught.value.retry_after is not None
    assert caught.value.retry_after.total_seconds() == pytest.approx(60)
