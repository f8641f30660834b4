"""Which documents share a job. Pure.

Sizes are bytes of the blob, known before download; UTF-8 bytes are never fewer than code points, and code points never
fewer than the service's text elements, so a job packed by bytes never exceeds the service's limit. (UTF-16 is read with
half as many code points as bytes; single-byte encodings with as many.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from shared.documents import MAX_CHARACTERS_PER_JOB, MAX_DOCUMENTS_PER_JOB


class Sized(Protocol):
    @property
    def size(self) -> int: ...


S = TypeVar("S", bound=Sized)


def pack(items: Sequence[S]) -> tuple[list[list[S]], list[S]]:
    """Full jobs, and the rest that may still grow.

    An item over the limit is a job of its own. A job is full with 25 items, or when the next item does not fit.
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
