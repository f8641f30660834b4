"""Labels files: which document of the container belongs to which classes. Three forms, told apart by their keys.

| form | classes | a document's classes |
|---|---|---|
| July 2021 | `intentNames`, an array of names | `intents`, indexes into that array |
| November 2021 | `classifiers[].name` | `classifiers[].classifierName` |
| project file (GA) | `assets.classes[].category` | `class.category` or `classes[].category`, with `dataset` |
"""

from __future__ import annotations

import json
import posixpath
import re
from collections import Counter
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from language_emulator import errors
from language_emulator.limits import CLASSES

Dataset = Literal["Train", "Test"]


class LabelledDocument(BaseModel):
    """A document of the container and the classes a person gave it."""

    location: str
    language: str | None = None
    classes: list[str] = []
    dataset: Dataset | None = None


class LabelSet(BaseModel):
    """What a labels file says, whatever its form. Locations are blob names in the project's container."""

    classes: list[str]
    documents: list[LabelledDocument]

    def at(self, labels_location: str) -> Self:
        """The same with locations, which the file gives relative to itself, made names in the container."""
        folder = posixpath.dirname(labels_location)
        documents = [
            document.model_copy(update={"location": _resolve(folder, document.location)}) for document in self.documents
        ]
        return self.model_copy(update={"documents": documents})


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, strict=True)


class _JulyDocument(_Wire):
    location: str
    culture: str | None = None
    intents: list[int] = []


class _JulyFile(_Wire):
    intent_names: list[str]
    documents: list[_JulyDocument]

    def read(self) -> LabelSet:
        return LabelSet(classes=self.intent_names, documents=[self._document(document) for document in self.documents])

    def _document(self, document: _JulyDocument) -> LabelledDocument:
        outside = [index for index in document.intents if not 0 <= index < len(self.intent_names)]
        if outside:
            raise errors.labels_invalid(f"{document.location} has intent {outside[0]}, which intentNames does not hold")
        classes = [self.intent_names[index] for index in document.intents]
        return LabelledDocument(location=document.location, language=document.culture, classes=classes)


class _NamedClassifier(_Wire):
    name: str


class _ClassifierLabel(_Wire):
    classifier_name: str


class _NovemberDocument(_Wire):
    location: str
    language: str | None = None
    classifiers: list[_ClassifierLabel] = []


class _NovemberFile(_Wire):
    classifiers: list[_NamedClassifier]
    documents: list[_NovemberDocument]

    def read(self) -> LabelSet:
        documents = [
            LabelledDocument(
                location=document.location,
                language=document.language,
                classes=[label.classifier_name for label in document.classifiers],
            )
            for document in self.documents
        ]
        return LabelSet(classes=[classifier.name for classifier in self.classifiers], documents=documents)


class _Category(_Wire):
    category: str


class AssetDocument(_Wire):
    location: str
    language: str | None = None
    dataset: Dataset | None = None
    class_: _Category | None = None
    classes: list[_Category] = []

    model_config = ConfigDict(alias_generator=lambda name: to_camel(name.rstrip("_")), populate_by_name=True)


class Assets(_Wire):
    """The `assets` of a GA project file."""

    classes: list[_Category] = []
    documents: list[AssetDocument] = []

    def read(self) -> LabelSet:
        documents = [
            LabelledDocument(
                location=document.location,
                language=document.language,
                dataset=document.dataset,
                classes=[label.category for label in ([document.class_] if document.class_ else document.classes)],
            )
            for document in self.documents
        ]
        return LabelSet(classes=[entry.category for entry in self.classes], documents=documents)


def parse_labels(raw: bytes, *, single_label: bool, class_name: re.Pattern[str]) -> LabelSet:
    """Read a labels file of any form; raise `labels_invalid` with what is wrong and where."""
    try:
        content = json.loads(raw.decode("utf-8-sig"))
    except ValueError as error:
        raise errors.labels_invalid(f"it is not JSON ({error})") from error
    if not isinstance(content, dict):
        raise errors.labels_invalid("it is not a JSON object")
    labels = _read_form(content)
    check_labels(labels, single_label=single_label, class_name=class_name)
    return labels


def check_labels(labels: LabelSet, *, single_label: bool, class_name: re.Pattern[str] | None = None) -> None:
    """Raise `labels_invalid` for what no form may contain."""
    if not 1 <= len(labels.classes) <= CLASSES:
        raise errors.labels_invalid(f"it names {len(labels.classes)} classes; 1 to {CLASSES} are allowed")
    _refuse_repeats("class", labels.classes)
    _refuse_repeats("document", [document.location for document in labels.documents])
    for name in labels.classes:
        if class_name is not None and not class_name.fullmatch(name):
            raise errors.labels_invalid(f"class name '{name}' has characters that are not allowed")
    known = set(labels.classes)
    for document in labels.documents:
        unknown = [name for name in document.classes if name not in known]
        if unknown:
            raise errors.labels_invalid(f"{document.location} has class '{unknown[0]}', which is not listed")
        if single_label and len(document.classes) > 1:
            raise errors.labels_invalid(f"{document.location} has several classes in a single-label project")


def _read_form(content: dict[str, Any]) -> LabelSet:
    try:
        if "intentNames" in content:
            return _JulyFile.model_validate(content).read()
        if "classifiers" in content:
            return _NovemberFile.model_validate(content).read()
        if "assets" in content:
            return Assets.model_validate(content["assets"]).read()
    except ValidationError as error:
        raise errors.labels_invalid(first_problem(error)) from error
    raise errors.labels_invalid("it has neither intentNames, classifiers nor assets")


def first_problem(error: ValidationError) -> str:
    """Where and what, without the offending value, which may be document text."""
    problem = error.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"


def _refuse_repeats(what: str, names: list[str]) -> None:
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise errors.labels_invalid(f"{what} '{repeated[0]}' is listed more than once")


def _resolve(folder: str, location: str) -> str:
    name = posixpath.normpath(posixpath.join(folder, location))
    if name.startswith(("../", "/")):
        raise errors.labels_invalid(f"location '{location}' leaves the container")
    return name
