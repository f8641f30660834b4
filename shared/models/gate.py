"""The gate: is a candidate good enough to replace the active model? Pure.

Where both models have classified the same golden documents they are compared on those (paired). Else the evaluations
that the service made of each are compared, which rest on different documents.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from enum import StrEnum
from statistics import fmean
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field

from shared.models.statistics import Counts, Difference, Pair, counts_by_class, normal_quantile, paired_difference

# The probability of each mistake that a clear verdict allows: passing what is worse by more than the tolerance, and
# refusing what is not.
MISTAKE = 0.1
_QUANTILE = normal_quantile(1 - MISTAKE)
# With fewer golden documents a difference is not normal enough for its quantiles to be believed.
MIN_DOCUMENTS = 30
# Of the classes that lost, those that a reason names; all are in `losses`.
NAMED_LOSSES = 5
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

    def of_counts(self, counts: Mapping[str, Counts]) -> float:
        """The same from counts by class. A macro metric is the mean over the classes that occur."""
        average, _, figure = self.value.partition("_")
        if not counts:
            return 0.0
        if average == "micro":
            return float(getattr(sum(counts.values(), Counts()), figure))
        return fmean(getattr(each, figure) for each in counts.values())


class Verdict(StrEnum):
    """What the comparison showed. `unclear`: too few golden documents to tell; `unpaired`: not compared on the same."""

    BETTER = "better"
    AS_GOOD = "as_good"
    WORSE = "worse"
    UNCLEAR = "unclear"
    UNPAIRED = "unpaired"


class OnUnclear(StrEnum):
    """What an unclear comparison leads to: what the estimate says, or a refusal."""

    BY_ESTIMATE = "by_estimate"
    REFUSE = "refuse"


class GateRule(BaseModel):
    """Publish unless `metric` (0 to 1) is worse than the active model's by more than `tolerance`.

    `no_class_loses_more_than` (0 to 1) also bounds what each class may lose of its recall; it counts on golden
    documents only. Compared by the service's evaluations, two models are tested on different documents: with few of
    them, the metrics of equally good models differ by a few hundredths; the default tolerance allows for that.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    metric: Metric = Metric.MICRO_F1
    tolerance: float = Field(0.05, ge=0, le=1)
    on_unclear: OnUnclear = OnUnclear.BY_ESTIMATE
    no_class_loses_more_than: float | None = Field(None, ge=0, le=1)


class ClassLoss(BaseModel):
    """A class whose recall on the golden documents fell, and by how much (0 to 1); `documents` have that class."""

    model_config = ConfigDict(defer_build=True, frozen=True)

    name: str
    recall_lost: float
    documents: int


class GateDecision(BaseModel):
    """What was decided and why. `forced` means that the rule alone would have refused.

    `candidate` and `active` are the values of `metric`, None for a model that has no evaluation. The rest belongs to a
    paired comparison: candidate minus active lies within `interval` four times in five; `discordant` of the `documents`
    were answered differently; `documents_needed` golden documents would make an unclear verdict clear.
    """

    model_config = ConfigDict(defer_build=True, frozen=True)

    passed: bool
    forced: bool
    metric: Metric
    tolerance: float
    candidate: float | None
    active: float | None
    reason: str
    verdict: Verdict = Verdict.UNPAIRED
    difference: float | None = None
    interval: tuple[float, float] | None = None
    documents: int | None = None
    discordant: int | None = None
    documents_needed: int | None = None
    losses: tuple[ClassLoss, ...] = ()


def evaluate_gate(
    rule: GateRule, candidate: HasMetrics | None, active: HasMetrics | None, *, force: bool, active_label: str | None
) -> GateDecision:
    """Compare two evaluations by the rule. `active_label` is None when no model is in use.

    Without an active evaluation the candidate passes; without one of its own, only `force` lets it pass.
    """
    ours = None if candidate is None else rule.metric.of(candidate)
    theirs = None if active is None else rule.metric.of(active)
    fits, reason = _judge(rule, ours=ours, theirs=theirs, active_label=active_label)
    return _decision(rule, fits=fits, force=force, reason=reason, candidate=ours, active=theirs)


