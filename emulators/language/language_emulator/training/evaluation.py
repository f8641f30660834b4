"""Precision, recall and F1 as the service publishes them, counted by scikit-learn.

Micro figures come from the summed counts of all classes, macro figures are means over classes. Two rules are not
documented and chosen here: a figure whose denominator is zero is 0, and only classes that some test document has are
listed and averaged (the portal leaves the others out). A wrong prediction of an unlisted class still counts in micro.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from language_emulator.projects.records import ClassResult, Evaluation, Scores


def evaluate(
    classes: Sequence[str], labelled: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]], *, single_label: bool
) -> Evaluation:
    """Compare predictions with labels, document by document."""
    from sklearn.metrics import multilabel_confusion_matrix

    truth, answers = _indicators(classes, labelled), _indicators(classes, predicted)
    every = range(len(classes))
    tested = [column for column in every if truth[:, column].any()]
    counts = multilabel_confusion_matrix(truth, answers, labels=tested).tolist() if tested else []
    return Evaluation(
        classes={
            classes[column]: ClassResult(
                true_negatives=true_negatives,
                false_positives=false_positives,
                false_negatives=false_negatives,
                true_positives=true_positives,
                scores=_scores(truth, answers, [column], "micro"),
            )
            for column, ((true_negatives, false_positives), (false_negatives, true_positives)) in zip(
                tested, counts, strict=True
            )
        },
        micro=_scores(truth, answers, every, "micro"),
        macro=_scores(truth, answers, tested, "macro"),
        confusion=_confusion(classes, labelled, predicted) if single_label else None,
    )


def _indicators(classes: Sequence[str], documents: Sequence[Sequence[str]]) -> Any:
    """A row for each document, a column for each class and one more, always empty.

    With a single column scikit-learn would see a binary problem and score the absence of the class as well.
    """
    import numpy as np

    return np.array([[*(name in given for name in classes), False] for given in documents], dtype=np.bool_)


def _scores(truth: Any, answers: Any, columns: Sequence[int], average: str) -> Scores:
    from sklearn.metrics import precision_recall_fscore_support

    if not columns:
        return Scores()
    precision, recall, f1, _ = precision_recall_fscore_support(
        truth, answers, labels=list(columns), average=average, zero_division=0
    )
    return Scores(precision=precision, recall=recall, f1=f1)


def _confusion(
    classes: Sequence[str], labelled: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]
) -> dict[str, dict[str, int]]:
    """Rows are predicted, columns are labelled classes: the docs read false positives along a row."""
    from sklearn.metrics import confusion_matrix

    first = [given[0] for given in labelled]
    matrix = confusion_matrix([answer[0] for answer in predicted], first, labels=list(classes)).tolist()
    return {row: dict(zip(classes, cells, strict=True)) for row, cells in zip(classes, matrix, strict=True)}
