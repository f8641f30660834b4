"""The gate: a worse model is refused, a slightly worse one is tolerated, and the reason says why."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from pydantic import ValidationError

from shared.models.gate import GateDecision, GateRule, Metric, evaluate_gate


@dataclass(frozen=True)
class Metrics:
    micro_f1: float = 0.0
    micro_precision: float = 0.0
    micro_recall: float = 0.0
    macro_f1: float = 0.0
    macro_precision: float = 0.0
    macro_recall: float = 0.0


def decide(
    candidate: float | None,
    active: float | None,
    *,
    tolerance: float = 0.05,
    metric: Metric = Metric.MICRO_F1,
    force: bool = False,
    active_label: str | None = "old",
) -> GateDecision:
    """The gate's answer when only `metric` of the two models is as given; every other metric is 0."""

    def metrics(value: float | None) -> Metrics | None:
        return None if value is None else Metrics(**{metric.value: value})

    rule = GateRule(metric=metric, tolerance=tolerance)
    return evaluate_gate(rule, metrics(candidate), metrics(active), force=force, active_label=active_label)


COMPARED = {
    # candidate, active, tolerance -> passed
    "better": (0.91, 0.90, 0.05, True),
    "equal": (0.90, 0.90, 0.05, True),
    "equal without tolerance": (0.90, 0.90, 0.0, True),
    "a little worse": (0.86, 0.90, 0.05, True),
    "worse by exactly the tolerance": (0.75, 0.80, 0.05, True),
    "worse by one step more than the tolerance": (0.749, 0.80, 0.05, False),
    "worse by a millionth more than the tolerance": (0.749999, 0.80, 0.05, False),
    "a little worse without tolerance": (0.899, 0.90, 0.0, False),
    "much worse": (0.32, 1.0, 0.05, False),
    "much worse and much tolerated": (0.32, 1.0, 0.7, True),
    "everything is tolerated": (0.0, 1.0, 1.0, True),
    "nothing right against nothing right": (0.0, 0.0, 0.0, True),
    "nothing right": (0.0, 0.2, 0.05, False),
}


@pytest.mark.parametrize("case", COMPARED)
def test_a_candidate_passes_unless_it_is_worse_by_more_than_the_tolerance(case: str) -> None:
    candidate, active, tolerance, passed = COMPARED[case]
    decision = decide(candidate, active, tolerance=tolerance)
    assert (decision.passed, decision.forced) == (passed, False)
    assert (decision.candidate, decision.active, decision.tolerance) == (candidate, active, tolerance)


def test_hundredths_at_the_bound_pass_and_a_hundredth_below_it_does_not_whatever_binary_fractions_say() -> None:
    for active in range(101):
        for tolerance in range(active + 1):
            at, below = (active - tolerance) / 100, (active - tolerance - 1) / 100
            assert decide(at, active / 100, tolerance=tolerance / 100).passed, (at, active, tolerance)
            assert not decide(below, active / 100, tolerance=tolerance / 100).passed, (below, active, tolerance)


@pytest.mark.parametrize("metric", Metric)
def test_the_metric_of_the_rule_decides_and_no_other(metric: Metric) -> None:
    worse = decide(0.5, 0.9, metric=metric)
    better = decide(0.9, 0.5, metric=metric)
    assert (worse.passed, better.passed) == (False, True)
    assert worse.metric is metric
    others = {each.value: 0.1 for each in Metric if each is not metric}
    good, best = Metrics(**{metric.value: 0.9}, **others), Metrics(1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
    assert evaluate_gate(GateRule(metric=metric, tolerance=0.1), good, best, force=False, active_label="old").passed


UNCOMPARED = {
    # candidate, active, active label -> passed, reason
    "no model is in use": (0.4, None, None, True, "no model is in use yet; micro_f1 is 0.400"),
    "figures without a model in use are not compared": (
        0.4,
        0.9,
        None,
        True,
        "no model is in use yet; micro_f1 is 0.400",
    ),
    "the active model has no evaluation": (
        0.4,
        None,
        "old",
        True,
        "the active model old has no evaluation to compare with; micro_f1 is 0.400",
    ),
    "the candidate has no evaluation": (
        None,
        0.9,
        "old",
        False,
        "the candidate has no evaluation (a test set needs more labelled documents)",
    ),
    "nobody has an evaluation": (
        None,
        None,
        "old",
        False,
        "the candidate has no evaluation (a test set needs more labelled documents)",
    ),
    "the first candidate has no evaluation": (
        None,
        None,
        None,
        False,
        "the candidate has no evaluation (a test set needs more labelled documents)",
    ),
}


@pytest.mark.parametrize("case", UNCOMPARED)
def test_where_there_is_nothing_to_compare_only_the_candidates_own_evaluation_counts(case: str) -> None:
    candidate, active, active_label, passed, reason = UNCOMPARED[case]
    decision = decide(candidate, active, active_label=active_label)
    assert (decision.passed, decision.forced, decision.reason) == (passed, False, reason)
    assert (decision.candidate, decision.active) == (candidate, active)


def test_figures_of_zero_are_figures() -> None:
    decision = decide(0.0, 0.0)
    assert (decision.candidate, decision.active, decision.passed) == (0.0, 0.0, True)


def test_the_reason_says_what_was_compared() -> None:
    assert decide(0.9484, 0.9111, tolerance=0.02).reason == (
        "micro_f1 is 0.948; the active model old has 0.911, and the tolerance is 0.02"
    )
    assert decide(0.32, 1.0, metric=Metric.MACRO_RECALL).reason == (
        "macro_recall is 0.320, worse than the 1.000 of the active model old by more than the tolerance of 0.05"
    )


FORCED = {
    # candidate, active -> forced
    "a worse model": (0.5, 0.9, True),
    "a model without an evaluation": (None, 0.9, True),
    "a better model needs no force": (0.9, 0.5, False),
    "an equal model needs no force": (0.9, 0.9, False),
}


@pytest.mark.parametrize("case", FORCED)
def test_force_opens_the_gate_and_the_decision_says_so_only_where_it_was_needed(case: str) -> None:
    candidate, active, forced = FORCED[case]
    decision, unforced = decide(candidate, active, force=True), decide(candidate, active)
    assert decision.passed
    assert decision.forced is forced
    assert decision.reason == (f"forced, although {unforced.reason}" if forced else unforced.reason)


def test_the_rule_is_micro_f1_with_a_tolerance_of_five_hundredths_unless_told() -> None:
    assert GateRule() == GateRule(metric=Metric.MICRO_F1, tolerance=0.05)


@pytest.mark.parametrize("tolerance", [0, 0.05, 1])
def test_a_tolerance_from_0_to_1_is_taken(tolerance: float) -> None:
    assert GateRule(tolerance=tolerance).tolerance == tolerance


@pytest.mark.parametrize(
    "rule", [{"tolerance": -0.001}, {"tolerance": 1.001}, {"metric": "accuracy"}, {"tolerances": 0.1}], ids=str
)
def test_any_other_rule_is_refused(rule: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        GateRule.model_validate(rule)
