"""Google's import files: Vertex AI's JSONL and CSV for text classification, and AutoML Natural Language's CSV.

https://cloud.google.com/vertex-ai/docs/text-data/classification/prepare-data. JSONL: `classificationAnnotation`
{displayName} or a list `classificationAnnotations`, `textContent` or `textGcsUri`, and the split in
`dataItemResourceLabels`. CSV, without a header: [split,]text or gs://file,class,...
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cli.forms.lines import csv_rows, json_lines, member
from cli.forms.rows import Columns, Reading, Row, RowError, read_split, read_text, shown, unique
from shared.language.values import ProjectKind

_SPLIT = "aiplatform.googleapis.com/ml_use"
_SPLITS = frozenset({"training", "train", "validation", "test", "unassigned", ""})


def read(path: Path, _: Columns) -> Reading:
    return _read_csv(path) if path.suffix.lower() == ".csv" else _read_lines(path)


def _read_lines(path: Path) -> Reading:
    reading = Reading()
    for place, row in json_lines(path, reading):
        try:
            reading.rows.append(_read_line(place, row))
        except RowError as error:
            reading.refuse(place, str(error))
        if "classificationAnnotations" in row:
            reading.kind = ProjectKind.MULTI
    return reading


def _read_line(place: str, row: dict[str, Any]) -> Row:
    if "classificationAnnotations" in row:
        annotations = row["classificationAnnotations"]
        if not isinstance(annotations, list):
            raise RowError(f"classificationAnnotations is {shown(annotations)} where a list is expected")
    elif "classificationAnnotation" in row:
        annotations = [member(row, "classificationAnnotation")]
    else:
        raise RowError(f"it has no classificationAnnotation; its members are {', '.join(row) or 'none'}")
    names = [each.get("displayName") if isinstance(each, dict) else None for each in annotations]
    if not all(isinstance(name, str) for name in names):
        raise RowError("an annotation has no displayName")
    labels = row.get("dataItemResourceLabels")
    split = read_split(labels.get(_SPLIT)) if isinstance(labels, dict) else None
    classes, uri = unique(str(name) for name in names), row.get("textGcsUri")
    if "textContent" not in row and isinstance(uri, str):
        return Row(place, classes, file=uri, dataset=split)
    return Row(place, classes, text=read_text(row.get("textContent"), "textContent"), dataset=split)


def _read_csv(path: Path) -> Reading:
    reading = Reading()
    for place, cells in csv_rows(path):
        try:
            has_split = len(cells) > 1 and cells[0].strip().lower() in _SPLITS
            split = read_split(cells[0]) if has_split else None
            content, *classes = cells[1:] if has_split else cells
            found = unique(classes)
            if content.startswith("gs://"):
                reading.rows.append(Row(place, found, file=content, dataset=split))
            else:
                reading.rows.append(Row(place, found, text=read_text(content, "the cell"), dataset=split))
        except RowError as error:
            reading.refuse(place, str(error))
    return reading
