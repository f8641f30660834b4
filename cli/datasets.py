"""A dataset on disk: labelled training documents, new documents, and what people say the new ones are.

DIR/labels.json      the labels file, in any form the service knew; a location is the blob's name in the container
DIR/training/**.txt  the labelled documents, in this folder, in more_training/, or beside labels.json
DIR/new/**.txt       documents to classify
DIR/expected.json    optional, {"name below new/": ["class", ...]}; never shown to the service
"""

from __future__ import annotations

import json
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from shared.json_input import parse_json
from shared.language.values import ProjectKind
from shared.models.labels import parse_labels
from shared.models.labels_file import LabelsFile

_SAMPLES = (
    Path(__file__).parent.parent / "local" / "samples" / "multi_label",
    Path(sysconfig.get_path("data")) / "share" / "pigeonhole" / "samples",
)
SAMPLES = next((folder for folder in _SAMPLES if folder.is_dir()), _SAMPLES[0])
"""In the repository, or where they were installed with the command."""
# Where a location is looked for. The service wants training documents at the root of their container; on disk they
# have a folder of their own.
TRAINING_FOLDERS = ("", "training", "more_training")


class DatasetError(ValueError):
    """The folder is not a dataset; the message says what is missing."""


@dataclass(frozen=True)
class Dataset:
    """Names are those of the blobs: the labels file's locations for training, relative to new/ for new documents."""

    folder: Path
    labels: bytes
    kind: ProjectKind
    training: dict[str, Path]
    new: dict[str, Path]
    expected: dict[str, list[str]]


def load_dataset(folder: Path, *, labels_name: str = "labels.json", limit: int | None = None) -> Dataset:
    """Read the labels file and list the documents; `limit` keeps the first so many new documents."""
    labels_path = folder / labels_name
    if not labels_path.is_file():
        raise DatasetError(f"{folder} holds no {labels_name}; see cli/datasets.py for what a dataset is")
    labels = labels_path.read_bytes()
    read = _read(labels_path, labels)
    found = {each.location: _find(folder, each.location) for each in read.documents}
    training = {name: path for name, path in found.items() if path is not None}
    missing = [name for name in found if name not in training]
    if missing:
        raise DatasetError(f"{labels_path} lists {len(missing)} documents that are not there, first {missing[0]}")
    new = {path.relative_to(folder / "new").as_posix(): path for path in sorted((folder / "new").rglob("*.txt"))}
    if not new:
        raise DatasetError(f"{folder / 'new'} holds no .txt to classify")
    expected_path = folder / "expected.json"
    expected = json.loads(expected_path.read_text(encoding="utf-8")) if expected_path.is_file() else {}
    kept = dict(list(new.items())[:limit])
    return Dataset(folder, labels, _kind(read), training, kept, expected)


def _find(folder: Path, location: str) -> Path | None:
    paths = (folder / place / location for place in TRAINING_FOLDERS)
    return next((path for path in paths if path.is_file()), None)


def _read(path: Path, labels: bytes) -> LabelsFile:
    """As PUT labels reads it, before its rules."""
    try:
        read = parse_labels(parse_json(labels))
    except ValueError as error:
        raise DatasetError(f"{path} is not JSON: {error}") from error
    if read.problems:
        first = read.problems[0]
        raise DatasetError(
            f"{path} has {len(read.problems)} problems, first at {first.place or 'the top'}: {first.what}"
        )
    if not read.placed:
        raise DatasetError(f"{path} lists no documents")
    return read


def _kind(labels: LabelsFile) -> ProjectKind:
    """What the file says of itself; else single-label when every document has exactly one class."""
    if labels.kind is not None:
        return labels.kind
    is_single = all(len(document.classes) == 1 for document in labels.documents)
    return ProjectKind.SINGLE if is_single else ProjectKind.MULTI
