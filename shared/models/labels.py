"""Labels files: read in any form the service has had, checked strictly, written in the form of 2021-07. Pure.

    2021-07  intentNames[], documents[] {location, culture, intents[index]}
    2021-11  classifiers[] {name}, documents[] {location, language, classifiers[] {classifierName}}
    2022-05  assets {projectKind, classes[] {category}, documents[] {location, language, dataset, class(es) {category}}}

One reading finds all problems, each with its place, so that a long file is not corrected one upload at a time.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.documents.ref import is_document_name
from shared.errors import InputProblem
from shared.language.values import LabelledDocument, ProjectKind

JsonObject = Mapping[str, Any]

# Limits of both generations of the API, the stricter one where they differ:
# https://learn.microsoft.com/azure/ai-services/language-service/custom-text-classification/service-limits
MIN_CLASSES, MAX_CLASSES = 2, 200
MIN_DOCUMENTS = 10
MIN_LABELS_PER_CLASS = 10
MAX_CLASS_NAME = 50
_FORBIDDEN_IN_CLASS = re.compile(r"[:$&%*()+~/?\s]")


@dataclass
class LabelsFile:
    """A labels file, whatever its form. `problems` are those of the reading; `check_labels` finds the others too.

    `placed` are the documents that could be read, by their place in the file. A class name that could not be read is
    kept as "", so that the places of the others stay true.
    """

    classes: list[str] = field(default_factory=list)
    placed: dict[str, LabelledDocument] = field(default_factory=dict)
    problems: list[InputProblem] = field(default_factory=list)
    names_place: str = "classes"
    documents_place: str = "documents"

    @property
    def documents(self) -> list[LabelledDocument]:
        return list(self.placed.values())

    @property
    def counts(self) -> dict[str, int]:
        """Labelled documents by class."""
        counts = Counter(name for document in self.placed.values() for name in document.classes)
        return {name: counts[name] for name in self.classes}

    def kind_fits(self, kind: ProjectKind) -> list[InputProblem]:
        """A single-label project takes exactly one class for each document."""
        if kind is ProjectKind.MULTI:
            return []
        return [
            InputProblem(
                place, f"{document.location!r} has {len(document.classes)} classes; a single-label project takes 1"
            )
            for place, document in self.placed.items()
            if len(document.classes) != 1
        ]


def parse_labels(content: object) -> LabelsFile:
    """Read a labels file of any form; what cannot be read becomes a problem, never an exception."""
    if not isinstance(content, dict):
        return LabelsFile(problems=[InputProblem("", "the labels file is not a JSON object")])
    if isinstance(content.get("assets"), dict):
        return _Form2022(content["assets"]).read()
    if "classifiers" in content:
        return _FormNovember(content).read()
    if "intentNames" in content:
        return _FormJuly(content).read()
    what = "it has none of intentNames (2021-07), classifiers (2021-11) and assets (2022-05)"
    return LabelsFile(problems=[InputProblem("", what)])


class _Form(ABC):
    """One reading of a file in one of the three forms; collects problems."""

    prefix = ""
    names_key: str

    def __init__(self, content: JsonObject) -> None:
        self.content = content
        self.problems: list[InputProblem] = []
        self.names = [
            self._name(entry, f"{self.prefix}{self.names_key}[{number}]")
            for number, entry in self._numbered(content, self.names_key, prefix=self.prefix)
        ]

    @abstractmethod
    def name_of(self, entry: Any) -> object:
        """The class name in an entry of the list of classes; anything but a text is a problem."""

    @abstractmethod
    def classes_of(self, entry: JsonObject, place: str) -> list[str]:
        """The classes of one document; what is not one of the file's classes is a problem."""

    def read(self) -> LabelsFile:
        placed: dict[str, LabelledDocument] = {}
        for number, entry in self._numbered(self.content, "documents", prefix=self.prefix):
            place = f"{self.prefix}documents[{number}]"
            location = entry.get("location") if isinstance(entry, dict) else None
            if not isinstance(location, str) or not location:
                self.report("a document needs a location", place=place)
                continue
            language = _text(entry.get("language", entry.get("culture"))) or ""
            classes = tuple(self.classes_of(entry, place))
            placed[place] = LabelledDocument(location, language, classes, _text(entry.get("dataset")))
        names_place, documents_place = f"{self.prefix}{self.names_key}", f"{self.prefix}documents"
        return LabelsFile(self.names, placed, self.problems, names_place, documents_place)

    def report(self, what: str, *, place: str) -> None:
        self.problems.append(InputProblem(place, what))

    def entries(self, entry: JsonObject, key: str, *, place: str) -> Iterator[tuple[int, Any]]:
        """The labels of a document; none is a valid number of labels."""
        return self._numbered(entry, key, prefix=f"{place}.") if key in entry else iter(())

    def known(self, entry: Any, key: str, *, place: str) -> list[str]:
        name = entry.get(key) if isinstance(entry, dict) else None
        if isinstance(name, str) and name and name in self.names:
            return [name]
        self.report(f"{name!r} is not one of the file's classes", place=place)
        return []

    def _name(self, entry: Any, place: str) -> str:
        name = self.name_of(entry)
        if isinstance(name, str) and name:
            return name
        self.report("a class needs a name", place=place)
        return ""

    def _numbered(self, holder: JsonObject, key: str, *, prefix: str) -> Iterator[tuple[int, Any]]:
        value = holder.get(key)
        if isinstance(value, list):
            return enumerate(value)
        self.report("a list is expected", place=f"{prefix}{key}")
        return iter(())


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


