"""Acceptance: from which confidence on results are right as often as a project asks. Pure.

The threshold is chosen on golden documents that the model has classified and was not trained on. Confidences of a grid
that is fixed beforehand are tested from the surest down. At each, the exact binomial test asks whether the results
accepted from there on are right often enough, and the first that fails ends the sequence: so the chance that *any* of
the thresholds that passed breaks the promise stays below 1 - confidence (fixed-sequence testing; Angelopoulos, Bates,
Candes, Jordan and Lei, Learn then Test, 2021, section 3). The first confidences of the grid accept too few documents to
pass whatever they show, so a sequence starts where enough are accepted, which depends on the confidences alone and not
on what is right. There are two starts, which share the allowed chance equally: one for which no result may be wrong,
and one that two wrong ones do not end.

The promise holds for documents that are like the golden ones.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field

from shared.documents.record_schema import Decision
from shared.models.statistics import Classes, binomial_cdf, lower_bound, normal_quantile

# Of confidence, from the surest down.
GRID = tuple(percent / 100 for percent in range(99, 0, -1))
# How many results may be wrong where a sequence starts.
WRONG_AT_START = (0, 2)
# Fewer golden documents than this promise nothing, whatever they show.
MIN_DOCUMENTS = 30


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


@dataclass(frozen=True)
class GoldenResult:
    """A golden document as a model classified it: how sure the result is, and whether it is right."""

    confidence: float
    is_right: bool


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


def is_right(true: Classes, answered: Classes, rule: Right) -> bool:
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


def choose_threshold(results: Sequence[GoldenResult], rule: AcceptanceRule) -> Threshold:
    """The lowest confidence from which on the rule is kept, as far as the golden documents can show."""
    steps = _steps(results)
    chance = (1 - rule.confidence) / len(WRONG_AT_START)
    passed = [
        index
        for wrong in WRONG_AT_START
        for index in _passed(steps, precision=rule.precision, chance=chance, wrong_at_start=wrong)
    ]
    if len(results) < MIN_DOCUMENTS or not passed:
        return Threshold(threshold=None, documents=len(results), documents_needed=_needed(steps, len(results), rule))
    confidence, right, accepted = steps[max(passed)]
    return Threshold(
        threshold=confidence,
        documents=len(results),
        accepted=accepted,
        right=right,
        at_least=lower_bound(right, of=accepted, confidence=rule.confidence),
    )


@lru_cache(maxsize=128)
def least_documents(precision: float, *, chance: float, wrong: int) -> int:
    """How many results must be accepted for `wrong` wrong ones to leave the promise standing.

    `chance` is that of promising `precision` where results are right less often. For 0.95, 0.1 and none wrong: 45.
    """
    low, high = wrong + 1, 2 * (wrong + 1)
    while binomial_cdf(wrong, of=high, share=1 - precision) > chance:
        low, high = high, 2 * high
    while low < high:
        middle = (low + high) // 2
        if binomial_cdf(wrong, of=middle, share=1 - precision) > chance:
            low = middle + 1
        else:
            high = middle
    return low


# Confidence, how many of the results from there on are right, and how many there are.
_Step = tuple[float, int, int]


def _steps(results: Sequence[GoldenResult]) -> list[_Step]:
    surest_first = sorted(results, key=lambda result: -result.confidence)
    steps, right, accepted = [], 0, 0
    for confidence in GRID:
        while accepted < len(surest_first) and surest_first[accepted].confidence >= confidence:
            right += surest_first[accepted].is_right
            accepted += 1
        steps.append((confidence, right, accepted))
    return steps


def _passed(steps: Sequence[_Step], *, precision: float, chance: float, wrong_at_start: int) -> list[int]:
    """The steps of one sequence that pass, up to the first that does not."""
    enough = least_documents(precision, chance=chance, wrong=wrong_at_start)
    passed: list[int] = []
    for index, (_, right, accepted) in enumerate(steps):
        if accepted < enough:
            continue
        if binomial_cdf(accepted - right, of=accepted, share=1 - precision) > chance:
            break
        passed.append(index)
    return passed


def _needed(steps: Sequence[_Step], documents: int, rule: AcceptanceRule) -> int | None:
    """About how many golden documents would show what these suggest; None where they suggest nothing.

    Of the thresholds whose results so far are right more often than asked, the one that takes the fewest: documents are
    added in the same proportions until the bound (by the normal approximation) is high enough.
    """
    chance = (1 - rule.confidence) / len(WRONG_AT_START)
    quantile, floor = normal_quantile(1 - chance), least_documents(rule.precision, chance=chance, wrong=0)
    totals = [max(MIN_DOCUMENTS, floor)] if documents < max(MIN_DOCUMENTS, floor) else []
    for _, right, accepted in steps:
        # One wrong result is added: few documents of which none is wrong must not promise the impossible.
        wrong = (accepted - right + 1) / (accepted + 1)
        room = 1 - rule.precision - wrong
        if accepted and room > 0:
            wanted = max(quantile**2 * wrong * (1 - wrong) / room**2, floor)
            totals.append(math.ceil(wanted * documents / accepted))
    return max(min(totals), MIN_DOCUMENTS, documents + 1) if totals else None
