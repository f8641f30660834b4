"""What every body has in common: how it becomes JSON, and the problem that an error becomes (RFC 9457)."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class Body(BaseModel):
    """Base of all answers."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, protected_namespaces=())

    def to_members(self) -> dict[str, Any]:
        """The members as JSON knows them."""
        return self.model_dump(mode="json", by_alias=True)


class ProblemPlace(Body):
    """What is wrong with a request or a labels file, and its place, as `documents[3].intents[1]`."""

    place: str
    what: str


class Problem(Body):
    """application/problem+json: what happened, to what, and what to do next. Members without a value are left out."""

    title: str
    status: int
    detail: str
    code: str | None = None
    name: str | None = None
    documents: int | None = None
    operation: str | None = None
    problems: list[ProblemPlace] | None = None

    def to_members(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_none=True)
