"""What azd makes of a template's outputs: the values that the hooks, and Kubernetes, get as environment variables.

azd (pkg/infra/provisioning/manager.go) prints each with Go's `%v`. The value comes from JSON without a type, so that a
number is a float64: 4000000 is printed as 4e+06.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

OUTPUT = re.compile(r"^output (\w+) (\S+) = (.+)$", re.MULTILINE)


def output_types(template: str) -> dict[str, str]:
    """The type of every output of a Bicep template, by the output's name."""
    return {name: kind for name, kind, _ in OUTPUT.findall(template)}


def environment_value(value: Any) -> str:
    """As Go's `%v` prints a bool, a string, or a number that came as JSON."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return _float64(float(value))
    raise TypeError(f"azd writes {type(value).__name__} as JSON, which no hook of ours reads")


def _float64(value: float) -> str:
    """The shortest digits that give the number back; with an exponent where it is below -4 or above 5."""
    number = Decimal(repr(value))
    exponent = number.adjusted() if number else 0
    if -4 <= exponent <= 5:
        return format(number.normalize(), "f")
    sign, digits, _ = number.normalize().as_tuple()
    first, rest = digits[0], "".join(map(str, digits[1:]))
    return f"{'-' if sign else ''}{first}{'.' + rest if rest else ''}e{'-' if exponent < 0 else '+'}{abs(exponent):02}"
