"""Models of the emulator's classifier, and what they answer for documents that none of them was trained on.

The classifier is called without the service around it: a model here is one `fit_classifier`, as a training makes it
(bench/classifier.py goes the whole way). Answers are kept in build/bench/trust, by what they depend on.

A corpus is seen in one or two ways:

newsgroups        single label: the group
newsgroups-topics multi label: the group, and the part of its name before the first dot ("sci.space": "sci" too)
packages          multi label: what people have tagged the package with
packages-one      single label: the packages that have one tag only
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

import language_emulator.classifier
from bench.report import FOLDER
from language_emulator.classifier.fitting import fit_classifier
from shared.models.statistics import Classes, counts_by_class

# By name: the folder of the corpus, and whether a document has exactly one class.
VIEWS = {
    "newsgroups": ("newsgroups", True),
    "newsgroups-topics": ("newsgroups", False),
    "packages": ("packages", False),
    "packages-one": ("packages", True),
}


@dataclass(frozen=True)
class Corpus:
    """One view of a corpus. `unseen` documents are those that models are judged by."""

    classes: tuple[str, ...]
    is_single: bool
    training: tuple[tuple[str, Classes], ...]
    unseen: tuple[tuple[str, Classes], ...]

    @property
    def true(self) -> list[Classes]:
        return [classes for _, classes in self.unseen]


@dataclass(frozen=True)
class Model:
    """Trained on these documents of a view. Of their labels, `spoiled` (0 to 1) were dealt out again at random."""

    view: str
    documents: tuple[int, ...]
    spoiled: float = 0.0


# For each unseen document the classes and their confidences.
Answers = list[dict[str, float]]


def answered_classes(answers: Answers) -> list[Classes]:
    return [frozenset(each) for each in answers]


def micro_f1(true: Sequence[Classes], answered: Sequence[Classes]) -> float:
    counts = counts_by_class(list(zip(true, answered, strict=True))).values()
    right = sum(each.true_positives for each in counts)
    return 2 * right / (2 * right + sum(each.false_positives + each.false_negatives for each in counts))


def answers_of(model: Model, data: Path) -> Answers:
    """From the cache, else from a training."""
    path = FOLDER / "trust" / f"{_key(model, data)}.json"
    if path.is_file():
        kept: Answers = json.loads(path.read_text(encoding="utf-8"))
        return kept
    answers = _train_and_answer(model, load_view(model.view, data))
    path.parent.mkdir(parents=True, exist_ok=True)
    # Other processes may read or write the same.
    unfinished = path.with_suffix(f".{os.getpid()}")
    unfinished.write_text(json.dumps(answers), encoding="utf-8")
    unfinished.replace(path)
    return answers


def _train_and_answer(model: Model, corpus: Corpus) -> Answers:
    labels = [corpus.training[number][1] for number in model.documents]
    random = Random(len(labels))
    changed = random.sample(range(len(labels)), round(model.spoiled * len(labels)))
    for place, other in zip(changed, random.sample(changed, len(changed)), strict=True):
        labels[place] = corpus.training[model.documents[other]][1]
    classifier = fit_classifier(
        [corpus.training[number][0] for number in model.documents],
        [sorted(each) for each in labels],
        corpus.classes,
        single_label=corpus.is_single,
        on_progress=lambda _: None,
    )
    found = classifier.classify([text for text, _ in corpus.unseen])
    return [{score.name: score.confidence for score in scores} for scores in found]


@lru_cache(maxsize=len(VIEWS))
def load_view(name: str, data: Path) -> Corpus:
    folder_name, is_single = VIEWS[name]
    folder = data / folder_name
    labels = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    names = labels["intentNames"]
    training = [
        (folder / each["location"], [names[place] for place in each["intents"]]) for each in labels["documents"]
    ]
    unseen = [(folder / "new" / document, classes) for document, classes in expected.items()]
    parts = [
        tuple((_text(path), classes) for path, given in part if (classes := view(name, given)) is not None)
        for part in (training, unseen)
    ]
    found = {each for part in parts for _, classes in part for each in classes}
    return Corpus(tuple(sorted(found)), is_single, training=parts[0], unseen=parts[1])


def view(name: str, classes: Sequence[str]) -> Classes | None:
    """What a document's classes are in a view; None where the view has no such document."""
    if name == "newsgroups-topics":
        return frozenset(classes) | {each.partition(".")[0] for each in classes}
    if name == "packages-one" and len(classes) != 1:
        return None
    return frozenset(classes)


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", errors="replace")


def _key(model: Model, data: Path) -> str:
    said: list[Any] = [model.view, model.documents, model.spoiled, str(data.resolve()), _version(data)]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:24]


@lru_cache
def _version(data: Path) -> str:
    """Of the classifier, of this module and of the corpora: models of another one do not count."""
    package = Path(language_emulator.classifier.__file__).parent
    files = [*sorted(package.glob("*.py")), Path(__file__), *sorted(data.glob("*/labels.json"))]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()
