"""Which documents may have a failure record: what a process knows of it without asking for each document.

A classification removes the failure record that it outlives, and nearly no document has one. So the names are listed,
once a minute for all batches of a process and 20,000 at most, and those that this process writes are added. What
another process wrote in that minute is not known here; reconcile removes it. See decision 0021 in docs/decisions.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from itertools import islice

from shared.documents.listings import precedes
from shared.storage.ports import BlobStore

LISTED_FOR = timedelta(minutes=1)
# Four calls, and some 400 ms of CPU. Of names beyond them nothing is known, so they are looked up one by one.
MAX_LISTED = 20_000


class FailureNames:
    """The names of the failure records in a container, by their hashes. Shared between threads."""

    def __init__(self, failures: BlobStore, clock: Callable[[], datetime]) -> None:
        self._failures, self._clock = failures, clock
        self._lock = threading.Lock()
        self._listed: set[int] = set()
        self._written: set[int] = set()
        self._last: str | None = None
        self._listed_at: datetime | None = None

    def written(self, name: str) -> None:
        """Take note of a record. Before it is written: whoever asks after its own write must not miss it."""
        with self._lock:
            self._written.add(hash(name))

    def which_may_exist(self, names: Iterable[str]) -> list[str]:
        """Those of `names` that may have a failure record. One call for each 5,000 failure records, once a minute."""
        with self._lock:
            now = self._clock()
            # A clock that was set back must not let old names pass for an hour.
            if self._listed_at is None or not timedelta(0) <= now - self._listed_at < LISTED_FOR:
                self._list(now)
            return [name for name in names if self._may_exist(name)]

    def _may_exist(self, name: str) -> bool:
        beyond = self._last is not None and precedes(self._last, other=name)
        return beyond or hash(name) in self._listed or hash(name) in self._written

    def _list(self, now: datetime) -> None:
        names = [info.name for info in islice(self._failures.list(), MAX_LISTED + 1)]
        # What was noted before may have been written too late for this listing; the next one shows it.
        self._listed, self._written = {hash(name) for name in names} | self._written, set()
        self._last = names[MAX_LISTED - 1] if len(names) > MAX_LISTED else None
        self._listed_at = now
