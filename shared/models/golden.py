"""Golden documents: labelled documents that the service never trains on, so that models can be judged by them. Pure."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from shared.language.authoring_values import LabelledDocument

# As labels files name the two sides.
TRAINING, GOLDEN = "Train", "Test"
_SCALE = 10_000


@dataclass(frozen=True)
class Split:
    """A labels file's documents on their two sides."""

    training: list[LabelledDocument]
    golden: list[LabelledDocument]

    @property
    def named(self) -> list[LabelledDocument]:
        """All documents, each with its side as its `dataset`."""
        sides = ((TRAINING, self.training), (GOLDEN, self.golden))
        return [replace(document, dataset=name) for name, documents in sides for document in documents]


@dataclass(frozen=True)
class MissingSide:
    """A class that one side has too few documents of, and how many more it takes."""

    name: str
    is_golden: bool
    has: int
    missing: int


def split(documents: Iterable[LabelledDocument], *, percent: int) -> Split:
    """Put each document on its side: the one that the labels file names, else the one that its location's hash gives.

    `percent` of them are golden, on average. The side rests on nothing but the document's own location, so that
    a document never changes sides when others are added.
    """
    sides = Split([], [])
    for document in documents:
        (sides.golden if is_golden(document, percent=percent) else sides.training).append(document)
    return sides


def is_golden(document: LabelledDocument, *, percent: int) -> bool:
    """Whether models are judged by the document, and not trained on it."""
    if document.dataset in (TRAINING, GOLDEN):
        return document.dataset == GOLDEN
    digest = hashlib.sha256(b"golden\0" + document.location.encode()).digest()
    return int.from_bytes(digest[:8], "big") % _SCALE < percent * _SCALE // 100


def missing_sides(sides: Split, classes: Collection[str], *, training: int, golden: int) -> list[MissingSide]:
    """Classes that have fewer than `training` documents to train on, or fewer than `golden` to be judged by."""
    found = []
    for documents, least, is_golden_side in ((sides.training, training, False), (sides.golden, golden, True)):
        counts = Counter(name for document in documents for name in document.classes)
        found += [
            MissingSide(name, is_golden_side, counts[name], least - counts[name])
            for name in classes
            if counts[name] < least
        ]
    return found
