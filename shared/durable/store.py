"""Where records of one kind are kept: created once, changed only under If-Match, closed by moving them.

FOLDER/open/ID.json              while there are steps to take
FOLDER/closed/YYYY-MM-DD/ID.json  afterwards, by the day the record was created
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Generic, Self, TypeVar

from pydantic import TypeAdapter

from shared.durable.record import Facts, Record
from shared.durable.state import readable
from shared.errors import BlobNotFoundError, RaceLostError, StateUnreadableError, VersionChangedError
from shared.storage.conditional import replace_own
from shared.storage.ports import BlobInfo, BlobStore

R = TypeVar("R", bound=Record)
R_co = TypeVar("R_co", bound=Record, covariant=True)
S = TypeVar("S", bound=Record)
F = TypeVar("F", bound=Facts)

# Closed records of one day that are searched for the newest: what one call lists.
MAX_SEARCHED = 5_000


@dataclass(frozen=True)
class Stored(Generic[R_co]):
    """A record and the ETag it was read or written at; it evolves as one thing and is saved as one thing."""

    record: R_co
    etag: str

    def evolve(self, at: datetime, what: str, **changes: object) -> Self:
        return replace(self, record=self.record.evolve(at, what, **changes))

    def note(self, at: datetime, what: str, **changes: object) -> Self:
        return replace(self, record=self.record.note(at, what, **changes))

    def change(self, **changes: object) -> Self:
        """A copy with `changes` that are not worth a line of history."""
        return replace(self, record=self.record.model_copy(update=changes))


@dataclass(frozen=True)
class Listed(Generic[F]):
    """A record as a listing shows it; `facts` is None where its metadata cannot be read."""

    id: str
    facts: F | None
    last_modified: datetime


class RecordStore(Generic[R, F]):
    """The records below one folder of a container. `record` may be a union of types."""

    def __init__(self, blobs: BlobStore, folder: str, *, record: TypeAdapter[R], facts: type[F]) -> None:
        self._blobs = blobs
        self._open, self._closed = f"{folder}/open/", f"{folder}/closed/"
        self._record, self._facts = record, facts

    def create(self, record: R) -> Stored[R] | None:
        """Create it, If-None-Match; None when a record of that id is open already."""
        try:
            etag = self._blobs.create(self._open_name(record.id), record.to_json(), metadata=_metadata(record))
        except VersionChangedError:
            return None
        return Stored(record, etag)

    def find(self, record_id: str) -> Stored[R] | None:
        """The open record, or None when it is closed or never was. Raises StateUnreadableError."""
        return self._read(self._open_name(record_id))

    def _read(self, name: str) -> Stored[R] | None:
        with readable(name):
            try:
                blob = self._blobs.read(name)
            except BlobNotFoundError:
                return None
            return Stored(self._record.validate_json(blob.data), blob.etag)

    def find_readable(self, record_id: str) -> Stored[R] | None:
        """As `find`, and None for a record that cannot be read: whoever goes over many must not stop at it."""
        try:
            return self.find(record_id)
        except StateUnreadableError:
            return None

    def save(self, stored: Stored[S]) -> Stored[S]:
        """Replace it under its ETag. Raises RaceLostError when it was changed since it was read."""
        record = stored.record
        name, data, metadata = self._open_name(record.id), record.to_json(), _metadata(record)
        try:
            with readable(name):
                etag = replace_own(self._blobs, name, data, etag=stored.etag, metadata=metadata)
        except VersionChangedError as error:
            raise RaceLostError(record.id) from error
        return Stored(record, etag)

    def close(self, stored: Stored[R]) -> None:
        """Write it to `closed`, then remove the open one. A crash in between repeats both."""
        record = stored.record
        closed, data = self._closed_name(record.id, record.created.date()), record.to_json()
        with readable(closed):
            self._blobs.put(closed, data, metadata=_metadata(record))
        self._blobs.delete(self._open_name(record.id), etag=stored.etag)

    def discard(self, stored: Stored[R]) -> None:
        """Remove an open record that never came to take a step."""
        self._blobs.delete(self._open_name(stored.record.id), etag=stored.etag)

    def remove_unreadable(self, record_id: str) -> None:
        """Remove an open record of which there is one at a time, and which cannot be read: its work begins again."""
        self._blobs.delete(self._open_name(record_id))

    def list_open(self) -> Iterator[Listed[F]]:
        """By id, 5,000 a call."""
        return (self._listed(info) for info in self._blobs.list(self._open, metadata=True))

    def find_closed(self, record_id: str, days: Iterable[date]) -> R | None:
        """A closed record created on one of `days`; one call for each day until it is found."""
        for day in days:
            stored = self._read(self._closed_name(record_id, day))
            if stored is not None:
                return stored.record
        return None

    def list_closed(self, count: int, days: Iterable[date]) -> tuple[list[Listed[F]], bool]:
        """The `count` last closed of `days`, newest day first; one call for each day until there are enough.

        False means that a day has more than MAX_SEARCHED, of which the first by id were looked at.
        """
        found: list[BlobInfo] = []
        is_all = True
        for day in days:
            infos, is_all_of_day = self._closed_on(day)
            is_all = is_all and is_all_of_day
            found += heapq.nlargest(count, infos, key=lambda info: info.last_modified)
            if len(found) >= count:
                break
        return [self._listed(info) for info in found[:count]], is_all

    def list_closed_on(self, day: date) -> tuple[list[Listed[F]], bool]:
        """Those created on a day, by id; one call. False means that it has more than MAX_SEARCHED, which these are."""
        infos, is_all = self._closed_on(day)
        return [self._listed(info) for info in infos], is_all

    def _closed_on(self, day: date) -> tuple[list[BlobInfo], bool]:
        infos = list(islice(self._blobs.list(f"{self._closed}{day.isoformat()}/", metadata=True), MAX_SEARCHED))
        return infos, len(infos) < MAX_SEARCHED

    def list_all_closed(self) -> Iterator[Listed[F]]:
        """Every closed record, oldest day first, 5,000 a call."""
        return (self._listed(info) for info in self._blobs.list(self._closed, metadata=True))

    def _open_name(self, record_id: str) -> str:
        return f"{self._open}{record_id}.json"

    def _closed_name(self, record_id: str, day: date) -> str:
        return f"{self._closed}{day.isoformat()}/{record_id}.json"

    def _listed(self, info: BlobInfo) -> Listed[F]:
        record_id = info.name.rsplit("/", 1)[-1].removesuffix(".json")
        return Listed(record_id, self._facts.read(info.metadata), info.last_modified)


def _metadata(record: Record) -> dict[str, str]:
    return record.facts().to_metadata()


def newest_days(now: datetime, count: int) -> Iterator[date]:
    """Today and the days before it, in UTC, newest first."""
    return (now.date() - timedelta(days=back) for back in range(count))
