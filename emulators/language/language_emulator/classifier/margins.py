"""One linear SVM per class, and margins for documents a machine has not seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

FOLDS = 5
SEED = 20211102
# Softer than the usual 1.0: better on few documents, no worse on many.
REGULARISATION = 0.5

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class LinearMachines:
    """Weights of shape (terms, classes) and one intercept per class. A positive margin speaks for the class."""

    weights: Floats
    intercepts: Floats

    def margins(self, rows: Any) -> Floats:
        result: Floats = (rows @ self.weights) + self.intercepts
        return result


def fit_machines(rows: Any, labels: Bools) -> LinearMachines:
    """A class that no document has, or every one, gets a constant margin of -1 or +1: there is nothing to learn."""
    from sklearn.svm import LinearSVC

    weights = np.zeros((rows.shape[1], labels.shape[1]), dtype=np.float32)
    intercepts = np.where(labels.all(axis=0), 1.0, -1.0).astype(np.float32)
    for column in range(labels.shape[1]):
        positive = labels[:, column]
        if positive.all() or not positive.any():
            continue
        machine = LinearSVC(C=REGULARISATION, random_state=SEED).fit(rows, positive)
        weights[:, column] = machine.coef_[0]
        intercepts[column] = machine.intercept_[0]
    return LinearMachines(weights, intercepts)


def out_of_fold_margins(rows: Any, labels: Bools, on_fold: Callable[[int, int], None]) -> Floats | None:
    """For each document the margins of machines trained without it; None when there are too few documents to spare.

    By hand: in a fold without a document of some class, cross_val_predict over OneVsRestClassifier warns and gives 0
    or 1 instead of a margin.
    """
    count = labels.shape[0]
    folds = min(FOLDS, count // 2)
    if folds < 2:
        return None
    fold_of = np.random.default_rng(SEED).permutation(count) % folds
    margins = np.zeros(labels.shape, dtype=np.float32)
    for fold in range(folds):
        held_out = fold_of == fold
        margins[held_out] = fit_machines(rows[~held_out], labels[~held_out]).margins(rows[held_out])
        on_fold(fold + 1, folds)
    return margins
