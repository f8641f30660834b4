"""Labels files: read in any form the service knew, checked strictly, written in the form a version wants. Pure.

    2021-07  intentNames[], documents[] {location, culture, intents[index]}
    2021-11  classifiers[] {name}, documents[] {location, language, classifiers[] {classifierName}}
    2022-05  assets {projectKind, classes[] {category}, documents[] {location, language, dataset, class(es) {category}}}

All faults are found in one reading, each with its place: nobody mends a file of a thousand documents one by one.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.language.models import LabelledDocument, ProjectKind

Json = Any

# Limits of both versions, the stricter one where they differ:
# https://learn.microsoft.com/azure/ai-services/language-service/custom-text-classification/service-limits
MIN_CLASSES, MAX_CLASSES = 2, 200
MIN_DOCUMENTS = 10
MIN_LABELS_PER_CLASS = 10
MAX_CLASS_NAME = 50
_FORBIDDEN_IN_CLASS = re.compile(r"[:$&%*()+~/?\s]")


@dataclass(frozen=True)
class Fault:
    """What is wrong and where, as `documents[3].intents[1]`."""

    place: str
    what: str


@dataclass
class LabelsFile:
    """A labels file in no particular form."""

    classes: list[str]
    documents: list[LabelledDocument]
    names_place: str = "classes"
    documents_place: str = "documents"
    faults: list[Fault] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """Labelled documents by class."""
        counts = Counter(name for document in self.documents for name in document.classes)
        return {name: counts[name] for name in self.classes}

    def kind_fits(self, kind: ProjectKind) -> list[Fault]:
        """A single-label project wants exactly one class for each document."""
        if kind is ProjectKind.MULTI:
            return []
        return [
            Fault(
                f"{self.documents_place}[{number}]",
                f"{document.location!r} has {len(document.classes)} classes, the project takes 1",
            )
            for number, document in enumerate(self.documents)
            if len(document.classes) != 1
        ]


def parse_labels(content: Json) -> LabelsFile:
    """Read any form; what cannot be read is a fault, never an exception."""
    if not isinstance(content, dict):
        return LabelsFile([], [], faults=[Fault("", "the labels file is not a JSON object")])
    if isinstance(content.get("assets"), dict):
        return _Reader(content["assets"], "assets.").read("classes", _category_names, _project_classes)
    if "classifiers" in content:
        return _Reader(content, "").read("classifiers", _classifier_names, _november_classes)
    if "intentNames" in content:
        return _Reader(content, "").read("intentNames", _intent_names, _july_classes)
    what = "none of intentNames (2021-07), classifiers (2021-11) or assets (2022-05) is there"
    return LabelsFile([], [], faults=[Fault("", what)])


class _Reader:
    """One pass over a form; collects faults."""

    def __init__(self, content: dict[str, Json], prefix: str) -> None:
        self.content, self.prefix = content, prefix
        self.faults: list[Fault] = []

    def fault(self, place: str, what: str) -> None:
        self.faults.append(Fault(self.prefix + place, what))

    def read(self, key: str, read_names: Any, read_classes: Any) -> LabelsFile:
        names = read_names(self)
        documents = []
        for number, entry in enumerate(self.items("documents")):
            place = f"documents[{number}]"
            if not isinstance(entry, dict) or not isinstance(entry.get("location"), str) or not entry["location"]:
                self.fault(place, "a document needs a location")
                continue
            language = entry.get("language", entry.get("culture", ""))
            classes = read_classes(self, entry, place, names)
            dataset = entry.get("dataset") if isinstance(entry.get("dataset"), str) else None
            documents.append(LabelledDocument(entry["location"], str(language or ""), tuple(classes), dataset))
        places = (f"{self.prefix}{key}", f"{self.prefix}documents")
        return LabelsFile(names, documents, *places, self.faults)

    def items(self, key: str) -> list[Json]:
        value = self.content.get(key)
        if isinstance(value, list):
            return value
        self.fault(key, "a list is expected")
        return []


def _intent_names(reader: _Reader) -> list[str]:
    return [str(name) for name in reader.items("intentNames")]


def _july_classes(reader: _Reader, entry: dict[str, Json], place: str, names: list[str]) -> list[str]:
    classes = []
    for number, index in enumerate(_entries(reader, entry, place, "intents")):
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < len(names):
            reader.fault(f"{place}.intents[{number}]", f"{index!r} is not an index of the {len(names)} intentNames")
        else:
            classes.append(names[index])
    return classes


def _classifier_names(reader: _Reader) -> list[str]:
    return [str(each.get("name")) for each in reader.items("classifiers") if isinstance(each, dict)]


def _november_classes(reader: _Reader, entry: dict[str, Json], place: str, names: list[str]) -> list[str]:
    found = _entries(reader, entry, place, "classifiers")
    return _known(reader, found, "classifierName", f"{place}.classifiers", names)


def _category_names(reader: _Reader) -> list[str]:
    return [str(each.get("category")) for each in reader.items("classes") if isinstance(each, dict)]


def _project_classes(reader: _Reader, entry: dict[str, Json], place: str, names: list[str]) -> list[str]:
    if isinstance(entry.get("class"), dict):
        return _known(reader, [entry["class"]], "category", f"{place}.class", names)
    return _known(reader, _entries(reader, entry, place, "classes"), "category", f"{place}.classes", names)


def _entries(reader: _Reader, entry: dict[str, Json], place: str, key: str) -> list[Json]:
    value = entry.get(key, [])
    if not isinstance(value, list):
        reader.fault(f"{place}.{key}", "a list is expected")
        return []
    return value


def _known(reader: _Reader, entries: list[Json], key: str, place: str, names: list[str]) -> list[str]:
    classes = []
    for number, each in enumerate(entries):
        name = each.get(key) if isinstance(each, dict) else None
        if name not in names:
            reader.fault(f"{place}[{number}]", f"{name!r} is not one of the file's classes")
        else:
            classes.append(str(name))
    return classes


def check_labels(labels: LabelsFile, sizes: Mapping[str, int]) -> list[Fault]:
    """Every fault: those of the reading, limits, duplicates, and documents that are not there or empty.

    `sizes` are the bytes of the blobs in the container by name.
    """
    return [*labels.faults, *_check_classes(labels), *_check_documents(labels, sizes)]


def _check_classes(labels: LabelsFile) -> list[Fault]:
    faults = []
    if not MIN_CLASSES <= len(labels.classes) <= MAX_CLASSES:
        faults.append(
            Fault(labels.names_place, f"{len(labels.classes)} classes; {MIN_CLASSES} to {MAX_CLASSES} are allowed")
        )
    for number, name in enumerate(labels.classes):
        if not name or len(name) > MAX_CLASS_NAME or _FORBIDDEN_IN_CLASS.search(name):
            faults.append(
                Fault(
                    f"{labels.names_place}[{number}]",
                    f"{name!r} is not a class name (1 to 50 characters, no space, none of :$&%*()+~/?)",
                )
            )
        if name in labels.classes[:number]:
            faults.append(Fault(f"{labels.names_place}[{number}]", f"{name!r} is there twice"))
    for name, count in labels.counts.items():
        if count < MIN_LABELS_PER_CLASS:
            what = f"{name!r} labels {count} documents; the service wants {MIN_LABELS_PER_CLASS} at least"
            faults.append(Fault(f"{labels.names_place}[{labels.classes.index(name)}]", what))
    return faults


def _check_documents(labels: LabelsFile, sizes: Mapping[str, int]) -> list[Fault]:
    faults = []
    if len(labels.documents) < MIN_DOCUMENTS:
        faults.append(
            Fault(labels.documents_place, f"{len(labels.documents)} documents; {MIN_DOCUMENTS} at least are needed")
        )
    seen: dict[str, int] = {}
    for number, document in enumerate(labels.documents):
        place = f"{labels.documents_place}[{number}]"
        first = seen.setdefault(document.location, number)
        if first != number:
            faults.append(Fault(place, f"{document.location!r} is there already, at {labels.documents_place}[{first}]"))
        if len(set(document.classes)) != len(document.classes):
            faults.append(Fault(place, f"{document.location!r} has a class twice"))
        faults += [Fault(place, what) for what in _blob_faults(document.location, sizes)]
    return faults


def _blob_faults(location: str, sizes: Mapping[str, int]) -> list[str]:
    if not location.lower().endswith(".txt"):
        return [f"{location!r} is not a .txt"]
    if location not in sizes:
        return [f"no blob is called {location!r} in the container"]
    return [f"the blob {location!r} is empty"] if sizes[location] == 0 else []


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
