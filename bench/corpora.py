"""What the classifier is measured on: public corpora beside the repository, and texts without spaces made here."""

from __future__ import annotations

import json
import os
from pathlib import Path

from language_emulator.testing.names import TOPICS, labelled_names

VARIABLE = "PIGEONHOLE_CORPORA"
# Of each topic.
NAMES_LABELLED, NAMES_NEW = 120, 200


def corpora_folder() -> Path:
    """$PIGEONHOLE_CORPORA, else ../shared/data. Raises SystemExit that says what to give instead."""
    folder = Path(os.environ.get(VARIABLE) or Path(__file__).resolve().parent.parent.parent / "shared" / "data")
    if not folder.is_dir():
        raise SystemExit(f"no corpora in {folder}: set {VARIABLE}, or name a folder on the command line (see --help)")
    return folder


def write_names(folder: Path, language: str) -> None:
    """A corpus in the form of the public ones, of a language that puts no spaces between words."""
    labelled = labelled_names(language, NAMES_LABELLED, seed=1)
    new = labelled_names(language, NAMES_NEW, seed=2)
    documents = [
        {"location": f"train/{number}.txt", "culture": "en-us", "intents": [TOPICS.index(topic)]}
        for number, (_, topic) in enumerate(labelled)
    ]
    _write_texts(folder / "train", [text for text, _ in labelled])
    _write_texts(folder / "new", [text for text, _ in new])
    labels = {"intentNames": list(TOPICS), "documents": documents}
    (folder / "labels.json").write_text(json.dumps(labels), encoding="utf-8")
    expected = {f"{number}.txt": [topic] for number, (_, topic) in enumerate(new)}
    (folder / "expected.json").write_text(json.dumps(expected), encoding="utf-8")


def _write_texts(folder: Path, texts: list[str]) -> None:
    folder.mkdir(parents=True)
    for number, text in enumerate(texts):
        (folder / f"{number}.txt").write_text(text, encoding="utf-8")
