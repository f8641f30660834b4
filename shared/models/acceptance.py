"""Acceptance: a result counts as it is, or is shown to a person, by the rule that a project asks for. Pure.

How the threshold behind it is chosen, when a model is tried, stands in threshold.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field

from shared.documents.record_schema import Decision


class Right(StrEnum):
    """When a result counts as right: every class it names is (all_classes), or it names all true ones too (exact)."""

    ALL_CLASSES = "all_classes"
    EXACT = "exact"


class AcceptanceRule(BaseModel):
    """What a project asks for: accepted results are right in `precision` of all cases, shown with `confidence`."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    precision: float = Field(0.95, gt=0, lt=1)
    confidence: float = Field(0.9, ge=0.5, lt=1)
    right: Right = Right.EXACT


class Threshold(BaseModel):
    """From which confidence on results are accepted, and what that rests on. None accepts nothing.

    `right` of the `accepted` of all golden `documents` were right, so that at least `at_least` are. `documents_needed`
    is about how many golden documents a promise takes, where none could be made and the results give hope for one.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, extra="ignore")

    threshold: float | None
    documents: int
    accepted: int = 0
    right: int = 0
    at_least: float | None = None
    documents_needed: int | None = None


class Acceptance(BaseModel):
    """A rule and the threshold that keeps it for one model. It goes with the active model and with every batch."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="ignore")

    rule: AcceptanceRule
    threshold: Threshold


class Audited(Protocol):
    """Of the results that were accepted and audited since then, how many of how many were right."""

    @property
    def right(self) -> int: ...
    @property
    def of(self) -> int: ...
    @property
    def since(self) -> datetime: ...


class FindsAudited(Protocol):
    """What people decided about audited results of a model since then. Raises StateUnreadableError."""

    def __call__(self, project: str, /, *, model: str, since: datetime, rule: Right) -> Audited | None: ...


def nothing_audited(_project: str, *, model: str, since: datetime, rule: Right) -> Audited | None:  # noqa: ARG001
    """Where no one reviews."""
    return None


def result_confidence(classes: Iterable[float]) -> float | None:
    """How sure a result is: as sure as its least sure class. None for one without classes: nothing says."""
    return min(classes, default=None)


def is_right(true: frozenset[str], answered: frozenset[str], rule: Right) -> bool:
    """Whether a result is right. One without classes names nothing wrong, and is right only where there is no class."""
    if rule is Right.EXACT or not answered:
        return answered == true
    return answered <= true


def decide(threshold: float | None, *, confidence: float | None) -> Decision:
    """A result without a confidence is always shown to a person, and so is everything where nothing is promised."""
    if threshold is None or confidence is None or confidence < threshold:
        return Decision.REVIEW
    return Decision.ACCEPTED


def is_audited(*, name: str, etag: str, model: str, percent: float) -> bool:
    """Whether a result that could be accepted is shown to a person all the same, to see how often such are right.

    The version and the model's label decide, so that writing a record again decides the same.
    """
    digest = hashlib.sha256(repr(("audit", name, etag, model)).encode()).digest()
    return int.from_bytes(digest[:8], "big") < percent / 100 * 2**64
