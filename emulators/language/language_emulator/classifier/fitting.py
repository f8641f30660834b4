"""Train a classifier on labelled texts. The same texts in the same order give the same model."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from language_emulator.classifier.calibration import Sigmoids, Softmax, default_sigmoids, fit_sigmoids, fit_softmax
from language_emulator.classifier.features import learn_features
from language_emulator.classifier.margins import fit_machines, out_of_fold_margins
from language_emulator.classifier.model import Classifier

OnProgress = Callable[[float], None]


def fit_classifier(
    texts: Sequence[str],
    labels: Sequence[Sequence[str]],
    classes: Sequence[str],
    *,
    single_label: bool,
    on_progress: OnProgress,
) -> Classifier:
    """`on_progress` gets numbers from 0 to 1. ValueError when the texts hold no words."""
    features = learn_features(texts)
    rows = features.rows(texts)
    assigned = np.array([[name in given for name in classes] for given in labels], dtype=np.bool_)
    on_progress(0.2)
    margins = out_of_fold_margins(rows, assigned, lambda fold, folds: on_progress(0.2 + 0.6 * fold / folds))
    machines = fit_machines(rows, assigned)
    on_progress(0.95)
    calibration: Softmax | Sigmoids
    if single_label:
        calibration = Softmax() if margins is None else fit_softmax(margins, assigned)
    else:
        calibration = default_sigmoids(len(classes)) if margins is None else fit_sigmoids(margins, assigned)
    on_progress(1.0)
    return Classifier(list(classes), features, machines, calibration)
