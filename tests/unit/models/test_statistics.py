"""The statistics beside well-kept libraries, which do not ship."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import f1_score, precision_score, recall_score

from shared.models.gate import Metric
from shared.models.statistics import (
    Counts,
    Pair,
    binomial_cdf,
    counts_by_class,
    fisher_exact,
    lower_bound,
    normal_quantile,
    paired_difference,
    upper_bound,
)

CLASSES = ("billing", "hr", "legal")


def some_pairs(number: int, *, seed: int, multi: bool) -> list[Pair]:
    random = Random(seed)

    def answer(true: frozenset[str], reliability: float) -> frozenset[str]:
        if random.random() < reliability:
            return true
        return frozenset(random.sample(CLASSES, random.randint(1, 2) if multi else 1))

    trues = [frozenset(random.sample(CLASSES, random.randint(1, 2) if multi else 1)) for _ in range(number)]
    return [Pair(true, answer(true, 0.8), answer(true, 0.7)) for true in trues]


def indicators(answers: list[frozenset[str]]) -> np.ndarray:
    return np.array([[name in each for name in CLASSES] for each in answers], dtype=int)


@pytest.mark.parametrize("multi", [False, True])
@pytest.mark.parametrize("metric", Metric)
def test_every_metric_is_that_of_scikit_learn(metric: Metric, multi: bool) -> None:
    pairs = some_pairs(200, seed=1, multi=multi)
    average, figure = metric.value.split("_")
    theirs = {"f1": f1_score, "precision": precision_score, "recall": recall_score}[figure](
        indicators([pair.true for pair in pairs]),
        indicators([pair.candidate for pair in pairs]),
        average=average,
        zero_division=0,
    )

    assert metric.of_counts(counts_by_class([(pair.true, pair.candidate) for pair in pairs])) == pytest.approx(theirs)


@pytest.mark.parametrize("multi", [False, True])
@pytest.mark.parametrize("metric", [Metric.MICRO_F1, Metric.MACRO_F1])
def test_the_error_of_a_difference_is_that_of_scipys_paired_bootstrap(metric: Metric, multi: bool) -> None:
    pairs = some_pairs(150, seed=2, multi=multi)
    places = np.arange(len(pairs))

    def difference(drawn: np.ndarray) -> float:
        chosen = [pairs[place] for place in drawn]
        candidate = metric.of_counts(counts_by_class([(pair.true, pair.candidate) for pair in chosen]))
        return candidate - metric.of_counts(counts_by_class([(pair.true, pair.active) for pair in chosen]))

    theirs = stats.bootstrap(
        (places,), difference, n_resamples=600, vectorized=False, method="percentile", random_state=3
    ).standard_error
    ours = paired_difference(pairs, metric.of_counts)

    assert ours.value == pytest.approx(difference(places))
    # Two bootstraps of 400 and 600 draws: each is known to 3.5 and 2.9 percent.
    assert ours.error == pytest.approx(theirs, rel=0.14)


def test_the_same_documents_give_the_same_error_each_time() -> None:
    pairs = some_pairs(80, seed=4, multi=True)

    assert paired_difference(pairs, Metric.MICRO_F1.of_counts) == paired_difference(pairs, Metric.MICRO_F1.of_counts)


@pytest.mark.parametrize("documents", [1, 10, 100])
def test_few_documents_on_which_both_models_agree_show_no_certainty(documents: int) -> None:
    agreed = Pair(frozenset({"hr"}), frozenset({"hr"}), frozenset({"hr"}))

    measured = paired_difference([agreed] * documents, Metric.MICRO_F1.of_counts)

    assert (measured.value, measured.discordant) == (0, 0)
    assert measured.error == pytest.approx(1 / (documents + 2))


@pytest.mark.parametrize(("right", "of"), [(0, 1), (1, 1), (0, 40), (37, 40), (40, 40), (180, 240), (999, 1_000)])
@pytest.mark.parametrize("confidence", [0.8, 0.9, 0.99])
def test_bounds_of_a_share_are_those_of_clopper_and_pearson(right: int, of: int, confidence: float) -> None:
    # scipy's interval is two-sided: each side of it has half of what is outside.
    theirs = stats.binomtest(right, of).proportion_ci(2 * confidence - 1, method="exact")

    assert lower_bound(right, of=of, confidence=confidence) == pytest.approx(theirs.low, abs=1e-9)
    assert upper_bound(right, of=of, confidence=confidence) == pytest.approx(theirs.high, abs=1e-9)


@pytest.mark.parametrize(("most", "of"), [(0, 10), (3, 10), (10, 10), (20, 1_000), (950, 1_000)])
@pytest.mark.parametrize("share", [0, 0.02, 0.5, 0.95, 1])
def test_the_binomial_distribution_is_scipys(most: int, of: int, share: float) -> None:
    assert binomial_cdf(most, of=of, share=share) == pytest.approx(stats.binom.cdf(most, of, share), abs=1e-12)


@pytest.mark.parametrize(
    ("part", "of", "other", "of_other"),
    [
        *[(0, 50, 12, 240), (12, 240, 0, 50), (40, 250, 12, 240), (5, 250, 12, 240), (250, 250, 240, 240)],
        *[(1, 1, 0, 1), (0, 30, 0, 30), (60, 250, 60_000, 1_000_000), (300, 1_000, 30_000, 40_000)],
        *[(999, 1_000, 1, 1_000)],
    ],
)
def test_the_exact_test_of_two_shares_is_scipys(part: int, of: int, other: int, of_other: int) -> None:
    # Twice the smaller tail, which scipy gives one by one.
    table = [[part, of - part], [other, of_other - other]]
    tails = [stats.fisher_exact(table, alternative=side).pvalue for side in ("less", "greater")]

    theirs = min(1.0, 2 * min(tails))

    assert fisher_exact(part, of=of, other=other, of_other=of_other) == pytest.approx(theirs, rel=1e-5, abs=1e-290)


def test_the_exact_test_is_the_same_whichever_sample_is_named_first() -> None:
    assert fisher_exact(40, of=250, other=12, of_other=240) == fisher_exact(12, of=240, other=40, of_other=250)


def test_the_quantile_of_a_mistake_in_ten_is_1_2816() -> None:
    assert normal_quantile(0.9) == pytest.approx(1.2816, abs=1e-4)


def test_a_share_of_nothing_is_0() -> None:
    assert (Counts().precision, Counts().recall, Counts().f1) == (0, 0, 0)
