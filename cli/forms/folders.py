"""A folder for each class, with its documents as .txt below: PATH/CLASS/**.txt, or PATH/train/CLASS/**.txt and test/.

The form of scikit-learn's load_files (https://scikit-learn.org/stable/datasets/loading_other_datasets.html) and of many
public corpora.
"""

from __future__ import annotations

from pathlib import Path

from cli.forms.rows import Columns, FormError, Reading, Row, split_of_file
from shared.language.values import ProjectKind


def read(path: Path, _: Columns) -> Reading:
    if not path.is_dir():
        raise FormError(f"{path} is no folder; this form is a folder with one folder for each class")
    top = _visible(path, folders=True)
    splits = {folder: split_of_file(folder.name) for folder in top}
    reading = Reading()
    if top and all(splits.values()):
        for folder, split in splits.items():
            _read_classes(folder, path, split, reading)
    else:
        _read_classes(path, path, None, reading)
    if any(len(row.classes) > 1 for row in reading.rows):
        reading.kind = ProjectKind.MULTI
    return reading


def _read_classes(folder: Path, base: Path, split: str | None, reading: Reading) -> None:
    """A file of the same name and content in the folders of several classes has all of them."""
    found: dict[tuple[str, bytes], Row] = {}
    for stray in _visible(folder, folders=False):
        reading.refuse(stray.relative_to(base).as_posix(), "it lies in no class's folder")
    for class_folder in _visible(folder, folders=True):
        for path in sorted(each for each in class_folder.rglob("*") if each.is_file()):
            if path.suffix.lower() != ".txt":
                reading.dropped["not a .txt"] += 1
                continue
            place = path.relative_to(base).as_posix()
            key = (path.relative_to(class_folder).as_posix(), path.read_bytes())
            same = found.get(key)
            classes = (class_folder.name,) if same is None else (*same.classes, class_folder.name)
            found[key] = Row(same.place if same else place, classes, file=same.file if same else place, dataset=split)
    reading.rows += found.values()


def _visible(folder: Path, *, folders: bool) -> list[Path]:
    return sorted(
        path
        for path in folder.iterdir()
        if not path.name.startswith(".") and (path.is_dir() if folders else path.is_file())
    )
