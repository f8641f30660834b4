"""Precision, recall and F1 as the service publishes them.

Micro figures come from the summed counts of all classes, macro figures are means over classes. Two rules are not
documented and chosen here: a figure whose denominator is zero is 0, and only classes that some test document has are
listed and averaged (the portal leaves the others out). A wrong prediction of an unlisted class still counts in micro.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from language_emulator.projects.records import ClassCounts, Evaluation


@dataclass(frozen=True)
class Scores:
    """Precision, recall and their harmonic mean."""

    precision: float
    recall: float
    f1: float


def class_scores(counts: ClassCounts) -> Scores:
    precision = _ratio(counts.true_positives, counts.true_positives + counts.false_positives)
    recall = _ratio(counts.true_positives, counts.true_positives + counts.false_negatives)
    return Scores(precision, recall, _ratio(2 * precision * recall, precision + recall))


def micro_scores(evaluation: Evaluation) -> Scores:
    counts = evaluation.classes.values()
    return class_scores(
        ClassCounts(
            true_positives=sum(count.true_positives for count in counts),
            false_positives=sum(count.false_positives for count in counts) + evaluation.stray_false_positives,
            false_negatives=sum(count.false_negatives for count in counts),
        )
    )


def macro_scores(evaluation: Evaluation) -> Scores:
    scores = [class_scores(counts) for counts in evaluation.classes.values()]
    count = len(scores)
    return Scores(
        _ratio(sum(score.precision for score in scores), count),
        _ratio(sum(score.recall for score in scores), count),
        _ratio(sum(score.f1 for score in scores), count),
    )


def evaluate(
    classes: Sequence[str], labelled: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]], *, single_label: bool
) -> Evaluation:
    """Count predictions against labels, document by document."""
    counts = {name: ClassCounts() for name in classes}
    for truth, answer in zip(labelled, predicted, strict=True):
        for name in classes:
            _count(counts[name], name in truth, name in answer)
    tested = {name for truth in labelled for name in truth}
    return Evaluation(
        classes={name: count for name, count in counts.items() if name in tested},
        stray_false_positives=sum(count.false_positives for name, count in counts.items() if name not in tested),
        confusion=_confusion(classes, labelled, predicted) if single_label else None,
    )


def _count(counts: ClassCounts, is_labelled: bool, is_predicted: bool) -> None:
    if is_labelled and is_predicted:
        counts.true_positives += 1
    elif is_predicted:
        counts.false_positives += 1
    elif is_labelled:
        counts.false_negatives += 1
    else:
        counts.true_negatives += 1


def _confusion(
    classes: Sequence[str], labelled: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]
) -> dict[str, dict[str, int]]:
    """Rows are predicted, columns are labelled classes: the docs read false positives along a row."""
    matrix = {row: dict.fromkeys(classes, 0) for row in classes}
    for truth, answer in zip(labelled, predicted, strict=True):
        matrix[answer[0]][truth[0]] += 1
    return matrix


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
