"""The gate: is a candidate good enough to replace the active model? Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field

# Differences are rounded to this many digits: 0.07 - 0.01 is a little more than 0.06 in binary fractions.
_DIGITS = 9


class HasMetrics(Protocol):
    """An evaluation, as the service answers it or as a record keeps it; every figure is 0 to 1."""

    @property
    def micro_f1(self) -> float: ...
    @property
    def micro_precision(self) -> float: ...
    @property
    def micro_recall(self) -> float: ...
    @property
    def macro_f1(self) -> float: ...
    @property
    def macro_precision(self) -> float: ...
    @property
    def macro_recall(self) -> float: ...


class Metric(StrEnum):
    """What a gate can compare."""

    MICRO_F1 = "micro_f1"
    MACRO_F1 = "macro_f1"
    MICRO_PRECISION = "micro_precision"
    MICRO_RECALL = "micro_recall"
    MACRO_PRECISION = "macro_precision"
    MACRO_RECALL = "macro_recall"

    def of(self, evaluation: HasMetrics) -> float:
        return float(getattr(evaluation, self.value))


class GateRule(BaseModel):
    """Publish unless `metric` (0 to 1) is worse than the active model's by more than `tolerance`.

    The service splits at random for each training, so two models are tested on different documents. With few of
    them, the metrics of equally good models differ by a few hundredths; the default tolerance allows for that.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    metric: Metric = Metric.MICRO_F1
    tolerance: float = Field(0.05, ge=0, le=1)


class GateDecision(BaseModel):
    """What was decided and why. `forced` means that the rule alone would have refused.

    `candidate` and `active` are the values of `metric`, None for a model that has no evaluation.
    """

    model_config = ConfigDict(defer_build=True, frozen=True)

    passed: bool
    forced: bool
    metric: Metric
    tolerance: float
    candidate: float | None
    active: float | None
    reason: str


def evaluate_gate(
    rule: GateRule, candidate: HasMetrics | None, active: HasMetrics | None, *, force: bool, active_label: str | None
) -> GateDecision:
    """Compare two evaluations by the rule. `active_label` is None when no model is in use.

    Without an active evaluation the candidate passes; without one of its own, only `force` lets it pass.
    """
    ours = None if candidate is None else rule.metric.of(candidate)
    theirs = None if active is None else rule.metric.of(active)
    fits, reason = _judge(rule, ours=ours, theirs=theirs, active_label=active_label)
    forced = force and not fits
    return GateDecision(
        passed=fits or forced,
        forced=forced,
        metric=rule.metric,
        tolerance=rule.tolerance,
        candidate=ours,
        active=theirs,
        reason=f"forced, although {reason}" if forced else reason,
    )


def _judge(rule: GateRule, *, ours: float | None, theirs: float | None, active_label: str | None) -> tuple[bool, str]:
    name = rule.metric.value
    if ours is None:
        return False, "the candidate has no evaluation (a test set needs more labelled documents)"
    if active_label is None:
        return True, f"no model is in use yet; {name} is {ours:.3f}"
    if theirs is None:
        return True, f"the active model {active_label} has no evaluation to compare with; {name} is {ours:.3f}"
    if round(theirs - ours, _DIGITS) > rule.tolerance:
        return False, (
            f"{name} is {ours:.3f}, worse than the {theirs:.3f} of the active model {active_label} "
            f"by more than the tolerance of {rule.tolerance:g}"
        )
    return True, (
        f"{name} is {ours:.3f}; the active model {active_label} has {theirs:.3f}, and the tolerance is "
        f"{rule.tolerance:g}"
    )
