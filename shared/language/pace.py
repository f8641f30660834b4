"""Our own limit on requests a minute, for each process: the service's limit divided by the instances is a setting.

There is no cluster-wide semaphore; 429 is honoured all the same.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta

from shared.errors import LanguageThrottledError

MAX_WAIT = timedelta(minutes=5)


class Pace:
    """A token bucket that never sleeps: who comes too early is told when to come again.

    Each refusal is told a later slot than the one before, so that a crowd of waiting jobs comes back one by one.
    """

    def __init__(
        self, requests_per_minute: int, *, burst: int | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._interval = 60.0 / requests_per_minute
        self._burst = float(burst or max(1, requests_per_minute // 4))
        self._tokens = self._burst
        self._clock = clock
        self._refilled = clock()
        self._next_slot = self._refilled
        self._lock = threading.Lock()

    def take(self) -> None:
        """Take a token or raise LanguageThrottledError with the time until this caller's turn."""
        with self._lock:
            now = self._clock()
            self._tokens = min(self._burst, self._tokens + (now - self._refilled) / self._interval)
            self._refilled = now
            if self._tokens >= 1:
                self._tokens -= 1
                return
            self._next_slot = max(self._next_slot, now) + self._interval
            wait = min(MAX_WAIT, timedelta(seconds=self._next_slot - now))
        raise LanguageThrottledError("waiting for our own pace, LANGUAGE_REQUESTS_PER_MINUTE", retry_after=wait)
