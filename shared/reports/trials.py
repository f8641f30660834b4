"""How a model did on the golden documents: by class, confused classes, calibration, and what could be accepted."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pydantic import Field

from shared.language.values import ProjectKind
from shared.models.acceptance import AcceptanceRule, Right, is_right, result_confidence
from shared.models.project_settings import ProjectSettingsStore
from shared.models.statistics import Classes, counts_by_class, lower_bound
from shared.models.threshold import GRID
from shared.models.trial import Trial, TrialDocument, TrialStore
from shared.reports.bodies import Body

TENTHS = 10


class TrialClass(Body):
    """A class on the golden documents; `documents` are labelled with it."""

    name: str
    documents: int
    precision: float
    recall: float
    f1: float


class Confused(Body):
    """Golden documents with that label and that answer.

    Where a document has several, a class that is both counts for itself, and each missed one for each that was answered
    in its place. `answered` is null where nothing was, `labelled` where there is no label left for the answer.
    """

    labelled: str | None
    answered: str | None
    documents: int


class Calibrated(Body):
    """Results by a tenth of their confidence: how sure they were on average, and how many were right."""

    from_: float = Field(alias="from")
    to: float
    documents: int
    right: int
    mean_confidence: float


class AcceptancePoint(Body):
    """What would be accepted from that confidence on; at least `at_least` of it is right, with the confidence
    that the project asks for, or 0.9."""

    threshold: float
    accepted: int
    right: int
    at_least: float


class TrialBody(Body):
    """GET .../models/{model}/trial. `failed` golden documents got no answer; `documents` counts the others.

    `right` says when a result counts as right: as the project asks, else when it is exact.
    """

    project: str
    model: str
    kind: ProjectKind
    right: Right
    documents: int
    failed: int
    per_class: list[TrialClass]
    confusion: list[Confused]
    calibration: list[Calibrated]
    acceptance_curve: list[AcceptancePoint]


@dataclass(frozen=True)
class _Result:
    confidence: float
    is_right: bool


@dataclass(frozen=True)
class TrialReport:
    """Looks up what a model answered for the golden documents."""

    trials: TrialStore
    project_settings: ProjectSettingsStore

    def __call__(self, project: str, *, model: str) -> TrialBody | None:
        """None for a model that was not tried. Two calls. Raises StateUnreadableError."""
        trial = self.trials.find(project, label=model)
        if trial is None:
            return None
        rule = self.project_settings.get(project).acceptance or AcceptanceRule()
        return trial_body(trial, rule)


def trial_body(trial: Trial, rule: AcceptanceRule) -> TrialBody:
    documents = trial.answered
    results = _results(documents, rule.right)
    return TrialBody(
        project=trial.project,
        model=trial.label,
        kind=trial.kind,
        right=rule.right,
        documents=len(documents),
        failed=len(trial.documents) - len(documents),
        per_class=_per_class(documents),
        confusion=confusion(documents),
        calibration=_calibration(results),
        acceptance_curve=_acceptance_curve(results, confidence=rule.confidence),
    )


def confusion(documents: Iterable[TrialDocument]) -> list[Confused]:
    """The most frequent first."""
    pairs: Counter[tuple[str | None, str | None]] = Counter()
    nothing: list[str | None] = [None]
    for document in documents:
        true, answered = _classes(document)
        missed, added = sorted(true - answered), sorted(answered - true)
        pairs.update((name, name) for name in true & answered)
        pairs.update((one, other) for one in missed or nothing for other in added or nothing if one or other)
    return [
        Confused(labelled=labelled, answered=answered, documents=number)
        for (labelled, answered), number in sorted(
            pairs.items(), key=lambda item: (-item[1], item[0][0] or "", item[0][1] or "")
        )
    ]


def _classes(document: TrialDocument) -> tuple[Classes, Classes]:
    return frozenset(document.labels), frozenset(each.name for each in document.classes)


def _results(documents: Iterable[TrialDocument], right: Right) -> list[_Result]:
    """Of the documents with an answer: one without a class has no confidence."""
    found = []
    for document in documents:
        confidence = result_confidence(each.confidence for each in document.classes)
        if confidence is not None:
            true, answered = _classes(document)
            found.append(_Result(confidence, is_right(true, answered, right)))
    return found


def _per_class(documents: Sequence[TrialDocument]) -> list[TrialClass]:
    counts = counts_by_class([_classes(document) for document in documents])
    return [
        TrialClass(
            name=name,
            documents=each.true_positives + each.false_negatives,
            precision=each.precision,
            recall=each.recall,
            f1=each.f1,
        )
        for name, each in sorted(counts.items())
    ]


def _calibration(results: Sequence[_Result]) -> list[Calibrated]:
    """Only tenths in which there are results; the last includes 1."""
    tenths: dict[int, list[_Result]] = {}
    for result in results:
        tenths.setdefault(min(int(result.confidence * TENTHS), TENTHS - 1), []).append(result)
    return [
        Calibrated(
            from_=tenth / TENTHS,
            to=(tenth + 1) / TENTHS,
            documents=len(found),
            right=sum(each.is_right for each in found),
            mean_confidence=math.fsum(each.confidence for each in found) / len(found),
        )
        for tenth, found in sorted(tenths.items())
    ]


def _acceptance_curve(results: Sequence[_Result], *, confidence: float) -> list[AcceptancePoint]:
    """From the surest confidence down, without those that accept no more than the one before."""
    points: list[AcceptancePoint] = []
    for threshold in GRID:
        accepted = [result for result in results if result.confidence >= threshold]
        if accepted and (not points or points[-1].accepted < len(accepted)):
            right = sum(each.is_right for each in accepted)
            at_least = lower_bound(right, of=len(accepted), confidence=confidence)
            points.append(AcceptancePoint(threshold=threshold, accepted=len(accepted), right=right, at_least=at_least))
    return points
