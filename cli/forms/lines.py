"""Files of one JSON object on each line, and files of comma-separated values, with the line of each row."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cli.forms.rows import FormError, Reading, RowError, shown


def open_text(path: Path) -> str:
    """The whole file, as UTF-8 with or without a byte order mark. Raises FormError."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormError(f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8") from error
    except OSError as error:
        raise FormError(f"{path} cannot be read: {error.strerror}") from error


def json_lines(path: Path, reading: Reading, *, place: str = "line") -> Iterator[tuple[str, dict[str, Any]]]:
    """Each object with its place; what is none is refused in `reading`. Empty lines are skipped."""
    content = open_text(path)
    if content.lstrip().startswith("["):
        raise FormError(f"{path} is one JSON list; this form has one object on each line (JSONL)")
    # Not splitlines: a text may hold U+2028, which JSON need not escape.
    for number, line in enumerate(content.split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{place} {number}"
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            reading.refuse(where, f"it is not JSON: {error}")
            continue
        if isinstance(value, dict):
            yield where, value
        else:
            reading.refuse(where, f"{shown(value)} where an object is expected")


def csv_rows(path: Path, *, delimiter: str = ",") -> Iterator[tuple[str, list[str]]]:
    """Each row with the line it begins on. Raises FormError where quotes are not closed."""
    content = open_text(path)
    # A text longer than the default of 128 KiB is no reason to stop; the service has a limit of its own.
    csv.field_size_limit(max(csv.field_size_limit(), len(content) + 1))
    reader = csv.reader(content.splitlines(keepends=True), delimiter=delimiter, strict=True)
    begins = 1
    try:
        for cells in reader:
            if cells:
                yield f"line {begins}", cells
            begins = reader.line_num + 1
    except csv.Error as error:
        raise FormError(f"{path}, line {begins}: {error}; put texts with quotes or line ends into quotes") from error


def member(row: dict[str, Any], name: str) -> dict[str, Any]:
    """A member that is an object. Raises RowError."""
    value = row.get(name)
    if not isinstance(value, dict):
        raise RowError(f"{name} is no object")
    return value
