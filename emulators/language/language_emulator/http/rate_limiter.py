"""The optional rate limits: so many requests in any sixty seconds."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from threading import Lock

from language_emulator.clock import Clock

WINDOW = timedelta(seconds=60)


class RateLimiter:
    """Counts accepted requests only: a refused one does not push the wait further away."""

    def __init__(self, limits: Mapping[str, int | None], clock: Clock) -> None:
        """The limit of each API by its name; None is no limit."""
        self._clock = clock
        self._lock = Lock()
        self._limits = dict(limits)
        self._taken: dict[str, deque[datetime]] = {api: deque() for api in self._limits}

    def acquire(self, api: str) -> int | None:
        """Take one request of `api`; or, over the limit, the whole seconds until one is free again."""
        limit = self._limits[api]
        if limit is None:
            return None
        with self._lock:
            now, taken = self._clock.now(), self._taken[api]
            while taken and taken[0] <= now - WINDOW:
                taken.popleft()
            if len(taken) < limit:
                taken.append(now)
                return None
            return max(1, math.ceil((taken[0] + WINDOW - now).total_seconds()))

    def clear(self) -> None:
        with self._lock:
            for taken in self._taken.values():
                taken.clear()
