"""How often results of a confidence are right, learned from a trial, and what that says of results whose truth is not
known. Pure.

Confidences are taken by tenths, because that is how closed batches count them. In each tenth the trial shows how many
results are right. Neighbours that are out of order, the surer one right less often, are chance, and are pooled:
isotonic regression by pooling adjacent violators (Ayer, Brunk, Ewing, Reid and Silverman, An empirical distribution
function for sampling with incomplete information, Annals of Mathematical Statistics 26, 1955). The estimate for other
documents is the mean over their confidences. That holds as long as a confidence means what it meant in the trial,
however the confidences themselves have moved. Tests compare both steps with scikit-learn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.models.acceptance import MIN_DOCUMENTS, Right, is_right, result_confidence
from shared.models.trial import Trial, TrialDocument

TENTHS = 10


def tenth_of(confidence: float) -> int:
    """0 for confidences below 0.1, and so on; 9 for 0.9 and all above."""
    return min(max(int(confidence * TENTHS), 0), TENTHS - 1)


@dataclass(frozen=True)
class Calibration:
    """The share of results that are right, by tenth of confidence, and of those without a class."""

    by_tenth: tuple[float, ...]
    without_class: float

    def accuracy(self, confidence: Sequence[int], *, documents: int) -> float | None:
        """The share of `documents` that are right, of which `confidence` counts by tenth those with a class; None where
        there are none."""
        if not documents:
            return None
        right = sum(number * share for number, share in zip(confidence, self.by_tenth, strict=True))
        return (right + (documents - sum(confidence)) * self.without_class) / documents


def calibrate(trial: Trial) -> Calibration | None:
    """None where fewer than MIN_DOCUMENTS golden documents were answered, or none of them with a class."""
    answered = trial.answered
    right, documents = [0] * TENTHS, [0] * TENTHS
    right_without = without = 0
    for document in answered:
        sure = result_confidence(each.confidence for each in document.classes)
        if sure is None:
            without += 1
            right_without += _is_right(document)
        else:
            documents[tenth_of(sure)] += 1
            right[tenth_of(sure)] += _is_right(document)
    if len(answered) < MIN_DOCUMENTS or not any(documents):
        return None
    return Calibration(_by_tenth(right, documents), right_without / without if without else 0.0)


def rising_shares(right: Sequence[int], *, of: Sequence[int]) -> list[float]:
    """The shares nearest to `right` out of `of`, each 1 at least, by weighted squares, that never fall."""
    pools: list[tuple[int, int, int]] = []  # right, documents, and how many places they stand for
    for hits, documents in zip(right, of, strict=True):
        pool = (hits, documents, 1)
        while pools and pools[-1][0] * pool[1] >= pool[0] * pools[-1][1]:
            before = pools.pop()
            pool = (before[0] + pool[0], before[1] + pool[1], before[2] + pool[2])
        pools.append(pool)
    return [hits / documents for hits, documents, places in pools for _ in range(places)]


def _by_tenth(right: Sequence[int], documents: Sequence[int]) -> tuple[float, ...]:
    """A tenth that the trial has no document in lies on the line between its neighbours, or is like the one it has."""
    seen = [tenth for tenth in range(TENTHS) if documents[tenth]]
    shares = dict(
        zip(seen, rising_shares([right[each] for each in seen], of=[documents[each] for each in seen]), strict=True)
    )
    found = []
    for tenth in range(TENTHS):
        below = max((each for each in seen if each <= tenth), default=seen[0])
        above = min((each for each in seen if each >= tenth), default=seen[-1])
        way = (tenth - below) / (above - below) if above > below else 0.0
        found.append(shares[below] + way * (shares[above] - shares[below]))
    return tuple(found)


def _is_right(document: TrialDocument) -> bool:
    """As a result is that names all true classes and no other."""
    return is_right(frozenset(document.labels), frozenset(each.name for each in document.classes), Right.EXACT)
