"""A model's evaluation as the app keeps it and shows it, and two of them compared. Pure."""

from __future__ import annotations

from dataclasses import asdict

from pydantic import BaseModel, ConfigDict

from shared.language.authoring_values import Evaluation
from shared.models.gate import Metric

# Deltas are rounded to this many digits, so that binary fractions do not show.
_DIGITS = 6


class _Frozen(BaseModel):
    # Fields of a newer release are ignored, so that a roll-back can read the records it finds.
    model_config = ConfigDict(defer_build=True, frozen=True, extra="ignore")


class ClassFigures(_Frozen):
    """One class on the test set; precision, recall and F1 are 0 to 1."""

    precision: float
    recall: float
    f1: float
    true_positives: int
    true_negatives: int
    false_positives: int
    false_negatives: int


class EvaluationFigures(_Frozen):
    """The evaluation of the model `label`; metrics are 0 to 1."""

    label: str
    micro_f1: float
    micro_precision: float
    micro_recall: float
    macro_f1: float
    macro_precision: float
    macro_recall: float
    classes: dict[str, ClassFigures]


class ClassDelta(_Frozen):
    """By how much the second model is better (above 0) or worse (below 0) at one class."""

    precision: float
    recall: float
    f1: float


class Comparison(_Frozen):
    """Second model minus first, as a whole and by class; a class that only one of them knows has no delta."""

    models: tuple[str, str]
    delta: dict[Metric, float]
    classes: dict[str, ClassDelta | None]


def evaluation_figures(label: str, evaluation: Evaluation) -> EvaluationFigures:
    return EvaluationFigures(
        label=label,
        micro_f1=evaluation.micro_f1,
        micro_precision=evaluation.micro_precision,
        micro_recall=evaluation.micro_recall,
        macro_f1=evaluation.macro_f1,
        macro_precision=evaluation.macro_precision,
        macro_recall=evaluation.macro_recall,
        classes={name: ClassFigures(**asdict(each)) for name, each in evaluation.classes.items()},
    )


def compare(first: EvaluationFigures, second: EvaluationFigures) -> Comparison:
    """Positive deltas mean that `second` is better."""
    return Comparison(
        models=(first.label, second.label),
        delta={metric: _delta(first=metric.of(first), second=metric.of(second)) for metric in Metric},
        classes={
            name: _class_delta(first.classes.get(name), second.classes.get(name))
            for name in sorted(first.classes.keys() | second.classes.keys())
        },
    )


def _class_delta(first: ClassFigures | None, second: ClassFigures | None) -> ClassDelta | None:
    if first is None or second is None:
        return None
    return ClassDelta(
        precision=_delta(first=first.precision, second=second.precision),
        recall=_delta(first=first.recall, second=second.recall),
        f1=_delta(first=first.f1, second=second.f1),
    )


def _delta(*, first: float, second: float) -> float:
    return round(second - first, _DIGITS)
