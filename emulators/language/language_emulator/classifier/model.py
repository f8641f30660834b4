"""A trained classifier: texts in, classes with confidences out; arrays and JSON on disk."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from language_emulator.classifier.calibration import Floats, Sigmoids, Softmax
from language_emulator.classifier.features import TextFeatures
from language_emulator.classifier.margins import LinearMachines

FORMAT = 1


@dataclass(frozen=True)
class ClassScore:
    """A class given to a document, with its calibrated probability."""

    name: str
    confidence: float


@dataclass(frozen=True)
class Classifier:
    """Single label when calibrated by a softmax, multi label when by sigmoids."""

    classes: list[str]
    features: TextFeatures
    machines: LinearMachines
    calibration: Softmax | Sigmoids

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """One row for each text, one column for each class."""
        margins = self.machines.margins(self.features.rows(texts))
        return self.calibration.probabilities(margins)

    def classify(self, texts: Sequence[str]) -> list[list[ClassScore]]:
        """Single label: the best class. Multi label: the classes over their thresholds, best first, perhaps none."""
        if not texts:
            return []
        return [self._assign(row) for row in self.probabilities(texts)]

    def _assign(self, row: Floats) -> list[ClassScore]:
        return [
            ClassScore(self.classes[column], round(float(row[column]), 4)) for column in self.calibration.assigned(row)
        ]


def save_classifier(classifier: Classifier, folder: Path) -> None:
    """Write `classifier.json` and `arrays.npz`. No pickle: reading a model never runs code."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = {
        "inverse_frequencies": classifier.features.inverse_frequencies,
        "weights": classifier.machines.weights,
        "intercepts": classifier.machines.intercepts,
    }
    calibration = classifier.calibration
    if isinstance(calibration, Sigmoids):
        arrays |= {
            "slopes": calibration.slopes,
            "offsets": calibration.offsets,
            "thresholds": calibration.thresholds,
        }
    np.savez(folder / "arrays.npz", allow_pickle=False, **arrays)
    described = {
        "format": FORMAT,
        "classes": classifier.classes,
        "sharpness": calibration.sharpness if isinstance(calibration, Softmax) else None,
        "terms": classifier.features.terms,
    }
    # Last: a folder without it is an unfinished write.
    (folder / "classifier.json").write_text(json.dumps(described, ensure_ascii=False), encoding="utf-8")


def load_classifier(folder: Path) -> Classifier:
    described = json.loads((folder / "classifier.json").read_text(encoding="utf-8"))
    if described["format"] != FORMAT:
        raise ValueError(f"{folder} holds a model of format {described['format']}, not {FORMAT}")
    with np.load(folder / "arrays.npz", allow_pickle=False) as arrays:
        calibration: Softmax | Sigmoids
        if described["sharpness"] is not None:
            calibration = Softmax(described["sharpness"])
        else:
            calibration = Sigmoids(arrays["slopes"], arrays["offsets"], arrays["thresholds"])
        return Classifier(
            classes=described["classes"],
            features=TextFeatures(described["terms"], arrays["inverse_frequencies"]),
            machines=LinearMachines(arrays["weights"], arrays["intercepts"]),
            calibration=calibration,
        )
