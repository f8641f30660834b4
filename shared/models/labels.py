"""Labels files are read in any form the service has had. Pure.

    2021-07     intentNames[], documents[] {location, culture, intents[index]}
    2021-11     classifiers[] {name}, documents[] {location, language, classifiers[] {classifierName}},
                at the top or in `assets` (2021-11-01-preview)
    since 2022  assets {projectKind, classes[] {category},
                        documents[] {location, language, dataset, class(es) {category}}}

What one generation writes is read: `class` as a list of one, `culture` for `language`, `dataset` in any letter case.
Anything else that could hold a label is a problem and never left out: a key in another letter case or of another form,
a number or a text where an object belongs. One reading finds all problems, each with its place and what to write
instead, so that a long file is not corrected one upload at a time. `label_checks` judges what was read.
"""

from __future__ import annotations

import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from shared.errors import InputProblem, quoted
from shared.language.authoring_values import LabelledDocument
from shared.language.values import ProjectKind
from shared.models.labels_file import LabelsFile

JsonObject = Mapping[str, Any]

# Far over what any version takes: what has more is wrong as a whole, and is not read to its end.
MAX_ENTRIES = 1_000
MAX_PROBLEMS = 10_000

DATASETS = {"train": "Train", "test": "Test"}


def parse_labels(content: object) -> LabelsFile:
    """Read a labels file of any form; what cannot be read becomes a problem, never an exception."""
    if not isinstance(content, dict):
        return LabelsFile(problems=[InputProblem("", "the labels file is not a JSON object")])
    assets = content.get("assets")
    if isinstance(assets, dict):
        form = _FormNovember if "classifiers" in assets else _Form2022
        return form(assets, prefix="assets.").read(content)
    if assets is not None:
        return LabelsFile(problems=[InputProblem("assets", f"{_kind_of(assets)} where an object is expected")])
    if "classifiers" in content:
        return _FormNovember(content).read(content)
    if "intentNames" in content:
        return _FormJuly(content).read(content)
    what = "it has none of intentNames (2021-07), classifiers (2021-11) and assets (2022-05)"
    for key in ("intentNames", "classifiers", "assets"):
        if (other := _look_alike(content, key)) is not None:
            what += f"; write {key!r} for {quoted(other)}"
    if isinstance(content.get("classes"), list):
        what += "; classes and documents belong into assets"
    return LabelsFile(problems=[InputProblem("", what)])


