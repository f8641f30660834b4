"""The statistics behind the gate and the acceptance of results. Pure, and of the standard library only.

Two models are compared on the same documents (paired): what is hard about a document is hard for both, and cancels. The
standard error of the difference is the bootstrap's (Efron and Tibshirani, An Introduction to the Bootstrap, 1993,
chapters 6 and 8): documents are drawn again with both their answers. Bounds of a share are those of Clopper and Pearson
(The use of confidence or fiducial limits illustrated in the case of the binomial, Biometrika 26, 1934), which hold for
any number of documents. The tests compare both with scipy and statsmodels.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from statistics import NormalDist, pstdev

# Of the bootstrap: enough for a standard error that is itself known to about 3.5 percent.
RESAMPLES = 400
SEED = 20_260_801
_BISECTIONS = 60
# A tail's terms only fall once one is this small beside the first.
_NEGLIGIBLE = 1e-12

Classes = frozenset[str]


@dataclass(frozen=True)
class Counts:
    """True and false positives and false negatives of one class, or of all."""

    true_positives: int = 0
    false_positives: int = 0
    false_negatives: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.true_positives + other.true_positives,
            self.false_positives + other.false_positives,
            self.false_negatives + other.false_negatives,
        )

    @property
    def precision(self) -> float:
        """0 where nothing was answered."""
        return _share(self.true_positives, of=self.true_positives + self.false_positives)

    @property
    def recall(self) -> float:
        """0 where there was nothing to find."""
        return _share(self.true_positives, of=self.true_positives + self.false_negatives)

    @property
    def f1(self) -> float:
        """2 TP / (2 TP + FP + FN), which is the harmonic mean of precision and recall; 0 where all three are 0."""
        return _share(2 * self.true_positives, of=2 * self.true_positives + self.false_positives + self.false_negatives)


Score = Callable[[Mapping[str, Counts]], float]


@dataclass(frozen=True)
class Pair:
    """One golden document: its true classes, and the answers of both models."""

    true: Classes
    candidate: Classes
    active: Classes

    @property
    def is_discordant(self) -> bool:
        """One model is right about the document and the other is not, or they are wrong in different ways."""
        return self.candidate != self.active


@dataclass(frozen=True)
class Difference:
    """Candidate minus active, both on the same documents. `error` is the standard error of `value`."""

    candidate: float
    active: float
    value: float
    error: float
    documents: int
    discordant: int


def counts_by_class(answers: Sequence[tuple[Classes, Classes]]) -> dict[str, Counts]:
    """Counts of pairs (true classes, answered classes), by class."""
    return _sum((_counts(true, answered), times) for (true, answered), times in Counter(answers).items())


def paired_difference(
    pairs: Sequence[Pair], score: Score, *, resamples: int = RESAMPLES, seed: int = SEED
) -> Difference:
    """Compare two models by `score` on the same documents, of which there must be one at least.

    To the bootstrap's error one of 1 / (documents + 2) is added, in squares: few documents on which both models happen
    to agree, or of which only two are answered differently, say little, and the bootstrap would call them certain. With
    it the error is about that of Agresti and Min (Simple improved confidence intervals for comparing matched
    proportions, Statistics in Medicine 24, 2005), and exactly theirs where no document is discordant.
    """
    kinds = Counter(pairs)
    candidates = [_counts(pair.true, pair.candidate) for pair in kinds]
    actives = [_counts(pair.true, pair.active) for pair in kinds]

    def scores(times: Mapping[int, int]) -> tuple[float, float]:
        return (
            score(_sum((candidates[kind], number) for kind, number in times.items())),
            score(_sum((actives[kind], number) for kind, number in times.items())),
        )

    candidate, active = scores(dict(enumerate(kinds.values())))
    random, weights = Random(seed), list(accumulate(kinds.values()))  # noqa: S311 - draws, not secrets
    differences = []
    for _ in range(resamples):
        drawn = Counter(random.choices(range(len(weights)), cum_weights=weights, k=len(pairs)))
        first, second = scores(drawn)
        differences.append(first - second)
    return Difference(
        candidate=candidate,
        active=active,
        value=candidate - active,
        error=math.hypot(pstdev(differences), 1 / (len(pairs) + 2)),
        documents=len(pairs),
        discordant=sum(number for pair, number in kinds.items() if pair.is_discordant),
    )


def lower_bound(right: int, *, of: int, confidence: float) -> float:
    """The share that `right` of `of` shows at least, one-sided, exact: 0 where nothing was seen."""
    if right == 0:
        return 0.0
    return _bisect(lambda share: 1 - binomial_cdf(right - 1, of=of, share=share) < 1 - confidence)


def upper_bound(right: int, *, of: int, confidence: float) -> float:
    """The share that `right` of `of` shows at most, one-sided, exact: 1 where nothing was seen."""
    if right == of:
        return 1.0
    return _bisect(lambda share: binomial_cdf(right, of=of, share=share) > 1 - confidence)


def binomial_cdf(most: int, *, of: int, share: float) -> float:
    """The probability of `most` or fewer in `of` independent trials, each of which succeeds with `share`."""
    if share <= 0:
        return 1.0
    if share >= 1:
        return 1.0 if most >= of else 0.0
    log_share, log_rest = math.log(share), math.log1p(-share)
    total = math.fsum(
        math.exp(
            math.lgamma(of + 1)
            - math.lgamma(number + 1)
            - math.lgamma(of - number + 1)
            + number * log_share
            + (of - number) * log_rest
        )
        for number in range(most + 1)
    )
    return min(total, 1.0)


def fisher_exact(part: int, *, of: int, other: int, of_other: int) -> float:
    """The two-sided p-value of `part` of `of` and `other` of `of_other` being chance, where both shares are the same.

    Exact: twice the smaller tail of the hypergeometric distribution (Fisher, The logic of inductive inference, Journal
    of the Royal Statistical Society 98, 1935). It is at most p with a probability of at most p, whatever the shares.
    """
    total, parts = of + of_other, part + other
    if of > of_other:  # the smaller sample's tails have fewer terms
        part, of = other, of_other
    rest = total - parts - of  # of the larger sample's others, were all parts in the smaller one
    here = math.exp(
        _log_ways(parts, chosen=part) + _log_ways(total - parts, chosen=of - part) - _log_ways(total, chosen=of)
    )
    above = below = term = here
    for number in range(part, min(of, parts)):
        term *= (parts - number) * (of - number) / ((number + 1) * (rest + number + 1))
        above += term
        if term < here * _NEGLIGIBLE:
            break
    term = here
    for number in range(part, max(0, -rest), -1):
        term *= number * (rest + number) / ((parts - number + 1) * (of - number + 1))
        below += term
        if term < here * _NEGLIGIBLE:
            break
    return min(1.0, 2 * min(above, below))


def _log_ways(number: int, *, chosen: int) -> float:
    """The logarithm of how many ways there are to choose so many out of `number`."""
    return math.lgamma(number + 1) - math.lgamma(chosen + 1) - math.lgamma(number - chosen + 1)


def normal_quantile(probability: float) -> float:
    """The standard normal's quantile: 1.2816 for 0.9."""
    return NormalDist().inv_cdf(probability)


def _bisect(is_below: Callable[[float], bool]) -> float:
    """Where `is_below`, true at 0 and false at 1, changes."""
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if is_below(middle) else (low, middle)
    return (low + high) / 2


_RIGHT, _ADDED, _MISSED = (1, 0, 0), (0, 1, 0), (0, 0, 1)


def _counts(true: Classes, answered: Classes) -> list[tuple[str, tuple[int, int, int]]]:
    return [
        *((name, _RIGHT) for name in true & answered),
        *((name, _ADDED) for name in answered - true),
        *((name, _MISSED) for name in true - answered),
    ]


def _sum(weighted: Iterable[tuple[list[tuple[str, tuple[int, int, int]]], int]]) -> dict[str, Counts]:
    sums: dict[str, list[int]] = {}
    for counts, times in weighted:
        for name, (right, added, missed) in counts:
            found = sums.get(name)
            if found is None:
                found = sums[name] = [0, 0, 0]
            found[0] += right * times
            found[1] += added * times
            found[2] += missed * times
    return {name: Counts(*found) for name, found in sums.items()}


def _share(part: int, *, of: int) -> float:
    return part / of if of else 0.0
