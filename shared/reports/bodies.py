"""What every body has in common: how it becomes JSON, and the problem that an error becomes (RFC 9457)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from shared.errors import QUOTED_CHARACTERS, InputProblem

# Listings for people are bounded: one call each.
LISTED = 5_000
LISTED_PROBLEMS = 100


class Body(BaseModel):
    """Base of all answers."""

    model_config = ConfigDict(defer_build=True, frozen=True, populate_by_name=True, protected_namespaces=())

    def to_members(self) -> dict[str, Any]:
        """The members as JSON knows them."""
        return self.model_dump(mode="json", by_alias=True)


class ProblemPlace(Body):
    """What is wrong with a request or a labels file, and its place, as `documents[3].intents[1]`."""

    place: str
    what: str


class Problem(Body):
    """application/problem+json: what happened, to what, and what to do next. Members without a value are left out.

    `problems` are 100 at most; `more` counts the others.
    """

    title: str
    status: int
    detail: str
    code: str | None = None
    name: str | None = None
    documents: int | None = None
    operation: str | None = None
    problems: list[ProblemPlace] | None = None
    more: int | None = None

    def to_members(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_none=True)


def place_list(problems: Sequence[InputProblem]) -> tuple[list[ProblemPlace], int]:
    """The first 100 of them, and how many more there are."""
    listed = [ProblemPlace(place=each.place[:QUOTED_CHARACTERS], what=each.what) for each in problems[:LISTED_PROBLEMS]]
    return listed, len(problems) - len(listed)
