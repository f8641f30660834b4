"""What documents were classified as, by day and model, how often that is right by estimate, and whether it has drifted.

All of it is read from the metadata of closed batches, in listings: one call for each day, and one for each model's
trial. (metrics.py writes the log lines of alerts, which are about something else.)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from pydantic import Field

from shared.batches.answer_counts import AnswerCounts
from shared.batches.batch import Batches, BatchFacts
from shared.durable.store import newest_days
from shared.errors import StateUnreadableError
from shared.models.calibration import Calibration, calibrate
from shared.models.distribution import Distribution, add_up
from shared.models.drift import Direction, Drift, find_drift
from shared.models.trial import TrialStore, trial_distribution
from shared.reports.bodies import Body

MAX_DAYS = 30
# Of the models used last; a trial is a blob of up to a thousand documents.
COMPARED_MODELS = 3


class MetricsOfDay(Body):
    """What one model classified of the batches that were planned on a day. `project` and `model` are null for batches
    of a release that did not count, of which only `documents` are known, failures among them.

    `classes` counts documents by class, `confidence` by tenth, the lowest first; those `without_class` are in neither.
    `other_classes` counts classes that did not fit into a batch's metadata, once for each document.
    """

    day: date
    project: str | None
    model: str | None
    documents: int
    without_class: int
    classes: dict[str, int]
    other_classes: int
    confidence: list[int]
    accepted: int
    review: int
    estimated_accuracy: float | None


class DriftBody(Body):
    """Whether `documents`, the newest or all, differ from the trial's in class or confidence by more than chance does.

    `class_` is the class that moved most: `share` of these documents have it, and `share_in_trial` of the trial's.
    `confidence` says where confidences have moved, whatever the classes.
    """

    has_left: bool
    p_value: float
    documents: int
    class_: str | None = Field(alias="class")
    share: float
    share_in_trial: float
    confidence: Direction | None


class MetricsOfModel(Body):
    """All days of one model. `estimated_accuracy` and `drift` are null without a trial of 30 documents; `drift` also
    while there are fewer than 50 documents."""

    project: str
    model: str
    kind: str
    documents: int
    estimated_accuracy: float | None
    drift: DriftBody | None


class Metrics(Body):
    """GET /api/metrics. `models` begins with the one used last; the first three are compared with their trials.

    `listed_all` is false where a day has more batches than were listed: 5,000, which are a random sample of it.
    `problems` names trials that cannot be read.
    """

    as_of: datetime
    days: list[MetricsOfDay]
    models: list[MetricsOfModel]
    listed_all: bool
    problems: list[str]


@dataclass(frozen=True)
class _Model:
    """None for both where a batch does not say."""

    project: str | None = None
    label: str | None = None


@dataclass(frozen=True)
class _Counted:
    """A closed batch: when it was planned, by which model it was classified, and what its metadata count."""

    created: datetime
    id: str
    kind: str
    answers: AnswerCounts


# Batches by day and by model, days oldest first, batches in the order of their planning.
_ByDay = dict[date, dict[_Model, list[_Counted]]]


@dataclass(frozen=True)
class MetricsReport:
    """Adds up what closed batches have counted."""

    batches: Batches
    trials: TrialStore

    def __call__(self, days: int) -> Metrics:
        """The last `days`, today's among them; as many listings."""
        by_day, listed_all = self._list(days)
        problems: list[str] = []
        models = _last_used_first(by_day)
        found = {model: _Comparison(None, None) for model in models}
        for model in models[:COMPARED_MODELS]:
            found[model] = self._compare(model, by_day, problems)
        return Metrics(
            as_of=self.batches.clock(),
            days=[
                _of_day(day, model, counted, found.get(model))
                for day, by_model in reversed(by_day.items())
                for model, counted in by_model.items()
            ],
            models=[_of_model(model, by_day, found[model]) for model in models],
            listed_all=listed_all,
            problems=problems,
        )

    def _list(self, days: int) -> tuple[_ByDay, bool]:
        by_day: _ByDay = {}
        listed_all = True
        for day in reversed(list(newest_days(self.batches.clock(), days))):
            listed, is_all = self.batches.store.list_closed_on(day)
            listed_all = listed_all and is_all
            by_model: dict[_Model, list[_Counted]] = defaultdict(list)
            for each in listed:
                if each.facts is not None and (each.facts.answers is None or each.facts.answers.classified):
                    model, counted = _read(each.id, each.facts)
                    by_model[model].append(counted)
            by_day[day] = {
                model: sorted(counted, key=lambda each: (each.created, each.id)) for model, counted in by_model.items()
            }
        return by_day, listed_all

    def _compare(self, model: _Model, by_day: _ByDay, problems: list[str]) -> _Comparison:
        try:
            trial = self.trials.find(model.project or "", label=model.label or "")
        except StateUnreadableError as error:
            problems.append(str(error))
            return _Comparison(None, None)
        if trial is None:
            return _Comparison(None, None)
        stream = [[_distribution(each.answers) for each in by_model.get(model, [])] for by_model in by_day.values()]
        return _Comparison(calibrate(trial), find_drift(trial_distribution(trial), stream))


