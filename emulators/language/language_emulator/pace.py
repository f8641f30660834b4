"""The optional rate limit: so many requests in any sixty seconds, for each half of the API."""

from __future__ import annotations

import math
from collections import deque
from datetime import datetime, timedelta
from threading import Lock

from language_emulator.clock import Clock
from language_emulator.settings import EmulatorSettings

WINDOW = timedelta(seconds=60)


class Pace:
    """Counts accepted requests only: a refused one does not push the wait further away."""

    def __init__(self, settings: EmulatorSettings, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._limits = {"analyze": settings.requests_per_minute, "authoring": settings.authoring_requests_per_minute}
        self._taken: dict[str, deque[datetime]] = {half: deque() for half in self._limits}

    def seconds_to_wait(self, half: str) -> int | None:
        """Take one request of `half`; or, over the limit, the whole seconds until one is free again."""
        limit = self._limits[half]
        if limit is None:
            return None
        with self._lock:
            now, taken = self._clock.now(), self._taken[half]
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
