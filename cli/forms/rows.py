"""What every form is read into: rows with a text or a file, and what was left out with its reason. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.language.values import ProjectKind


class FormError(ValueError):
    """The file is not of that form at all; the message says why, and what to do."""


class RowError(ValueError):
    """One row cannot be read; the others can."""


@dataclass(frozen=True)
class Row:
    """One labelled document. `place` is where it stands in the file, as "line 7".

    Either `text` is there, or `file`, the name of a file that holds it. `name` is kept as the blob's name where the
    form has one for it (the service's own forms); the others get a name that follows from their content.
    """

    place: str
    classes: tuple[str, ...]
    text: str | None = None
    file: str | None = None
    name: str | None = None
    language: str = ""
    dataset: str | None = None


@dataclass(frozen=True)
class Refused:
    """A row that cannot be used, and why."""

    place: str
    what: str


@dataclass
class Reading:
    """`dropped` counts what was left out without being wrong, by reason. `kind` is what the form says of itself."""

    rows: list[Row] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    kind: ProjectKind | None = None

    def refuse(self, place: str, what: str) -> None:
        self.refused.append(Refused(place, what))

    @property
    def seen(self) -> int:
        """Rows looked at, whatever became of them."""
        return len(self.rows) + len(self.refused) + self.dropped.total()


@dataclass(frozen=True)
class Columns:
    """Which members of a row hold what, where its usual names do not say; and what else a form leaves open.

    `class_names` names classes that a file has as numbers, from 0. `delimiter` stands between several classes in a
    cell.
    """

    text: str | None = None
    label: str | None = None
    delimiter: str = "|"
    class_names: tuple[str, ...] = ()


# Names that files use for the same thing, the likeliest first. Compared without regard to case.
TEXT_NAMES = ("text", "content", "body", "sentence", "document_text")
FILE_NAMES = ("file", "filename", "file_name", "path", "location", "name", "document")
LABEL_NAMES = ("classes", "labels", "label", "class", "categories", "category", "intents", "intent")
SPLIT_NAMES = ("dataset", "split", "ml_use")
LANGUAGE_NAMES = ("language", "lang", "culture")

_SPLITS = {
    "train": "Train",
    "training": "Train",
    # Models are chosen by it, so it is of the training's side and says nothing about a model afterwards.
    "validation": "Train",
    "valid": "Train",
    "val": "Train",
    "dev": "Train",
    "test": "Test",
    "golden": "Test",
}


def find_name(present: Iterable[str], wanted: str | None, usual: Sequence[str]) -> str | None:
    """The member that holds something: the one that was asked for, else the first of the usual names."""
    if wanted is not None:
        return wanted if wanted in set(present) else None
    by_lower = {name.strip().lower(): name for name in reversed(list(present))}
    return next((by_lower[name] for name in usual if name in by_lower), None)


def read_split(value: object) -> str | None:
    """Train or Test; None where the file leaves it open. Raises RowError for another word."""
    if value is None or (isinstance(value, str) and value.strip().lower() in ("", "unassigned")):
        return None
    found = _SPLITS.get(value.strip().lower()) if isinstance(value, str) else None
    if found is None:
        raise RowError(f"{shown(value)} is no split: train, validation or test")
    return found


def split_of_file(stem: str) -> str | None:
    """That of a file whose name says it, as train.jsonl and test-00000-of-00001.jsonl."""
    return _SPLITS.get(re.split(r"[-_.]", stem.lower())[0])


def read_classes(value: object, columns: Columns) -> tuple[str, ...]:
    """A class, or a list of classes, by name or by number, or as {"name": ...}. Raises RowError."""
    if value is None or value == "":
        return ()
    entries = value if isinstance(value, list) else [value]
    return unique(_class_name(entry, columns) for entry in entries)


def unique(names: Iterable[str]) -> tuple[str, ...]:
    """Without the space around them, each once, in their order."""
    return tuple(dict.fromkeys(name.strip() for name in names if name.strip()))


def _class_name(entry: object, columns: Columns) -> str:
    if isinstance(entry, Mapping) and isinstance(entry.get("name"), str):
        return str(entry["name"])
    if isinstance(entry, str):
        return entry
    if isinstance(entry, int) and not isinstance(entry, bool):
        if 0 <= entry < len(columns.class_names):
            return columns.class_names[entry]
        if not columns.class_names:
            raise RowError(
                f"the class is the number {entry}; name the classes in the order of their numbers: --classes"
            )
        raise RowError(f"the class is the number {entry}, and --classes names {len(columns.class_names)}")
    raise RowError(f"{shown(entry)} is no class")


def read_text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise RowError(f"{name} holds no text but {shown(value)}")
    if not value.strip():
        raise RowError("the text is empty")
    return value


def shown(value: Any) -> str:
    """A value in a message: what it is, and its beginning only."""
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."
