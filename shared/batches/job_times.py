"""How long the service's jobs took lately, and so when a look at a new one is worth its request.

A hint of one process, learned from the answers it reads: a process that has seen none goes by the schedule.
"""

from __future__ import annotations

import threading
from collections import deque
from datetime import timedelta

from shared.durable.steps import LONGEST_WAIT
from shared.language.values import AnalyzeJob

# Enough to outweigh one job that was slow, few enough to notice soon that the service has become slower or faster.
REMEMBERED = 9


class JobTimes:
    """The median of the last jobs, in the service's own times. Those have whole seconds, one of which may be too many
    or too few; where a first look came too early, the next one comes a second later."""

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=REMEMBERED)
        self._lock = threading.Lock()

    def note(self, job: AnalyzeJob) -> None:
        """Learn from a job that has ended."""
        if job.created is None or job.updated is None:
            return
        with self._lock:
            self._seconds.append((job.updated - job.created).total_seconds())

    def expected(self) -> timedelta:
        """From a job's submission to its end; 0 while none was seen, and 5 seconds at most: a service that was slow for
        a while must not keep its later jobs waiting."""
        with self._lock:
            # As statistics.median_low, whose module would cost every start a few milliseconds.
            seconds = sorted(self._seconds)[(len(self._seconds) - 1) // 2] if self._seconds else 0.0
        return min(max(timedelta(seconds=seconds), timedelta(0)), LONGEST_WAIT)
