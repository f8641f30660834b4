"""The threshold rule beside MAPIE's risk control, which does not ship.

"The precision of what is accepted" is MAPIE's binary problem: a result is positive when it reaches the threshold, and
truly positive when it is right. Both test each confidence of a grid and bound the chance that any of those that pass
breaks the promise (Learn then Test). They differ here:

- MAPIE's p-value is the least of Hoeffding's and of the binomial one, and the second is never above the first: it is
  the exact binomial one, which ours is too. Where its product of a share and a number comes out a rounding error above
  the integer, MAPIE takes the next integer, and is more cautious by one result.
- MAPIE orders a fixed sequence as the risk seems to run on the data. Ours runs from the surest down, always, so MAPIE
  is given that order as one learned beforehand (split_fixed_sequence), which it then follows as it is.
- MAPIE starts several sequences at equal steps of the grid. Ours start where enough results are accepted for none, and
  for two wrong ones to be allowed, and share the chance. So MAPIE tests each of the two with half of the chance.
- MAPIE's default is Bonferroni and Holm over the whole grid, which need no order and pay for each of 99 thresholds.
- Ours promises nothing on fewer than 30 golden documents.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import lru_cache
from random import Random

import numpy as np
import pytest
from mapie.risk_control import BinaryClassificationController, control_fwer
from scipy import stats

from shared.models.acceptance import AcceptanceRule
from shared.models.threshold import GRID, WRONG_AT_START, GoldenResult, choose_threshold

RULES = [
    AcceptanceRule(precision=precision, confidence=confidence)
    for precision, confidence in ((0.8, 0.9), (0.9, 0.9), (0.95, 0.9), (0.9, 0.6))
]
WORLDS = range(24)


def golden(number: int, *, seed: int, sharpness: float) -> tuple[GoldenResult, ...]:
    """A model that is surer than it should be (below 1) or less sure (above)."""
    random = Random(seed)
    confidences = [round(random.uniform(0.3, 1), 4) for _ in range(number)]
    return tuple(GoldenResult(confidence, random.random() < confidence**sharpness) for confidence in confidences)


@lru_cache
def world(seed: int) -> tuple[GoldenResult, ...]:
    sizes, sharpness = (40, 120, 240, 600), (0.2, 0.5, 1.0, 1.6)
    return golden(sizes[seed % 4], seed=seed, sharpness=sharpness[seed // 4 % 4])


@lru_cache
def controller(seed: int, rule: AcceptanceRule) -> BinaryClassificationController:
    results = world(seed)
    confidences = np.array([each.confidence for each in results])
    found = BinaryClassificationController(
        predict_function=lambda given: np.column_stack([1 - given, given]),
        risk="precision",
        target_level=rule.precision,
        confidence_level=rule.confidence,
        list_predict_params=np.array(GRID),
    )
    with warnings.catch_warnings():
        # It warns where no threshold is valid, and of thresholds that accept nothing.
        warnings.simplefilter("ignore")
        found.calibrate(confidences, np.array([each.is_right for each in results], dtype=int))
    return found


def accepted(results: Sequence[GoldenResult], threshold: float | None) -> int:
    return 0 if threshold is None else sum(each.confidence >= threshold for each in results)


def first_with_enough(
    results: Sequence[GoldenResult], rule: AcceptanceRule, *, chance: float, wrong: int
) -> int | None:
    """The first place of the grid where so many wrong results would still leave the promise standing, by scipy."""
    for place, threshold in enumerate(GRID):
        number = accepted(results, threshold)
        if number > wrong and stats.binom.cdf(wrong, number, 1 - rule.precision) <= chance:
            return place
    return None


def p_values(seed: int, rule: AcceptanceRule) -> tuple[np.ndarray, np.ndarray]:
    """MAPIE's for the thresholds that accept anything, and scipy's exact ones with up to one wrong result more."""
    results, theirs = world(seed), controller(seed, rule).p_values[:, 0]
    number = np.array([accepted(results, threshold) for threshold in GRID])
    right = [accepted([each for each in results if each.is_right], threshold) for threshold in GRID]
    exact = np.array([stats.binom.cdf(number - right + more, number, 1 - rule.precision) for more in (0, 1)])
    # Where nothing is accepted, nothing can pass.
    return np.where(number > 0, theirs, 1), np.where(number > 0, exact, 1)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.precision}-{rule.confidence}")
def test_mapies_p_values_are_the_binomial_ones_but_for_its_rounding(rule: AcceptanceRule) -> None:
    found = [p_values(seed, rule) for seed in WORLDS]
    theirs = np.concatenate([each for each, _ in found])
    exact, next_one = np.concatenate([each for _, each in found], axis=1)

    assert np.all(theirs >= exact - 1e-9)
    assert np.all(theirs <= next_one + 1e-9)
    assert np.mean(np.isclose(theirs, exact, rtol=0, atol=1e-9)) > 0.7


def threshold_by_mapie(seed: int, rule: AcceptanceRule) -> float | None:
    """Its p-values are rid of the rounding, which the test above bounds; what passes is MAPIE's own finding."""
    theirs, (exact, _) = p_values(seed, rule)
    p = np.minimum(theirs, exact)
    chance = (1 - rule.confidence) / len(WRONG_AT_START)
    valid: list[float] = []
    for wrong in WRONG_AT_START:
        start = first_with_enough(world(seed), rule, chance=chance, wrong=wrong)
        if start is not None:
            passed = control_fwer(p[start:], chance, fwer_method="split_fixed_sequence")
            valid += [GRID[start + int(place)] for place in passed]
    return min(valid, default=None)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.precision}-{rule.confidence}")
def test_the_threshold_is_mapies_where_it_is_given_the_same_sequences(rule: AcceptanceRule) -> None:
    ours = [choose_threshold(world(seed), rule).threshold for seed in WORLDS]
    theirs = [threshold_by_mapie(seed, rule) for seed in WORLDS]

    assert ours == theirs
    assert len({threshold for threshold in ours if threshold is not None}) > 2
    assert None in ours


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.precision}-{rule.confidence}")
def test_mapies_default_which_needs_no_order_accepts_less(rule: AcceptanceRule) -> None:
    """Over all worlds together: in one of them either may be the luckier."""
    ours, theirs = 0, 0
    for seed in WORLDS:
        ours += accepted(world(seed), choose_threshold(world(seed), rule).threshold)
        theirs += accepted(world(seed), controller(seed, rule).best_predict_param)

    assert theirs < ours
