"""Documents matched with their terminal records: sorted listings merged by name in O(1) memory. Pure.

Listings are sorted by name, but `a.txt` and `a.txt.b.txt` change order once `.json` is appended, so documents pass a
reorder buffer first. It holds only documents whose name the next one begins with.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator

from shared.documents import record_name
from shared.storage.ports import BlobInfo


def by_record_name(documents: Iterable[BlobInfo]) -> Iterator[tuple[str, BlobInfo]]:
    """Documents, sorted by name, as (record name, document) sorted by record name."""
    held: list[tuple[str, int, BlobInfo]] = []
    for number, document in enumerate(documents):
        # Whatever comes from here on has a record name above this document's own name.
        while held and held[0][0] <= document.name:
            name, _, released = heapq.heappop(held)
            yield name, released
        heapq.heappush(held, (record_name(document.name), number, document))
    while held:
        name, _, released = heapq.heappop(held)
        yield name, released


def match_records(
    documents: Iterable[BlobInfo], *records: Iterable[BlobInfo]
) -> Iterator[tuple[BlobInfo, list[BlobInfo | None]]]:
    """Each document with its record in each of the listings, or None. Records of deleted documents are passed over."""
    streams = [_Stream(iter(listing)) for listing in records]
    for name, document in by_record_name(documents):
        yield document, [stream.at(name) for stream in streams]


class _Stream:
    """A sorted listing, advanced to the names it is asked for."""

    def __init__(self, infos: Iterator[BlobInfo]) -> None:
        self._infos = infos
        self._head = next(infos, None)

    def at(self, name: str) -> BlobInfo | None:
        while self._head is not None and self._head.name < name:
            self._head = next(self._infos, None)
        return self._head if self._head is not None and self._head.name == name else None
