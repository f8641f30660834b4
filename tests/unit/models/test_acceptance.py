"""From which confidence on results are accepted, and what is promised of them."""

from __future__ import annotations

from random import Random

import pytest
from scipy import stats

from shared.documents.record_schema import Decision
from shared.models.acceptance import AcceptanceRule, Right, decide, is_audited, is_right, result_confidence
from shared.models.threshold import GoldenResult, choose_threshold, least_documents

RULE = AcceptanceRule(precision=0.9, confidence=0.9)


def calibrated(number: int, seed: int) -> list[GoldenResult]:
    """Results that are right as often as their confidence says."""
    random = Random(seed)
    confidences = [random.uniform(0.5, 1) for _ in range(number)]
    return [GoldenResult(confidence, random.random() < confidence) for confidence in confidences]


@pytest.mark.parametrize(
    ("precision", "chance", "wrong", "least"),
    [(0.95, 0.1, 0, 45), (0.9, 0.1, 0, 22), (0.95, 0.05, 0, 59), (0.95, 0.1, 2, 105), (0.99, 0.1, 0, 230)],
)
def test_as_many_results_are_needed_as_the_binomial_test_says(
    precision: float, chance: float, wrong: int, least: int
) -> None:
    assert least_documents(precision, chance=chance, wrong=wrong) == least
    assert stats.binomtest(least - wrong, least, precision, alternative="greater").pvalue <= chance
    assert stats.binomtest(least - 1 - wrong, least - 1, precision, alternative="greater").pvalue > chance


def test_a_promise_is_broken_no_more_often_than_asked() -> None:
    """200 golden sets of a world that is known: above the threshold t a result is right in (1 + t) / 2 of all cases."""
    chosen = [choose_threshold(calibrated(300, seed), RULE) for seed in range(200)]
    promised = [each.threshold for each in chosen if each.threshold is not None]
    broken = [threshold for threshold in promised if (1 + threshold) / 2 < RULE.precision]

    assert len(promised) > 100
    assert len(broken) / len(promised) <= 0.1


def test_what_is_accepted_and_its_bound_are_counted_on_the_golden_documents() -> None:
    results = [GoldenResult(0.955, True)] * 99 + [GoldenResult(0.955, False)] + [GoldenResult(0.305, False)] * 50

    chosen = choose_threshold(results, RULE)

    assert (chosen.threshold, chosen.documents, chosen.accepted, chosen.right) == (0.31, 150, 100, 99)
    theirs = stats.binomtest(99, 100).proportion_ci(0.8, method="exact").low
    assert chosen.at_least == pytest.approx(theirs, abs=1e-9)


def test_one_wrong_result_among_the_surest_does_not_end_the_search() -> None:
    results = [GoldenResult(0.995, False), *([GoldenResult(0.985, True)] * 200)]

    assert choose_threshold(results, RULE).threshold is not None


def test_29_golden_documents_promise_nothing_and_30_may() -> None:
    perfect = [GoldenResult(0.99, True)] * 30
    rule = AcceptanceRule(precision=0.85, confidence=0.9)

    assert choose_threshold(perfect[:29], rule).threshold is None
    assert choose_threshold(perfect[:29], rule).documents_needed == 30
    assert choose_threshold(perfect, rule).threshold is not None


def test_what_cannot_be_promised_says_how_many_golden_documents_a_promise_takes() -> None:
    good = [GoldenResult(0.97, True)] * 40

    chosen = choose_threshold(good, AcceptanceRule(precision=0.95, confidence=0.9))

    assert chosen.threshold is None
    assert chosen.documents_needed is not None
    assert 59 <= chosen.documents_needed <= 250
    enough = [GoldenResult(0.97, True)] * chosen.documents_needed
    assert choose_threshold(enough, AcceptanceRule(precision=0.95, confidence=0.9)).threshold is not None


def test_a_model_that_is_never_that_good_is_not_asked_for_more_golden_documents() -> None:
    coin = [GoldenResult(0.9, number % 2 == 0) for number in range(400)]

    chosen = choose_threshold(coin, RULE)

    assert (chosen.threshold, chosen.documents_needed) == (None, None)


@pytest.mark.parametrize(
    ("true", "answered", "all_classes", "exact"),
    [
        ({"a"}, {"a"}, True, True),
        ({"a", "b"}, {"a"}, True, False),
        ({"a"}, {"a", "b"}, False, False),
        ({"a"}, set(), False, False),
        (set(), set(), True, True),
    ],
)
def test_a_result_is_right_by_the_projects_own_measure(
    true: set[str], answered: set[str], all_classes: bool, exact: bool
) -> None:
    assert is_right(frozenset(true), frozenset(answered), Right.ALL_CLASSES) is all_classes
    assert is_right(frozenset(true), frozenset(answered), Right.EXACT) is exact


def test_a_result_is_as_sure_as_its_least_sure_class() -> None:
    assert result_confidence([0.9, 0.6]) == 0.6
    assert result_confidence([]) is None


@pytest.mark.parametrize(
    ("threshold", "confidence", "decision"),
    [
        (0.8, 0.8, Decision.ACCEPTED),
        (0.8, 0.79, Decision.REVIEW),
        (None, 1.0, Decision.REVIEW),
        (0.1, None, Decision.REVIEW),
    ],
)
def test_only_what_reaches_the_threshold_is_accepted(
    threshold: float | None, confidence: float | None, decision: Decision
) -> None:
    assert decide(threshold, confidence=confidence) is decision


# Audit


def test_of_what_is_accepted_the_share_that_was_asked_for_is_audited() -> None:
    audited = [
        is_audited(name=f"letter-{number}.txt", etag=f'"{number}"', model="first", percent=5)
        for number in range(20_000)
    ]
    assert 0.04 < sum(audited) / len(audited) < 0.06


@pytest.mark.parametrize(("percent", "share"), [(0, 0), (100, 100)])
def test_of_what_is_accepted_none_or_all_can_be_audited(percent: float, share: int) -> None:
    found = [is_audited(name=f"{number}.txt", etag='"1"', model="first", percent=percent) for number in range(100)]
    assert sum(found) == share


def test_what_is_audited_at_a_share_is_audited_at_a_larger_one_too() -> None:
    for number in range(500):
        chosen = [
            is_audited(name="a.txt", etag=f'"{number}"', model="m", percent=percent) for percent in (1, 5, 50, 100)
        ]
        assert chosen == sorted(chosen)


def test_version_and_model_choose_what_is_audited_and_always_the_same() -> None:
    def chosen(name: str = "a", etag: str = "1", model: str = "m") -> list[bool]:
        return [is_audited(name=f"{name}{number}", etag=etag, model=model, percent=50) for number in range(64)]

    assert chosen() == chosen()
    assert len({tuple(each) for each in (chosen(), chosen(name="b"), chosen(etag="2"), chosen(model="n"))}) == 4
