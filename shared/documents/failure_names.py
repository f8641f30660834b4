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
    """The names of the failure records in a container, by their hashes. Shared between threads.

    One thread lists, outside the lock; the others go on meanwhile with what was known before.
    """

    def __init__(self, failures: BlobStore, clock: Callable[[], datetime]) -> None:
        self._failures, self._clock = failures, clock
        self._lock = threading.Lock()
        self._is_listing = False
        self._listed_at: datetime | None = None
        self._listed: set[int] = set()
        self._last: str | None = None
        self._written: set[int] = set()
        # Written before the listing under way began, perhaps too late for it. The next one shows them.
        self._before: set[int] = set()

    def written(self, name: str) -> None:
        """Take note of a record. Before it is written: whoever asks after its own write must not miss it."""
        with self._lock:
            self._written.add(hash(name))

    def which_may_exist(self, names: Iterable[str]) -> list[str]:
        """Those of `names` that may have a failure record. One call for each 5,000 failure records, once a minute."""
        if self._begins_to_list():
            try:
                self._list()
            finally:
                self._is_listing = False
        with self._lock:
            return [name for name in names if self._may_exist(name)]

    def _begins_to_list(self) -> bool:
        now = self._clock()
        with self._lock:
            # A clock that was set back must not let old names pass for an hour.
            is_fresh = self._listed_at is not None and timedelta(0) <= now - self._listed_at < LISTED_FOR
            if is_fresh or self._is_listing:
                return False
            self._is_listing = True
            self._before |= self._written
            self._written = set()
            return True

    def _list(self) -> None:
        now = self._clock()
        names = [info.name for info in islice(self._failures.list(), MAX_LISTED + 1)]
        listed = {hash(name) for name in names}
        with self._lock:
            self._listed, self._before = listed | self._before, set()
            self._last = names[MAX_LISTED - 1] if len(names) > MAX_LISTED else None
            self._listed_at = now

    def _may_exist(self, name: str) -> bool:
        if self._listed_at is None:  # the first listing is under way
            return True
        beyond = self._last is not None and precedes(self._last, other=name)
        return beyond or any(hash(name) in known for known in (self._listed, self._before, self._written))
