"""What each of the Language service's two APIs makes this process wait for: its reason, since when, until when."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.errors import RetryableError
from shared.language.apis.base import Api

# Without a word of the service how long to wait, and after the time it gave, a wait is reported for this long.
FORGOTTEN_AFTER = timedelta(minutes=10)


@dataclass(frozen=True)
class LanguageWait:
    """`reason` is the error's code; `until` is None where the service does not say."""

    api: Api
    reason: str
    since: datetime
    until: datetime | None
    last: datetime


class LanguageWaits:
    """The newest refusal of each API, until the next answer. Safe to share between threads."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._found: dict[Api, LanguageWait] = {}

    def record(self, api: Api, error: RetryableError | None) -> None:
        """Take note of a request that could not be answered now, or, without an error, of an answer."""
        with self._lock:
            known = self._found.pop(api, None)
            if error is None:
                return
            now = self._clock()
            is_same = known is not None and known.reason == error.code and not _is_over(known, now)
            self._found[api] = LanguageWait(
                api=api,
                reason=error.code,
                since=known.since if known is not None and is_same else now,
                until=None if error.retry_after is None else now + error.retry_after,
                last=now,
            )

    def find(self) -> list[LanguageWait]:
        now = self._clock()
        with self._lock:
            return [each for each in self._found.values() if not _is_over(each, now)]


def _is_over(wait: LanguageWait, now: datetime) -> bool:
    return now - max(wait.last, wait.until or wait.last) > FORGOTTEN_AFTER