def evaluate_paired_gate(rule: GateRule, pairs: Sequence[Pair], *, force: bool, active_label: str) -> GateDecision:
    """Compare candidate and active model on golden documents that both have classified; one at least.

    The verdict is clear where the difference is known to the tolerance, and where the whole interval lies on one side:
    of 0 (better) or of the tolerance (worse). A model that is much worse needs no exact figure to be refused.
    """
    measured = paired_difference(pairs, rule.metric.of_counts)
    spread = _QUANTILE * measured.error
    verdict = _verdict(rule, measured, spread)
    losses = _losses(pairs)
    excessive = [loss for loss in losses if _exceeds(loss.recall_lost, limit=rule.no_class_loses_more_than)]
    fits = _fits(rule, measured, verdict) and not excessive
    needed = documents_needed(measured.documents, spread=spread, tolerance=rule.tolerance)
    reason = _paired_reason(rule, measured, verdict, spread=spread, needed=needed, active_label=active_label)
    if excessive:
        reason += f"; {_in_words(excessive)}, more than the {rule.no_class_loses_more_than:g} that a class may lose"
    elif large := [loss for loss in losses if _exceeds(loss.recall_lost, limit=rule.tolerance)]:
        reason += f"; {_in_words(large)}"
    return _decision(
        rule,
        fits=fits,
        force=force,
        reason=reason,
        candidate=round(measured.candidate, _DIGITS),
        active=round(measured.active, _DIGITS),
        verdict=verdict,
        difference=round(measured.value, _DIGITS),
        interval=(round(measured.value - spread, _DIGITS), round(measured.value + spread, _DIGITS)),
        documents=measured.documents,
        discordant=measured.discordant,
        documents_needed=needed if verdict is Verdict.UNCLEAR else None,
        losses=tuple(losses),
    )


def _decision(rule: GateRule, *, fits: bool, force: bool, reason: str, **figures: Any) -> GateDecision:
    """What the rule says, or against it what was asked for by force."""
    forced = force and not fits
    return GateDecision(
        passed=fits or forced,
        forced=forced,
        metric=rule.metric,
        tolerance=rule.tolerance,
        reason=f"forced, although {reason}" if forced else reason,
        **figures,
    )


def documents_needed(documents: int, *, spread: float, tolerance: float) -> int | None:
    """How many golden documents would tell the models apart to the tolerance; None where it is 0: none are enough.

    `spread`, which so many `documents` gave, falls with the square root of their number.
    """
    return max(MIN_DOCUMENTS, math.ceil(documents * (spread / tolerance) ** 2)) if tolerance else None


def _verdict(rule: GateRule, measured: Difference, spread: float) -> Verdict:
    is_enough = measured.documents >= MIN_DOCUMENTS
    if is_enough and measured.value - spread > 0:
        return Verdict.BETTER
    if is_enough and _exceeds(-measured.value - spread, limit=rule.tolerance):
        return Verdict.WORSE
    if not is_enough or spread > rule.tolerance:
        return Verdict.UNCLEAR
    return Verdict.WORSE if _exceeds(-measured.value, limit=rule.tolerance) else Verdict.AS_GOOD


def _fits(rule: GateRule, measured: Difference, verdict: Verdict) -> bool:
    if verdict is Verdict.UNCLEAR and rule.on_unclear is OnUnclear.REFUSE:
        return False
    return not _exceeds(-measured.value, limit=rule.tolerance)


def _exceeds(lost: float, *, limit: float | None) -> bool:
    return limit is not None and round(lost, _DIGITS) > limit


def _losses(pairs: Sequence[Pair]) -> list[ClassLoss]:
    """Classes whose recall fell, the greatest loss first."""
    candidate = counts_by_class([(pair.true, pair.candidate) for pair in pairs])
    active = counts_by_class([(pair.true, pair.active) for pair in pairs])
    labelled = {name for pair in pairs for name in pair.true}
    lost = [
        ClassLoss(
            name=name,
            recall_lost=round(active[name].recall - candidate[name].recall, _DIGITS),
            documents=active[name].true_positives + active[name].false_negatives,
        )
        for name in labelled
    ]
    return sorted((loss for loss in lost if loss.recall_lost > 0), key=lambda loss: (-loss.recall_lost, loss.name))


def _in_words(losses: Sequence[ClassLoss]) -> str:
    named = [f"{loss.name} lost {loss.recall_lost:.2f} of recall" for loss in losses[:NAMED_LOSSES]]
    more = len(losses) - len(named)
    return ", ".join([*named, f"{more} more classes"] if more else named)


def _paired_reason(
    rule: GateRule, measured: Difference, verdict: Verdict, *, spread: float, needed: int | None, active_label: str
) -> str:
    name, documents = rule.metric.value, measured.documents
    figures = (
        f"{name} is {measured.candidate:.3f} on {documents} golden documents, and that of the active model "
        f"{active_label} {measured.active:.3f} on the same ones"
    )
    if verdict is Verdict.UNCLEAR:
        more = f": about {needed} golden documents would settle it" if needed else ""
        by = "the estimate decides" if rule.on_unclear is OnUnclear.BY_ESTIMATE else "on_unclear says to refuse"
        why = f"as the difference of {measured.value:+.3f} is only known to {spread:.3f}"
        why += (
            f", more than the tolerance of {rule.tolerance:g}" if spread > rule.tolerance else " by too few documents"
        )
        return f"{figures}; unclear, {why}{more}; {by}"
    said = {
        Verdict.BETTER: "better",
        Verdict.AS_GOOD: f"as good, within the tolerance of {rule.tolerance:g}",
        Verdict.WORSE: f"worse by more than the tolerance of {rule.tolerance:g}",
    }[verdict]
    return f"{figures}: {said} (difference {measured.value:+.3f}, give or take {spread:.3f})"


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
