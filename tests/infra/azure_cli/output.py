"""What a result looks like on stdout, by the rules of knack (azure-cli's framework)."""

from __future__ import annotations

import json
from collections import OrderedDict
from typing import Any

import jmespath


def text(result: Any, query: Any, form: str | None) -> str:
    """`query` is a compiled JMESPath expression or None. A result of null prints nothing."""
    if query is not None:
        result = query.search(result, jmespath.Options(dict_cls=OrderedDict))
    if result is None or form == "none":
        return ""
    if form == "tsv":
        rows = result if isinstance(result, list) else [result]
        return "".join(f"{_row(row)}\n" for row in rows)
    if form in (None, "json", "jsonc"):
        return json.dumps(result, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    raise NotImplementedError(f"the stand-in has no output {form}")


def _row(row: Any) -> str:
    """Of an object or a list its values; of what a query made in its order, else by name."""
    if isinstance(row, dict):
        values = list(row.values()) if isinstance(row, OrderedDict) else [row[name] for name in sorted(row)]
        return "\t".join(_cell(value) for value in values)
    if isinstance(row, list):
        return "\t".join(_cell(value) for value in row)
    return str(row).lower() if isinstance(row, bool) else _cell(row)


def _cell(value: Any) -> str:
    """In a row, a list is its length and an object is empty; booleans keep Python's capital there."""
    if isinstance(value, list):
        return str(len(value))
    return "" if isinstance(value, dict) else str(value)