@dataclass(frozen=True)
class _Comparison:
    """What a model's trial says of its documents; None where there is no trial, or too small a one."""

    calibration: Calibration | None
    drift: Drift | None

    def estimate(self, documents: Distribution) -> float | None:
        if self.calibration is None:
            return None
        accuracy = self.calibration.accuracy(documents)
        return None if accuracy is None else round(accuracy, 4)


def _read(batch_id: str, facts: BatchFacts) -> tuple[_Model, _Counted]:
    by, answers = facts.answered_by, facts.answers
    if answers is None or by is None:
        # Of an earlier release: how many of its documents were classified is not known.
        answers = answers or AnswerCounts(classified=facts.documents)
        return _Model(), _Counted(facts.created, batch_id, "", answers)
    return _Model(by.project, by.label), _Counted(facts.created, batch_id, by.kind.value, answers)


def _last_used_first(by_day: _ByDay) -> list[_Model]:
    last = {
        model: counted[-1].created
        for by_model in by_day.values()
        for model, counted in by_model.items()
        if model.label is not None
    }
    return sorted(last, key=lambda model: last[model], reverse=True)


def _distribution(answers: AnswerCounts) -> Distribution:
    return Distribution(answers.classified, answers.classes, answers.confidence, answers.other_classes)


def _total(counted: Iterable[_Counted]) -> Distribution:
    return add_up(_distribution(each.answers) for each in counted)


def _of_day(day: date, model: _Model, counted: list[_Counted], comparison: _Comparison | None) -> MetricsOfDay:
    total = _total(counted)
    return MetricsOfDay(
        day=day,
        project=model.project,
        model=model.label,
        documents=total.documents,
        without_class=total.without_class if comparison else 0,
        classes=dict(sorted(total.classes.items())),
        other_classes=total.other_classes,
        confidence=list(total.confidence),
        accepted=sum(each.answers.accepted for each in counted),
        review=sum(each.answers.review for each in counted),
        estimated_accuracy=comparison.estimate(total) if comparison else None,
    )


def _of_model(model: _Model, by_day: _ByDay, comparison: _Comparison) -> MetricsOfModel:
    counted = [each for by_model in by_day.values() for each in by_model.get(model, [])]
    total = _total(counted)
    return MetricsOfModel(
        project=model.project or "",
        model=model.label or "",
        kind=counted[-1].kind,
        documents=total.documents,
        estimated_accuracy=comparison.estimate(total),
        drift=None if comparison.drift is None else _drift_body(comparison.drift),
    )


def _drift_body(drift: Drift) -> DriftBody:
    return DriftBody(
        has_left=drift.has_left,
        p_value=drift.p_value,
        documents=drift.documents,
        class_=drift.name,
        share=round(drift.share, 4),
        share_in_trial=round(drift.share_in_trial, 4),
        confidence=drift.confidence,
    )
