"""Which documents share a batch. Pure.

Sizes are bytes of the blob, known before download. UTF-8 text never has more code points than bytes, and never more of
the service's text elements than code points, so a batch packed by bytes never exceeds the service's limit for a job.
(UTF-16 has half as many code points as bytes, single-byte encodings as many.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from shared.documents.ref import MAX_CHARACTERS_PER_JOB, MAX_DOCUMENTS_PER_JOB


class Sized(Protocol):
    @property
    def size(self) -> int: ...


S = TypeVar("S", bound=Sized)


def pack(items: Sequence[S]) -> tuple[list[list[S]], list[S]]:
    """Full batches, and the rest that may still grow.

    A batch is full with 25 items, or when the next item does not fit. An item over the limit is a batch of its own.
    """
    full: list[list[S]] = []
    rest: list[S] = []
    for item in items:
        if item.size > MAX_CHARACTERS_PER_JOB:
            full.append([item])
            continue
        if sum(other.size for other in rest) + item.size > MAX_CHARACTERS_PER_JOB:
            full.append(rest)
            rest = []
        rest.append(item)
        if len(rest) == MAX_DOCUMENTS_PER_JOB:
            full.append(rest)
            rest = []
    return full, rest
