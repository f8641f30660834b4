"""Amazon Comprehend's training files: CSV without a header (class, text), or an augmented manifest of Ground Truth.

https://docs.aws.amazon.com/comprehend/latest/dg/prep-class-data-format.html. Several classes stand in one cell with |
between them. A manifest has `source` on each line, and for the labelling job J the members J and J-metadata, with
`class-name` for one class, `class-map` for several.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cli.forms.lines import csv_rows, json_lines, member
from cli.forms.rows import LABEL_NAMES, Columns, Reading, Row, RowError, read_text, shown, unique

_METADATA = "-metadata"


def read(path: Path, columns: Columns) -> Reading:
    return _read_csv(path, columns) if path.suffix.lower() == ".csv" else _read_manifest(path, columns)


def _read_csv(path: Path, columns: Columns) -> Reading:
    reading = Reading()
    for place, cells in csv_rows(path):
        try:
            if len(cells) != 2:
                raise RowError(f"{len(cells)} cells where a class and a text are expected; is a text without quotes?")
            if place == "line 1" and cells[0].strip().lower() in LABEL_NAMES:
                raise RowError("it looks like a header, and this form has none")
            classes = unique(cells[0].split(columns.delimiter))
            reading.rows.append(Row(place, classes, text=read_text(cells[1], "the second cell")))
        except RowError as error:
            reading.refuse(place, str(error))
    return reading


def _read_manifest(path: Path, columns: Columns) -> Reading:
    reading = Reading()
    for place, row in json_lines(path, reading):
        try:
            reading.rows.append(_read_line(place, row, columns))
        except RowError as error:
            reading.refuse(place, str(error))
    return reading


def _read_line(place: str, row: dict[str, Any], columns: Columns) -> Row:
    metadata = member(row, f"{_job(row, columns)}{_METADATA}")
    if metadata.get("failure-reason"):
        raise RowError(f"the labelling job failed for it: {shown(metadata['failure-reason'])}")
    if isinstance(metadata.get("class-map"), dict):
        classes = unique(str(name) for name in metadata["class-map"].values())
    elif isinstance(metadata.get("class-name"), str):
        classes = unique([metadata["class-name"]])
    else:
        raise RowError("its metadata have neither class-name nor class-map; only labels of classes are read")
    if "source" not in row and isinstance(row.get("source-ref"), str):
        return Row(place, classes, file=row["source-ref"])
    return Row(place, classes, text=read_text(row.get("source"), "source"))


def _job(row: dict[str, Any], columns: Columns) -> str:
    """The labelling job's name: the member that --label names, else the only one, else the last of a chain."""
    if columns.label is not None:
        return columns.label
    jobs = [name.removesuffix(_METADATA) for name in row if name.endswith(_METADATA)]
    if not jobs:
        raise RowError(f"it has no labels; its members are {', '.join(row) or 'none'}")
    return jobs[-1]