class _Form(ABC):
    """One reading of a file in one of the three forms; collects problems."""

    names_key: str
    name_key = ""  # of an entry of the list of classes; "" where the entry is the name
    label_keys: tuple[str, ...]

    def __init__(self, content: JsonObject, *, prefix: str = "") -> None:
        self.content, self.prefix = content, prefix
        self.problems: list[InputProblem] = []
        self.unread: set[str] = set()
        self.names = [self._name(entry, f"{prefix}{self.names_key}[{number}]") for number, entry in self._names_list()]
        # Is every name known, so that others can be called unknown?
        self.is_named = f"{prefix}{self.names_key}" not in {each.place for each in self.problems}
        self.known_names = frozenset(self.names) - {""}
        self.squashed = {_squash(name): name for name in self.known_names}
        self.numbers = {name: number for number, name in enumerate(self.names)}

    @abstractmethod
    def classes_of(self, entry: JsonObject, place: str) -> list[str]:
        """The classes of one document; what is not one of the file's classes is a problem."""

    def read(self, whole: JsonObject) -> LabelsFile:
        placed: dict[str, LabelledDocument] = {}
        kind, kind_place = self._kind(whole)
        for number, entry in self._list(self.content, "documents", prefix=self.prefix, beside=whole) or ():
            place = f"{self.prefix}documents[{number}]"
            if len(self.problems) >= MAX_PROBLEMS:
                self.report("too many problems; nothing was read from here on", place=place)
                break
            document = self._document(entry, place)
            if document is not None:
                placed[place] = document
        return LabelsFile(
            self.names,
            placed,
            self.problems,
            f"{self.prefix}{self.names_key}",
            f"{self.prefix}documents",
            self.unread,
            kind,
            kind_place,
        )

    def _document(self, entry: Any, place: str) -> LabelledDocument | None:
        if not isinstance(entry, dict):
            self.refuse(f"{_kind_of(entry)} where an object with a location is expected", place=place)
            return None
        misspelt = self._unknown_keys(entry, place)
        location = entry.get("location")
        if not isinstance(location, str) or not location:
            if "location" not in misspelt:
                self.refuse("a document needs a location", place=place)
            return None
        return LabelledDocument(
            location, self._language(entry, place), tuple(self.classes_of(entry, place)), self._dataset(entry, place)
        )

    def _unknown_keys(self, entry: JsonObject, place: str) -> set[str]:
        """Reports them, because each could hold what is then lost; returns the keys that were meant."""
        known = ("location", "language", "culture", "dataset", *self.label_keys)
        meant: set[str] = set()
        if len(entry) > MAX_ENTRIES:
            self.refuse(f"{len(entry)} keys in one document; it has {len(known)} at most", place=place)
            return meant
        for key in entry:
            if key in known:
                continue
            right = next((each for each in known if _squash(each) == _squash(key)), None)
            if right is None:
                what = (
                    f"{quoted(key)} is not a key of a document here; its classes are in {' or '.join(self.label_keys)}"
                )
            else:
                what = f"the key is {quoted(key)}; write {right!r}"
                meant.add(right)
            self.refuse(what, place=place)
        return meant

    def _language(self, entry: JsonObject, place: str) -> str:
        for key in ("language", "culture"):
            value = entry.get(key)
            if isinstance(value, str):
                return value
            if value is not None:
                self.refuse(f"{_kind_of(value)} where a language is expected, as 'en-us'", place=f"{place}.{key}")
        return ""

    def _dataset(self, entry: JsonObject, place: str) -> str | None:
        value = entry.get("dataset")
        if value is None or value == "":
            return None
        found = DATASETS.get(value.strip().lower()) if isinstance(value, str) else None
        if found is None:
            what = f"the dataset is {quoted(value)}; it is Train or Test, or left out for a split at random"
            self.refuse(what, place=f"{place}.dataset")
        return found

    def _kind(self, whole: JsonObject) -> tuple[ProjectKind | None, str]:
        """What the file says of its kind of project, and where."""
        metadata = whole.get("metadata")
        places = [
            (holder.get(key), f"{name}.{key}")
            for name, holder in (("assets", whole.get("assets")), ("metadata", metadata))
            if isinstance(holder, dict)
            for key in ("projectKind", "modelType")
            if holder.get(key) is not None
        ]
        kinds = {place: _read_kind(value) for value, place in places}
        for value, place in places:
            if kinds[place] is None:
                self.report(f"{quoted(value)} is not a kind of project for text classification", place=place)
        known = [(kind, place) for place, kind in kinds.items() if kind is not None]
        if len({kind for kind, _ in known}) > 1:
            self.report(f"it contradicts {known[1][1]}", place=known[0][1])
        return known[0] if known else (None, "")

    def report(self, what: str, *, place: str) -> None:
        self.problems.append(InputProblem(place, what))

    def refuse(self, what: str, *, place: str) -> None:
        """Of a document, or of a part of one."""
        self.report(what, place=place)
        self.unread.add(f"{place.partition(']')[0]}]")

    def labels(self, entry: JsonObject, key: str, *, place: str, example: str) -> Iterator[tuple[int, Any]]:
        """The labels of a document; none is a valid number of labels."""
        value = entry.get(key)
        if isinstance(value, list) and len(value) <= MAX_ENTRIES:
            return enumerate(value)
        if isinstance(value, list):
            self.refuse(f"{len(value)} classes of one document", place=f"{place}.{key}")
        elif value is not None:
            self.refuse(f"{_kind_of(value)} where a list is expected, as [{example}]", place=f"{place}.{key}")
        return iter(())

    def known(self, entry: Any, key: str, *, place: str) -> list[str]:
        """The class that a label names, if it is one of the file's."""
        if not isinstance(entry, dict):
            self.refuse(f'{_kind_of(entry)} where an object is expected, as {{"{key}": "..."}}', place=place)
            return []
        if key not in entry and (other := _look_alike(entry, key)) is not None:
            self.refuse(f"the key is {quoted(other)}; write {key!r}", place=place)
            return []
        name = entry.get(key)
        if not isinstance(name, str):
            self.refuse(_no_text(key, name), place=place)
        elif name in self.known_names:
            return [name]
        elif self.is_named:
            near = self.squashed.get(_squash(name))
            hint = f"; {quoted(near)} is" if near else ""
            self.refuse(f"{quoted(name)} is not one of the file's classes{hint}", place=place)
        return []

    def _name(self, entry: Any, place: str) -> str:
        """Of an entry of the list of classes. A name in the wrong wrapping is a problem, and known all the same."""
        name = entry
        if self.name_key:
            if isinstance(entry, dict):
                other = None if self.name_key in entry else _look_alike(entry, self.name_key)
                name = entry.get(other or self.name_key)
                if other is not None:
                    self.report(f"the key is {quoted(other)}; write {self.name_key!r}", place=place)
            else:
                what = f'{_kind_of(entry)} where an object is expected, as {{"{self.name_key}": "..."}}'
                self.report(what, place=place)
                return entry if isinstance(entry, str) else ""
        if isinstance(name, str) and name:
            return name
        if name is None or name == "":
            self.report("a class needs a name", place=place)
            return ""
        self.report(_no_text(self.name_key or "the name", name), place=place)
        return str(name) if isinstance(name, int | float) else ""

    def _names_list(self) -> Iterator[tuple[int, Any]]:
        entries = self._list(self.content, self.names_key, prefix=self.prefix)
        count = len(self.content[self.names_key]) if entries else 0
        if count > MAX_ENTRIES:
            what = f"{count} classes are more than any version takes; the first {MAX_ENTRIES} were read"
            self.report(what, place=f"{self.prefix}{self.names_key}")
        return islice(entries or iter(()), MAX_ENTRIES)

    def _list(
        self, holder: JsonObject, key: str, *, prefix: str, beside: JsonObject | None = None
    ) -> Iterator[tuple[int, Any]] | None:
        value = holder.get(key)
        if isinstance(value, list):
            return enumerate(value)
        what = "a list is expected"
        other = _look_alike(holder, key) if value is None else None
        if other is not None:
            what += f"; write {key!r} for {quoted(other)}"
        elif value is None and prefix and beside is not None and key in beside:
            what += f"; {key!r} is beside assets and belongs into it"
        self.report(what, place=f"{prefix}{key}")
        return None


