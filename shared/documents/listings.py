"""Documents matched with their records: sorted listings are joined by name, a few entries in memory. Pure.

Listings are sorted by name, but `a.txt` and `a.txt.b.txt` change order once `.json` is appended, so documents pass
through a reorder buffer. It holds only documents whose name is a prefix of the next one's (and names too long for the
suffix, as long as they share a prefix).

The whole can be left at any document and gone on with later: the place is each listing's page, the document that was
read last, and what the buffer holds.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from shared.documents.ref import KEPT_OF_LONG_NAMES, record_name
from shared.storage.ports import BlobInfo, Page

Held: TypeAlias = list[tuple[bytes, int, str, BlobInfo]]
"""The reorder buffer: a heap of documents by the order of their record names."""


@dataclass
class Cursor:
    """A sorted listing, read a page at a time. `token` is where the present page began, and `after` the last entry that
    was done with: the one given out last counts only when the next is asked for."""

    read: Callable[[str | None], Page]
    token: str | None = None
    after: str | None = None

    def __iter__(self) -> Iterator[BlobInfo]:
        while True:
            page = self.read(self.token)
            for info in page.infos:
                if self.after is not None and not precedes(self.after, other=info.name):
                    continue
                yield info
                self.after = info.name
            if page.token is None:
                return
            self.token = page.token


def by_record_name(documents: Iterable[BlobInfo], held: Held | None = None) -> Iterator[tuple[str, BlobInfo]]:
    """Documents, sorted by name, as (record name, document) sorted by record name. `held` is the buffer."""
    held = [] if held is None else held
    for document in documents:
        # Every record name from here on sorts after this prefix of the document's own name.
        reached = _order(document.name[:KEPT_OF_LONG_NAMES])
        while held and held[0][0] <= reached:
            yield heapq.heappop(held)[2:]
        hold(held, document)
    while held:
        yield heapq.heappop(held)[2:]


def hold(held: Held, document: BlobInfo) -> None:
    """Put a document into the buffer."""
    name = record_name(document.name)
    heapq.heappush(held, (_order(name), len(held), name, document))


def _order(name: str) -> bytes:
    """Listings are sorted by UTF-16 code units: an emoji precedes a full-width letter, unlike in Python."""
    return name.encode("utf-16-be", "surrogatepass")


def precedes(name: str, *, other: str) -> bool:
    """Does storage list `name` before `other`?"""
    if name.isascii() and other.isascii():  # nearly all are, and most of a walk is comparing them
        return name < other
    return _order(name) < _order(other)


def match_records(
    documents: Iterable[BlobInfo], *records: Iterable[BlobInfo], held: Held | None = None
) -> Iterator[tuple[BlobInfo, list[BlobInfo | None]]]:
    """Each document with its record in each of the listings, or None. Records of deleted documents are skipped."""
    streams = [_Stream(iter(listing)) for listing in records]
    held = [] if held is None else held
    for name, document in by_record_name(documents, held):
        try:
            found = [stream.at(name) for stream in streams]
        except BaseException:  # a page could not be read: the document is still to be matched
            hold(held, document)
            raise
        yield document, found


class _Stream:
    """A sorted listing that is advanced to each name asked for."""

    def __init__(self, infos: Iterator[BlobInfo]) -> None:
        self._infos = infos
        self._head = next(infos, None)

    def at(self, name: str) -> BlobInfo | None:
        while self._head is not None and self._head.name != name and precedes(self._head.name, other=name):
            self._head = next(self._infos, None)
        return self._head if self._head is not None and self._head.name == name else None
