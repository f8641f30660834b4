"""Trained classifiers by the guid of their model: in memory, and in a folder if one is given."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from language_emulator.classifier.model import Classifier


class ClassifierStore:
    """A classifier on disk is read when first asked for and then stays in memory."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._classifiers: dict[str, Classifier] = {}

    def save(self, guid: str, classifier: Classifier) -> None:
        self._classifiers[guid] = classifier
        if self._folder is not None:
            from language_emulator.classifier.model import save_classifier

            save_classifier(classifier, self._folder / guid)

    def delete(self, guid: str) -> None:
        self._classifiers.pop(guid, None)
        if self._folder is not None:
            shutil.rmtree(self._folder / guid, ignore_errors=True)

    def find(self, guid: str) -> Classifier | None:
        if guid not in self._classifiers and self._folder is not None:
            from language_emulator.classifier.model import load_classifier

            try:
                self._classifiers[guid] = load_classifier(self._folder / guid)
            except FileNotFoundError:
                return None
        return self._classifiers.get(guid)
