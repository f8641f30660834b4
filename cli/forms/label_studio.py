"""Label Studio's export: JSON (tasks with annotations) and JSON-MIN (one flat object for each task).

https://labelstud.io/guide/task_format and https://labelstud.io/guide/export. Only choices are classes; regions are not.
Of several annotations of a task the ground truth counts, else the one that was updated last.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cli.forms.lines import open_text
from cli.forms.rows import TEXT_NAMES, Columns, FormError, Reading, Row, RowError, find_name, read_text, shown, unique

# Members of a JSON-MIN row that are the tool's, not the labelling's.
_OF_THE_TOOL = frozenset(
    {"id", "annotator", "annotation_id", "created_at", "updated_at", "lead_time", "agreement", "task_id"}
)


def read(path: Path, columns: Columns) -> Reading:
    try:
        tasks = json.loads(open_text(path))
    except ValueError as error:
        raise FormError(f"{path} is not JSON: {error}; export it as JSON or JSON-MIN") from error
    if not isinstance(tasks, list):
        raise FormError(f"{path} is no list of tasks; export it as JSON or JSON-MIN")
    reading = Reading()
    for number, task in enumerate(tasks):
        place = f"task {number + 1}"
        if not isinstance(task, dict):
            reading.refuse(place, f"{shown(task)} where a task is expected")
            continue
        if "id" in task:
            place += f" (id {task['id']})"
        try:
            _read_task(place, task, columns, reading)
        except RowError as error:
            reading.refuse(place, str(error))
    return reading


def _read_task(place: str, task: dict[str, Any], columns: Columns, reading: Reading) -> None:
    if "data" not in task:
        reading.rows.append(_read_flat(place, task, columns))
        return
    data = task["data"]
    if not isinstance(data, dict):
        raise RowError(f"data is {shown(data)} where an object is expected")
    annotations = [each for each in task.get("annotations") or () if isinstance(each, dict)]
    given = [each for each in annotations if not each.get("was_cancelled")]
    if not given:
        reading.dropped["skipped by its annotator" if annotations else "not annotated"] += 1
        return
    chosen = max(given, key=lambda each: (bool(each.get("ground_truth")), str(each.get("updated_at") or "")))
    classes = _choices(chosen, columns)
    if not classes and chosen.get("result"):
        raise RowError("its annotation has no choices; only choices are classes")
    reading.rows.append(Row(place, classes, text=_text_of(data, columns)))


def _choices(annotation: dict[str, Any], columns: Columns) -> tuple[str, ...]:
    """Of the control named by --label, or of all of them. A choice below another is a list: its path."""
    found: list[str] = []
    for result in annotation.get("result") or ():
        if not isinstance(result, dict) or result.get("type") not in ("choices", "taxonomy"):
            continue
        if columns.label is not None and result.get("from_name") != columns.label:
            continue
        value = result.get("value")
        listed = (value.get("choices") or value.get("taxonomy") or ()) if isinstance(value, dict) else ()
        found += [_path(each) for each in listed]
    return unique(found)


def _read_flat(place: str, row: dict[str, Any], columns: Columns) -> Row:
    text = find_name(row, columns.text, TEXT_NAMES)
    if text is None:
        raise RowError(f"it has no text (--text); its members are {', '.join(row)}")
    labels = {
        name: value
        for name, value in row.items()
        if name != text and name not in _OF_THE_TOOL and (columns.label is None or name == columns.label)
    }
    found: list[str] = []
    for name, value in labels.items():
        if isinstance(value, dict) and isinstance(value.get("choices"), list):
            found += [_path(each) for each in value["choices"]]
        elif isinstance(value, str) and (columns.label is not None or len(labels) == 1):
            found.append(value)
        elif isinstance(value, str):
            raise RowError(f"{' and '.join(labels)} could each be the class ({name} is a text): name it with --label")
    return Row(place, unique(found), text=read_text(row[text], text))


def _text_of(data: dict[str, Any], columns: Columns) -> str:
    name = find_name(data, columns.text, TEXT_NAMES)
    if name is None and columns.text is None and len(data) == 1:
        (name,) = data
    if name is None:
        raise RowError(f"its data have no text (--text); their members are {', '.join(data) or 'none'}")
    return read_text(data[name], name)


def _path(choice: object) -> str:
    if isinstance(choice, list):
        return ".".join(str(part) for part in choice)
    if isinstance(choice, str):
        return choice
    raise RowError(f"{shown(choice)} is no choice")
