"""How often results of a confidence are right, learned from a trial, and what that says of results whose truth is not
known. Pure.

Confidences are taken by tenths, because that is how closed batches count them. In each tenth the trial shows how many
results are right. Neighbours that are out of order, the surer one right less often, are chance, and are pooled:
isotonic regression by pooling adjacent violators (Ayer, Brunk, Ewing, Reid and Silverman, An empirical distribution
function for sampling with incomplete information, Annals of Mathematical Statistics 26, 1955). Results of one class may
be right more or less often than others of the same confidence; so much is added for each, drawn towards nothing where
the class has few golden documents. It matters where classes have shifted: in the trial itself it cancels.

The estimate for other documents is the sum over their confidences and classes. It holds as long as a confidence means
what it meant in the trial, however many documents have it now. Tests compare with scikit-learn.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.models.acceptance import Right, is_right
from shared.models.distribution import TENTHS, Distribution
from shared.models.threshold import MIN_DOCUMENTS
from shared.models.trial import Trial, TrialDocument, tenth_of_answer

# As if each class had so many golden documents more, right as often as their confidences say: fewer of its own show
# more chance than difference.
_DRAWN_TOWARDS_NOTHING = 20


@dataclass(frozen=True)
class Calibration:
    """The share of results that are right, by tenth of confidence, and of those without a class; and by how much that
    is more for results that name a class."""

    by_tenth: tuple[float, ...]
    without_class: float
    more_of_class: Mapping[str, float]

    def accuracy(self, answers: Distribution) -> float | None:
        """The share of them that is right, by estimate; None where there are none."""
        if not answers.documents:
            return None
        right = sum(number * share for number, share in zip(answers.confidence, self.by_tenth, strict=True))
        right += answers.without_class * self.without_class
        right += sum(number * self.more_of_class.get(name, 0.0) for name, number in answers.classes.items())
        return min(max(right / answers.documents, 0.0), 1.0)


def calibrate(trial: Trial) -> Calibration | None:
    """None where fewer than MIN_DOCUMENTS golden documents were answered, or none of them with a class."""
    answered = [(document, tenth_of_answer(document), _is_right(document)) for document in trial.answered]
    right, documents = [0] * TENTHS, [0] * TENTHS
    for _, tenth, is_hit in answered:
        if tenth is not None:
            documents[tenth] += 1
            right[tenth] += is_hit
    if len(answered) < MIN_DOCUMENTS or not any(documents):
        return None
    by_tenth = _by_tenth(right, documents)
    without = [is_hit for _, tenth, is_hit in answered if tenth is None]
    surprise = [(document, is_hit - by_tenth[tenth]) for document, tenth, is_hit in answered if tenth is not None]
    return Calibration(by_tenth, sum(without) / len(without) if without else 0.0, _by_class(surprise))


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


def _by_class(surprise: Sequence[tuple[TrialDocument, float]]) -> dict[str, float]:
    """The mean, by class, of how much more right its documents are than expected; classes of one document share it."""
    sums: dict[str, float] = defaultdict(float)
    numbers: dict[str, int] = defaultdict(int)
    for document, more in surprise:
        names = {each.name for each in document.classes}
        for name in names:
            sums[name] += more / len(names)
            numbers[name] += 1
    return {name: sums[name] / (numbers[name] + _DRAWN_TOWARDS_NOTHING) for name in sums}


def _is_right(document: TrialDocument) -> bool:
    """As a result is that names all true classes and no other."""
    return is_right(frozenset(document.labels), frozenset(each.name for each in document.classes), Right.EXACT)
