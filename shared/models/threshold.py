"""The threshold: from which confidence on results are right as often as a project asks. Pure.

It is chosen on golden documents that the model has classified and was not trained on. Confidences of a grid
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

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from shared.models.acceptance import AcceptanceRule, Threshold
from shared.models.statistics import binomial_cdf, lower_bound, normal_quantile

# Of confidence, from the surest down.
GRID = tuple(percent / 100 for percent in range(99, 0, -1))
# How many results may be wrong where a sequence starts.
WRONG_AT_START = (0, 2)
# Fewer golden documents than this promise nothing, whatever they show.
MIN_DOCUMENTS = 30


@dataclass(frozen=True)
class GoldenResult:
    """A golden document as a model classified it: how sure the result is, and whether it is right."""

    confidence: float
    is_right: bool


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