class _FormJuly(_Form):
    names_key = "intentNames"

    def name_of(self, entry: Any) -> object:
        return entry

    def classes_of(self, entry: JsonObject, place: str) -> list[str]:
        found: list[str] = []
        for number, index in self.entries(entry, "intents", place=place):
            if isinstance(index, int) and not isinstance(index, bool) and 0 <= index < len(self.names):
                found.append(self.names[index])
            else:
                what = f"{index!r} is not an index of the {len(self.names)} intentNames"
                self.report(what, place=f"{place}.intents[{number}]")
        return found


class _FormNovember(_Form):
    names_key = "classifiers"

    def name_of(self, entry: Any) -> object:
        return entry.get("name") if isinstance(entry, dict) else None

    def classes_of(self, entry: JsonObject, place: str) -> list[str]:
        return [
            name
            for number, each in self.entries(entry, "classifiers", place=place)
            for name in self.known(each, "classifierName", place=f"{place}.classifiers[{number}]")
        ]


class _Form2022(_Form):
    prefix = "assets."
    names_key = "classes"

    def name_of(self, entry: Any) -> object:
        return entry.get("category") if isinstance(entry, dict) else None

    def classes_of(self, entry: JsonObject, place: str) -> list[str]:
        if isinstance(entry.get("class"), dict):
            return self.known(entry["class"], "category", place=f"{place}.class")
        return [
            name
            for number, each in self.entries(entry, "classes", place=place)
            for name in self.known(each, "category", place=f"{place}.classes[{number}]")
        ]


def check_labels(labels: LabelsFile, sizes: Mapping[str, int]) -> list[InputProblem]:
    """Every problem: those of the reading, limits, duplicates, and documents that are missing or empty.

    `sizes` are the bytes of the container's blobs by name.
    """
    return [*labels.problems, *_check_classes(labels), *_check_documents(labels, sizes)]


def _check_classes(labels: LabelsFile) -> Iterator[InputProblem]:
    if not MIN_CLASSES <= len(labels.classes) <= MAX_CLASSES:
        what = f"{len(labels.classes)} classes; {MIN_CLASSES} to {MAX_CLASSES} are allowed"
        yield InputProblem(labels.names_place, what)
    counts = labels.counts
    seen: set[str] = set()
    for number, name in enumerate(labels.classes):
        place = f"{labels.names_place}[{number}]"
        if not name:
            continue  # a problem of the reading already
        if name in seen:
            yield InputProblem(place, f"{name!r} occurs twice")
            continue
        seen.add(name)
        if len(name) > MAX_CLASS_NAME or _FORBIDDEN_IN_CLASS.search(name):
            what = f"{name!r} is not a class name (1 to {MAX_CLASS_NAME} characters, no space, none of :$&%*()+~/?)"
            yield InputProblem(place, what)
        if counts[name] < MIN_LABELS_PER_CLASS:
            what = f"{name!r} labels {counts[name]} documents; the service needs at least {MIN_LABELS_PER_CLASS}"
            yield InputProblem(place, what)


def _check_documents(labels: LabelsFile, sizes: Mapping[str, int]) -> Iterator[InputProblem]:
    if len(labels.placed) < MIN_DOCUMENTS:
        what = f"{len(labels.placed)} documents; at least {MIN_DOCUMENTS} are needed"
        yield InputProblem(labels.documents_place, what)
    seen: dict[str, str] = {}
    for place, document in labels.placed.items():
        first = seen.setdefault(document.location, place)
        if first != place:
            yield InputProblem(place, f"{document.location!r} occurs twice, first at {first}")
        if len(set(document.classes)) != len(document.classes):
            yield InputProblem(place, f"{document.location!r} has a class twice")
        if problem := _blob_problem(document.location, sizes):
            yield InputProblem(place, problem)


def _blob_problem(location: str, sizes: Mapping[str, int]) -> str | None:
    if not is_document_name(location):
        return f"{location!r} is not a .txt blob"
    if location not in sizes:
        return f"the container has no blob {location!r}"
    return f"the blob {location!r} is empty" if sizes[location] == 0 else None


def to_july_form(labels: LabelsFile) -> bytes:
    """The form of the 2021-07 documentation, which both the preview and this app read."""
    indexes = {name: index for index, name in enumerate(labels.classes)}
    documents = [
        {
            "location": document.location,
            "culture": document.language,
            "intents": [indexes[name] for name in document.classes],
        }
        | ({"dataset": document.dataset} if document.dataset else {})
        for document in labels.documents
    ]
    return json.dumps({"intentNames": labels.classes, "documents": documents}, ensure_ascii=False, indent=1).encode()
