"""Comparing the form of two JSON values: the same keys and types everywhere, whatever the values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

# Objects here map class names, which differ, to entries, which must not.
MAPS = re.compile(r"\.(classes|confusionMatrix(\[[^\]]*\])?)$")


def differences(sample: Any, actual: Any, where: str = "$") -> Iterator[str]:
    """Every place where `actual` has another form than `sample`. Null on either side fits anything."""
    if sample is None or actual is None:
        return
    if _type(sample) != _type(actual):
        yield f"{where}: {_type(actual)} instead of {_type(sample)}"
    elif isinstance(sample, dict):
        yield from _object_differences(sample, actual, where)
    elif isinstance(sample, list) and sample:
        for index, entry in enumerate(actual):
            yield from differences(sample[min(index, len(sample) - 1)], entry, f"{where}[{index}]")


def _object_differences(sample: dict[str, Any], actual: dict[str, Any], where: str) -> Iterator[str]:
    if MAPS.search(where):
        entry = next(iter(sample.values()), None)
        for name, value in actual.items():
            yield from differences(entry, value, f"{where}[{name}]")
        return
    if set(sample) != set(actual):
        yield f"{where}: keys {sorted(actual)} instead of {sorted(sample)}"
    for key in set(sample) & set(actual):
        yield from differences(sample[key], actual[key], f"{where}.{key}")


def _type(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return type(value).__name__
