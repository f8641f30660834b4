"""Pages of the GA authoring lists: `top` items in all after `skip`, at most `maxpagesize` on a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Query

from language_emulator import errors

# Not documented; the example's next link counts down from the largest 32-bit number.
ENDLESS = 2_147_483_647
DEFAULT_PAGE = 100


@dataclass(frozen=True)
class Window:
    """The part of a list a client asked for."""

    top: int
    skip: int
    page_size: int

    def of(self, entries: Sequence[Any]) -> list[Any]:
        return list(entries[self.skip : self.skip + min(self.top, self.page_size)])

    def following(self, entries: Sequence[Any]) -> dict[str, int] | None:
        """The query of the next page, in the form of the published example; None at the end."""
        shown = len(self.of(entries))
        if shown == self.top or self.skip + shown >= len(entries):
            return None
        return {"top": self.top - shown, "skip": self.skip + shown, "maxpagesize": self.page_size}


def read_window(
    top: Annotated[int | None, Query()] = None,
    skip: Annotated[int, Query()] = 0,
    maxpagesize: Annotated[int | None, Query()] = None,
) -> Window:
    if (top is not None and top < 0) or skip < 0 or (maxpagesize is not None and maxpagesize < 1):
        raise errors.parameter_invalid("top, skip, maxpagesize", "they must not be negative")
    return Window(ENDLESS if top is None else top, skip, maxpagesize or DEFAULT_PAGE)
