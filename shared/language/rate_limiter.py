"""Our own limit of requests a minute in this process. The settings divide the service's limit by the instances.

Instances do not coordinate, so the service may still answer 429, which is honoured all the same.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from shared.errors import RateLimitedError
from shared.language.apis.base import Api, RequestSpec

WINDOW_SECONDS = 60.0
MAX_WAIT = timedelta(minutes=5)


class RateLimiter:
    """Never more than the limit in any 60 seconds. It never sleeps: a caller without a slot learns when to come back.

    Each caller turned away is given a later slot than the one before, so that a crowd comes back one by one.
    """

    def __init__(self, requests_per_minute: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = requests_per_minute
        self._interval = WINDOW_SECONDS / requests_per_minute
        self._clock = clock
        self._sent: deque[float] = deque()
        self._next_slot = clock()
        self._lock = threading.Lock()

    def acquire(self) -> None:
        """Take a slot, or raise RateLimitedError with the time until this caller's slot."""
        with self._lock:
            now = self._clock()
            while self._sent and self._sent[0] <= now - WINDOW_SECONDS:
                self._sent.popleft()
            if len(self._sent) < self._limit:
                self._sent.append(now)
                return
            self._next_slot = max(self._next_slot + self._interval, self._sent[0] + WINDOW_SECONDS)
            wait = min(MAX_WAIT, timedelta(seconds=self._next_slot - now))
        raise RateLimitedError("our limit of requests a minute is used up (LANGUAGE_*_PER_MINUTE)", retry_after=wait)


@dataclass(frozen=True)
class RateLimits:
    """The service's three limits: analyze requests, authoring requests that change something, and those that read."""

    analyze: RateLimiter | None = None
    authoring_posts: RateLimiter | None = None
    authoring_gets: RateLimiter | None = None

    def acquire(self, request: RequestSpec) -> None:
        """Take a slot from the limit this request counts against, or raise RateLimitedError."""
        limiter = self.analyze
        if request.api is Api.AUTHORING:
            limiter = self.authoring_gets if request.method == "GET" else self.authoring_posts
        if limiter is not None:
            limiter.acquire()