class _FormJuly(_Form):
    names_key = "intentNames"
    label_keys = ("intents",)

    def classes_of(self, entry: JsonObject, place: str) -> list[str]:
        found: list[str] = []
        for number, index in self.labels(entry, "intents", place=place, example="0"):
            if isinstance(index, int) and not isinstance(index, bool) and 0 <= index < len(self.names):
                found.append(self.names[index])
            elif self.is_named:
                what = f"{quoted(index)} is not an index of the {len(self.names)} intentNames"
                if isinstance(index, str) and index in self.known_names:
                    what += f"; write its number there, from 0: {self.numbers[index]}"
                self.refuse(what, place=f"{place}.intents[{number}]")
        return found


class _FormNovember(_Form):
    names_key = "classifiers"
    name_key = "name"
    label_keys = ("classifiers",)

    def classes_of(self, entry: JsonObject, place: str) -> list[str]:
        return [
            name
            for number, each in self.labels(entry, "classifiers", place=place, example='{"classifierName": "..."}')
            for name in self.known(each, "classifierName", place=f"{place}.classifiers[{number}]")
        ]


class _Form2022(_Form):
    names_key = "classes"
    name_key = "category"
    label_keys = ("class", "classes")

    def classes_of(self, entry: JsonObject, place: str) -> list[str]:
        one = entry.get("class")
        if one is not None and entry.get("classes") is not None:
            self.refuse("a document has class or classes, and this one has both", place=place)
            return []
        if isinstance(one, list) and len(one) > 1:
            self.refuse("class is for one class, and this list has several; write classes", place=f"{place}.class")
            return []
        if isinstance(one, list):  # of one, or of none: Microsoft's own sample of single-label projects writes it so
            return [name for each in one for name in self.known(each, "category", place=f"{place}.class[0]")]
        if one is not None:
            return self.known(one, "category", place=f"{place}.class")
        return [
            name
            for number, each in self.labels(entry, "classes", place=place, example='{"category": "..."}')
            for name in self.known(each, "category", place=f"{place}.classes[{number}]")
        ]


def _read_kind(value: object) -> ProjectKind | None:
    if not isinstance(value, str):
        return None
    return {
        "customsinglelabelclassification": ProjectKind.SINGLE,
        "custommultilabelclassification": ProjectKind.MULTI,
        "singleclassification": ProjectKind.SINGLE,
        "multiclassification": ProjectKind.MULTI,
    }.get(value.lower())


def _kind_of(value: object) -> str:
    """What JSON calls it, never the value itself."""
    if isinstance(value, bool):
        return "true or false"
    kinds = {str: "a text", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return kinds.get(type(value), "null")


def _no_text(key: str, value: object) -> str:
    what = f"{key} is {_kind_of(value)} where a text is expected"
    return f"{what}; put it into quotes" if isinstance(value, int | float) and not isinstance(value, bool) else what


def _look_alike(holder: JsonObject, key: str) -> str | None:
    """A key of the object that someone may have written for `key`."""
    return next((each for each in holder if each != key and _squash(each) == _squash(key)), None)


def _squash(text: str) -> str:
    """The same for texts that differ in letter case, Unicode form, punctuation, or a plural s only."""
    composed = unicodedata.normalize("NFC", text[:200].casefold())
    return "".join(letter for letter in composed if letter.isalnum()).rstrip("s") or text
