"""doccano's export of a text classification project: JSONL with `text` (or `data`) and `label`, a list of names.

https://doccano.github.io/doccano/ (Export Dataset). Older versions wrote `labels`; a project that labels spans too has
its classes in `cats`. Spans ([begin, end, name]) are no classes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cli.forms.lines import json_lines
from cli.forms.rows import Columns, Reading, Row, RowError, find_name, read_classes, read_text

_TEXTS, _LABELS = ("text", "data"), ("cats", "label", "labels", "category")


def read(path: Path, columns: Columns) -> Reading:
    reading = Reading()
    for place, row in json_lines(path, reading):
        try:
            reading.rows.append(_read_row(place, row, columns))
        except RowError as error:
            reading.refuse(place, str(error))
    return reading


def _read_row(place: str, row: dict[str, Any], columns: Columns) -> Row:
    text, label = find_name(row, columns.text, _TEXTS), find_name(row, columns.label, _LABELS)
    if text is None:
        raise RowError(f"it has no text; its members are {', '.join(row) or 'none'}")
    if label is None:
        if isinstance(row.get("annotations"), list):
            raise RowError("its labels are numbers of doccano's database; export it as JSONL with the labels' names")
        raise RowError(f"it has no label; its members are {', '.join(row)}")
    value = row[label]
    if isinstance(value, list) and any(isinstance(each, list | dict) for each in value):
        raise RowError("it has spans where classes are expected; only a text classification project has classes")
    return Row(place, read_classes(value, columns), text=read_text(row[text], text))
