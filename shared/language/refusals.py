"""A refused credential (401, 403) refuses every job alike: one request a minute notices that it works again.

Only in the prediction half, where many jobs ask; who mends a role and repeats an authoring call is not kept waiting.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

from shared.errors import LanguageAccessError
from shared.language.dialects.base import Half

PAUSE = timedelta(seconds=60)
# While one request finds out whether the credential works again, the others wait this long.
PROBE = timedelta(seconds=10)


class Refusals:
    """Remembers the last refusal of this process. Safe to share between threads."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._error: LanguageAccessError | None = None
        self._until = 0.0

    def mind(self, half: Half) -> None:
        """Raise the refusal again, without a request, unless it is time to ask once more."""
        with self._lock:
            if half is not Half.PREDICTION or self._error is None:
                return
            left = self._until - self._clock()
            if left <= 0:
                self._until = self._clock() + PROBE.total_seconds()
                return
            error = self._error
        raise LanguageAccessError(str(error), status_code=error.status_code, retry_after=timedelta(seconds=left))

    def note(self, half: Half, error: Exception | None) -> None:
        """What an answer says about the credential."""
        if half is not Half.PREDICTION:
            return
        with self._lock:
            self._error = error if isinstance(error, LanguageAccessError) else None
            if self._error:
                self._until = self._clock() + (self._error.retry_after or PAUSE).total_seconds()
