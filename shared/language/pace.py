"""Our own limit on requests a minute, for each process: the service's limit divided by the instances is a setting.

There is no cluster-wide semaphore; 429 is honoured all the same.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from shared.errors import LanguageThrottledError
from shared.language.dialects.base import Half, RequestSpec

WINDOW_SECONDS = 60.0
MAX_WAIT = timedelta(minutes=5)


class Pace:
    """Never more than the limit in any 60 seconds. It never sleeps: who comes too early is told when to come again.

    Each refusal is told a later slot than the one before, so that a crowd of waiting jobs comes back one by one.
    """

    def __init__(self, requests_per_minute: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = requests_per_minute
        self._interval = WINDOW_SECONDS / requests_per_minute
        self._clock = clock
        self._taken: deque[float] = deque()
        self._next_slot = clock()
        self._lock = threading.Lock()

    def take(self) -> None:
        """Take a place or raise LanguageThrottledError with the time until this caller's turn."""
        with self._lock:
            now = self._clock()
            while self._taken and self._taken[0] <= now - WINDOW_SECONDS:
                self._taken.popleft()
            if len(self._taken) < self._limit:
                self._taken.append(now)
                return
            self._next_slot = max(self._next_slot + self._interval, self._taken[0] + WINDOW_SECONDS)
            wait = min(MAX_WAIT, timedelta(seconds=self._next_slot - now))
        raise LanguageThrottledError("waiting for our own pace (LANGUAGE_*_PER_MINUTE)", retry_after=wait)


@dataclass(frozen=True)
class RequestPace:
    """The service's three budgets: analyze calls together, authoring calls that change something, and that read."""

    analyze: Pace | None = None
    authoring_posts: Pace | None = None
    authoring_gets: Pace | None = None

    def take(self, request: RequestSpec) -> None:
        """Take a place in the request's budget, or raise LanguageThrottledError."""
        pace = self.analyze
        if request.half is Half.AUTHORING:
            pace = self.authoring_gets if request.method == "GET" else self.authoring_posts
        if pace is not None:
            pace.take()
