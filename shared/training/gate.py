"""The gate: is a candidate good enough to replace the model in use? Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field


class Figures(Protocol):
    """An evaluation, as the service gave it or as a record keeps it."""

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
    """The figures a gate can compare."""

    MICRO_F1 = "micro_f1"
    MACRO_F1 = "macro_f1"
    MICRO_PRECISION = "micro_precision"
    MICRO_RECALL = "micro_recall"
    MACRO_PRECISION = "macro_precision"
    MACRO_RECALL = "macro_recall"


METRICS = tuple(metric.value for metric in Metric)


class GateRule(BaseModel):
    """Publish unless `metric` (0 to 1) is worse than the active model's by more than `tolerance`.

    The service splits at random for each training, so that two models are judged on different test documents: with few
    of them the figures of equal models differ by a few hundredths, which the default tolerance allows.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: Metric = Metric.MICRO_F1
    tolerance: float = Field(0.05, ge=0, le=1)


class GateDecision(BaseModel):
    """What was decided and why; `active` is None when there was nothing to compare with."""

    model_config = ConfigDict(frozen=True)

    passed: bool
    forced: bool
    metric: Metric
    tolerance: float
    candidate: float | None
    active: float | None
    reason: str


def decide(
    rule: GateRule, candidate: Figures | None, active: Figures | None, *, force: bool, active_label: str | None
) -> GateDecision:
    """Compare the two evaluations by the rule. Without a candidate's evaluation only force opens the gate."""
    ours = getattr(candidate, rule.metric.value) if candidate else None
    theirs = getattr(active, rule.metric.value) if active else None
    passed, reason = _judge(rule, ours, theirs, active_label)
    forced = force and not passed
    if forced:
        reason = f"forced, although {reason}"
    return GateDecision(
        passed=passed or force,
        forced=forced,
        metric=rule.metric,
        tolerance=rule.tolerance,
        candidate=ours,
        active=theirs,
        reason=reason,
    )


def _judge(rule: GateRule, ours: float | None, theirs: float | None, active_label: str | None) -> tuple[bool, str]:
    name = rule.metric.value
    if ours is None:
        return False, "the candidate has no evaluation; label more documents, or publish it with force"
    if active_label is None:
        return True, f"no model is in use yet; {name} is {ours:.3f}"
    if theirs is None:
        return True, f"the active model {active_label} has no evaluation to compare with; {name} is {ours:.3f}"
    bound = theirs - rule.tolerance
    compared = f"{name} {ours:.3f} against {theirs:.3f} of {active_label}, tolerance {rule.tolerance:g}"
    return ours >= bound, compared if ours >= bound else f"worse: {compared}"
