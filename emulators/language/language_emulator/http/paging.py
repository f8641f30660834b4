"""Pages of a list: results of classification jobs and the lists of the GA authoring API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Query

from language_emulator import errors
from language_emulator.limits import PAGE_MAXIMUM

T = TypeVar("T")

# Not documented; the next link of a published example counts down from the largest 32-bit number.
ENDLESS = 2_147_483_647
AUTHORING_PAGE = 100


@dataclass(frozen=True)
class Page:
    """`size` entries after the first `skip`, and of this and all later pages together no more than `limit`."""

    size: int
    skip: int
    limit: int = ENDLESS

    def of(self, entries: Sequence[T]) -> list[T]:
        return list(entries[self.skip : self.skip + min(self.size, self.limit)])

    def following(self, count: int) -> Page | None:
        """The next page of a list of `count` entries; None at its end."""
        shown = min(self.size, self.limit)
        if shown == self.limit or self.skip + shown >= count:
            return None
        return Page(self.size, self.skip + shown, self.limit - shown)


def read_results_page(top: int | None, skip: int | None, *, default: int) -> Page:
    """Of a classification job: `top` is the size of a page."""
    if top is not None and not 1 <= top <= PAGE_MAXIMUM:
        raise errors.parameter_invalid("top", f"it must be 1 to {PAGE_MAXIMUM}")
    if skip is not None and skip < 0:
        raise errors.parameter_invalid("skip", "it must not be negative")
    return Page(default if top is None else top, skip or 0)


def read_authoring_page(
    top: Annotated[int | None, Query()] = None,
    skip: Annotated[int, Query()] = 0,
    maxpagesize: Annotated[int | None, Query()] = None,
) -> Page:
    """Of an authoring list: `top` limits the whole list, `maxpagesize` a page."""
    if (top is not None and top < 0) or skip < 0 or (maxpagesize is not None and maxpagesize < 1):
        raise errors.parameter_invalid("top, skip, maxpagesize", "they must not be negative")
    return Page(maxpagesize or AUTHORING_PAGE, skip, ENDLESS if top is None else top)
