"""Holds requests back while the service refuses our credential (401, 403), which it then does for every request alike.

Only for the prediction API, which many batches call. An authoring request is sent at once, because a person may be
waiting for it who has just restored a role.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

from shared.errors import LanguageAccessError

PAUSE_AFTER_REFUSAL = timedelta(seconds=60)
# How long the others wait while one request finds out whether the credential works again.
WAIT_FOR_PROBE = timedelta(seconds=10)


class CircuitBreaker:
    """Remembers this process's last refusal and lets one request a minute through. Safe to share between threads."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._refusal: LanguageAccessError | None = None
        self._open_until = 0.0

    def check(self) -> None:
        """Raise the last refusal again, unless there is none or it is time for a probe."""
        with self._lock:
            if self._refusal is None:
                return
            now = self._clock()
            left = self._open_until - now
            if left <= 0:
                self._open_until = now + WAIT_FOR_PROBE.total_seconds()
                return
            refusal = self._refusal
        raise LanguageAccessError(str(refusal), status_code=refusal.status_code, retry_after=timedelta(seconds=left))

    def record(self, error: Exception | None) -> None:
        """Take note of an answer: its error, or None for a success. Any answer but a refusal closes the circuit."""
        with self._lock:
            self._refusal = error if isinstance(error, LanguageAccessError) else None
            if self._refusal:
                pause = self._refusal.retry_after or PAUSE_AFTER_REFUSAL
                self._open_until = self._clock() + pause.total_seconds()
