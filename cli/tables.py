"""Rows of records as CSV, JSONL or Parquet, each written as it comes."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import islice
from typing import IO, Any

from cli.exit_codes import USAGE
from cli.steps import StepFailedError

# Between several classes in one cell of a CSV.
DELIMITER = "|"
ROWS_OF_A_GROUP = 5_000
_TIMES = ("uploaded", "ended")


class Format(StrEnum):
    """What `results` writes."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


def write_rows(rows: Iterable[dict[str, Any]], form: Format, out: IO[bytes], *, with_text: bool) -> int:
    """The number of rows written. Raises StepFailedError where the library for Parquet is not installed."""
    if form is Format.PARQUET:
        return _write_parquet(rows, out, with_text=with_text)
    lines = _csv_lines(rows, with_text=with_text) if form is Format.CSV else _json_lines(rows)
    count = 0
    for line in lines:
        out.write(line.encode("utf-8", errors="replace"))
        count += 1
    return count - (form is Format.CSV)


def _columns(*, with_text: bool) -> list[str]:
    names = ["name", "status", "classes", "confidences", "decision", "reviewed_classes", "reviewed_by", "model"]
    return [*names, *_TIMES, "code", "message", "etag", *(["text"] if with_text else [])]


def _csv_lines(rows: Iterable[dict[str, Any]], *, with_text: bool) -> Iterator[str]:
    """The header, then a line for each row; RFC 4180's quotes and line ends."""
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, _columns(with_text=with_text), extrasaction="ignore")
    writer.writeheader()
    for row in rows:
        yield _taken(buffer)
        flat = row | {
            "classes": DELIMITER.join(each["name"] for each in row["classes"]),
            "confidences": DELIMITER.join(str(each["confidence"]) for each in row["classes"]),
            "reviewed_classes": DELIMITER.join(row["reviewed_classes"] or ()),
        }
        writer.writerow(flat)
    yield _taken(buffer)


def _taken(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text


def _json_lines(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    return (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _write_parquet(rows: Iterable[dict[str, Any]], out: IO[bytes], *, with_text: bool) -> int:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise StepFailedError(
            "Parquet is written with pyarrow, which is not installed",
            do="pip install 'pigeonhole[parquet]' (in the repository: pip install '.[parquet]'), or write csv or jsonl",
            exit_code=USAGE,
        ) from error
    text, time = pa.string(), pa.timestamp("us", tz="UTC")
    types = {
        "classes": pa.list_(pa.struct([("name", text), ("confidence", pa.float64())])),
        "reviewed_classes": pa.list_(text),
        **dict.fromkeys(_TIMES, time),
    }
    names = [name for name in _columns(with_text=with_text) if name != "confidences"]
    schema = pa.schema([(name, types.get(name, text)) for name in names])
    count, remaining = 0, iter(rows)
    with pq.ParquetWriter(out, schema, compression="zstd") as writer:
        while group := list(islice(remaining, ROWS_OF_A_GROUP)):
            typed = [row | {name: _time(row[name]) for name in _TIMES} for row in group]
            writer.write_table(pa.Table.from_pylist(typed, schema))
            count += len(group)
    return count


def _time(value: str | None) -> Any:
    from datetime import datetime

    return None if value is None else datetime.fromisoformat(value)
