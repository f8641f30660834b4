"""A labels file as it was read, and how it is written: in the form of 2021-07. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from shared.errors import InputProblem, quoted
from shared.language.authoring_values import LabelledDocument
from shared.language.values import ProjectKind


@dataclass
class LabelsFile:
    """A labels file, whatever its form. `problems` are those of the reading; `label_checks` finds the others.

    `placed` are the documents that have a location, by their place in the file. `unread` are the places of documents of
    which something could not be read. A class name that could not be read is kept as "", so that the places of the
    others stay true. `kind` is what the file says of itself, at `kind_place`.
    """

    classes: list[str] = field(default_factory=list)
    placed: dict[str, LabelledDocument] = field(default_factory=dict)
    problems: list[InputProblem] = field(default_factory=list)
    names_place: str = "classes"
    documents_place: str = "documents"
    unread: set[str] = field(default_factory=set)
    kind: ProjectKind | None = None
    kind_place: str = ""

    @property
    def documents(self) -> list[LabelledDocument]:
        return list(self.placed.values())

    @property
    def counts(self) -> dict[str, int]:
        """Labelled documents by class."""
        counts = Counter(name for document in self.placed.values() for name in document.classes)
        return {name: counts[name] for name in self.classes}

    @property
    def unlabelled(self) -> list[LabelledDocument]:
        """Documents that have no class."""
        return [document for document in self.placed.values() if not document.classes]

    def with_added(self, added: Sequence[LabelledDocument]) -> LabelsFile:
        """The same with labels that people gave since: one replaces the label of the same location.

        A document stays on the side that the file has put it on, and keeps the file's language, where the added label
        says nothing of them. Classes that the file does not list come after those that it does.
        """
        places = {document.location: place for place, document in self.placed.items()}
        placed = dict(self.placed)
        for number, document in enumerate(added):
            place = places.setdefault(document.location, f"added[{number}]")
            before = placed.get(place)
            placed[place] = replace(
                document,
                language=document.language or (before.language if before else ""),
                dataset=document.dataset or (before.dataset if before else None),
            )
        named = [name for document in added for name in document.classes]
        return replace(self, classes=list(dict.fromkeys([*self.classes, *named])), placed=placed)

    def kind_fits(self, kind: ProjectKind) -> list[InputProblem]:
        """A single-label project takes exactly one class for each document, and no file for the other kind."""
        if kind is ProjectKind.MULTI:
            return []
        if self.kind is ProjectKind.MULTI:
            what = (
                "the file is for a multi-label project, and this one is single-label; put it into a multi-label one, "
                "or write CustomSingleLabelClassification and give each document one class"
            )
            return [InputProblem(self.kind_place, what)]
        return [
            InputProblem(
                place,
                f"{quoted(document.location)} has {len(document.classes)} classes; a single-label project takes 1",
            )
            for place, document in self.placed.items()
            if len(document.classes) != 1 and place not in self.unread
        ]


def to_july_form(
    labels: LabelsFile, *, language: str = "", documents: Sequence[LabelledDocument] | None = None
) -> bytes:
    """The form of the 2021-07 documentation, which both the preview and this app read.

    `language` is that of documents without one; `documents` are those to write, if not all.
    """
    indexes = {name: index for index, name in enumerate(labels.classes)}
    entries = [
        {
            "location": document.location,
            "culture": document.language or language,
            "intents": [indexes[name] for name in document.classes],
        }
        | ({"dataset": document.dataset} if document.dataset else {})
        for document in (labels.documents if documents is None else documents)
    ]
    return json.dumps({"intentNames": labels.classes, "documents": entries}, ensure_ascii=False, indent=1).encode()
