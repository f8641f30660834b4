"""Documents matched with their records: sorted listings are joined by name, a few entries in memory. Pure.

Listings are sorted by name, but `a.txt` and `a.txt.b.txt` change order once `.json` is appended, so documents pass
through a reorder buffer. It holds only documents whose name is a prefix of the next one's (and names too long for the
suffix, as long as they share a prefix).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator

from shared.documents.ref import KEPT_OF_LONG_NAMES, record_name
from shared.storage.ports import BlobInfo


def by_record_name(documents: Iterable[BlobInfo]) -> Iterator[tuple[str, BlobInfo]]:
    """Documents, sorted by name, as (record name, document) sorted by record name."""
    held: list[tuple[bytes, int, str, BlobInfo]] = []
    for number, document in enumerate(documents):
        # Every record name from here on sorts after this prefix of the document's own name.
        reached = _order(document.name[:KEPT_OF_LONG_NAMES])
        while held and held[0][0] <= reached:
            yield heapq.heappop(held)[2:]
        name = record_name(document.name)
        heapq.heappush(held, (_order(name), number, name, document))
    while held:
        yield heapq.heappop(held)[2:]


def _order(name: str) -> bytes:
    """Listings are sorted by UTF-16 code units: an emoji precedes a full-width letter, unlike in Python."""
    return name.encode("utf-16-be", "surrogatepass")


def match_records(
    documents: Iterable[BlobInfo], *records: Iterable[BlobInfo]
) -> Iterator[tuple[BlobInfo, list[BlobInfo | None]]]:
    """Each document with its record in each of the listings, or None. Records of deleted documents are skipped."""
    streams = [_Stream(iter(listing)) for listing in records]
    for name, document in by_record_name(documents):
        yield document, [stream.at(name) for stream in streams]


class _Stream:
    """A sorted listing that is advanced to each name asked for."""

    def __init__(self, infos: Iterator[BlobInfo]) -> None:
        self._infos = infos
        self._head = next(infos, None)

    def at(self, name: str) -> BlobInfo | None:
        while self._head is not None and _order(self._head.name) < _order(name):
            self._head = next(self._infos, None)
        return self._head if self._head is not None and self._head.name == name else None
