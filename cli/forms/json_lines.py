"""JSONL as Hugging Face datasets writes it: {"text": ..., "label": ...} on each line; or a folder of such files.

`label` is a name, a number, or a list of them. Numbers are named by the ClassLabel features of a dataset_info.json
beside the file (https://huggingface.co/docs/datasets/about_dataset_features), or by --classes. `pigeonhole results
--format jsonl` writes this form too.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from cli.forms.lines import json_lines
from cli.forms.rows import (
    FILE_NAMES,
    LABEL_NAMES,
    LANGUAGE_NAMES,
    SPLIT_NAMES,
    TEXT_NAMES,
    Columns,
    FormError,
    Reading,
    Row,
    RowError,
    find_name,
    read_classes,
    read_split,
    read_text,
    shown,
    split_of_file,
)


def read(path: Path, columns: Columns) -> Reading:
    files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    if not files:
        raise FormError(f"{path} holds no .jsonl")
    reading = Reading()
    for file in files:
        place, split = (f"{file.name} line", split_of_file(file.stem)) if path.is_dir() else ("line", None)
        named = replace(columns, class_names=columns.class_names or _class_names(file.parent, columns))
        for where, row in json_lines(file, reading, place=place):
            try:
                reading.rows.append(_read_row(where, row, named, split))
            except RowError as error:
                reading.refuse(where, str(error))
    return reading


def _read_row(place: str, row: dict[str, Any], columns: Columns, split: str | None) -> Row:
    text = find_name(row, columns.text, TEXT_NAMES)
    file = find_name(row, None, FILE_NAMES)
    label = find_name(row, columns.label, LABEL_NAMES)
    if label is None or (text is None and file is None):
        what = "classes (--label)" if label is None else "text (--text) and no file"
        raise RowError(f"it has no {what}; its members are {', '.join(row) or 'none'}")
    own_split, language = find_name(row, None, SPLIT_NAMES), find_name(row, None, LANGUAGE_NAMES)
    if text is None and not isinstance(row[file or ""], str):
        raise RowError(f"{file} is {shown(row[file or ''])} where the name of a file is expected")
    return Row(
        place,
        read_classes(row[label], columns),
        text=read_text(row[text], text) if text else None,
        file=row[file] if file and not text else None,
        language=str(row[language] or "") if language else "",
        dataset=read_split(row[own_split]) if own_split else split,
    )


def _class_names(folder: Path, columns: Columns) -> tuple[str, ...]:
    """Those of the ClassLabel feature, whether it holds one class or a list of them."""
    try:
        features = json.loads((folder / "dataset_info.json").read_text(encoding="utf-8"))["features"]
        name = find_name(features, columns.label, LABEL_NAMES)
        feature = features[name]
        return tuple(feature.get("names") or feature["feature"]["names"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ()
