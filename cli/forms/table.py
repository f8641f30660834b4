"""CSV with a header. Columns are found by their usual names: a text or a file, the classes, a split, a language.

The quoting is that of RFC 4180; commas, semicolons and tabs are told apart by the header. `pigeonhole results --format
csv` writes it too.
"""

from __future__ import annotations

from pathlib import Path

from cli.forms.lines import csv_rows, open_text
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
    read_split,
    read_text,
    unique,
)


def read(path: Path, columns: Columns) -> Reading:
    header_line = open_text(path).partition("\n")[0]
    delimiter = max(",;\t", key=header_line.count)
    rows = csv_rows(path, delimiter=delimiter)
    _, header = next(rows, ("", []))
    text = find_name(header, columns.text, TEXT_NAMES)
    file = find_name(header, None, FILE_NAMES)
    label = find_name(header, columns.label, LABEL_NAMES)
    if label is None or (text is None and file is None):
        what = "classes (--label)" if label is None else "texts (--text) and none of files"
        raise FormError(f"{path} has no column of {what}; its columns are {', '.join(header) or 'none'}")
    split, language = find_name(header, None, SPLIT_NAMES), find_name(header, None, LANGUAGE_NAMES)
    reading = Reading()
    for place, cells in rows:
        if len(cells) != len(header):
            reading.refuse(place, f"{len(cells)} cells where the header has {len(header)}; is a text without quotes?")
            continue
        row = dict(zip(header, cells, strict=True))
        try:
            reading.rows.append(
                Row(
                    place,
                    unique(row[label].split(columns.delimiter)),
                    text=read_text(row[text], text) if text else None,
                    file=row[file] if file and not text else None,
                    language=row[language].strip() if language else "",
                    dataset=read_split(row[split]) if split else None,
                )
            )
        except RowError as error:
            reading.refuse(place, str(error))
    return reading
