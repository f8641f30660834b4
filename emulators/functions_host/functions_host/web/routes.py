"""Route templates as ASP.NET reads them: `projects/{name}/jobs/{id:int?}`, `files/{*path}`, constraints, defaults.

Matching ignores case. Of several matching routes the more literal wins, then the constrained, then the plain parameter,
then the catch-all (https://learn.microsoft.com/aspnet/core/fundamentals/routing#route-template-precedence).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

_PARAMETER = re.compile(
    r"^(?P<catch_all>\*{0,2})(?P<name>\w[\w-]*)(?P<constraints>(?::[^:=?(]+(?:\(.*?\))?)*)(?P<optional>\?)?(?:=(?P<default>.*))?$"
)
_CONSTRAINT = re.compile(r":([^:=?(]+)(?:\((.*?)\))?(?=:|$)")
_ESCAPED = re.compile(rb"(?:%[0-9A-Fa-f]{2})+")

Check = Callable[[str], bool]


class RouteError(ValueError):
    """The route template is malformed or uses a constraint this host does not know."""


def decode_path(raw: bytes) -> str:
    """Percent-decoding as Kestrel does it: once, and never %2F, which stays an escape inside its segment."""

    def decoded(match: re.Match[bytes]) -> bytes:
        parts = [match[0][index : index + 3] for index in range(0, len(match[0]), 3)]
        value = b"".join(part if part.upper() == b"%2F" else bytes([int(part[1:], 16)]) for part in parts)
        try:
            value.decode("utf-8")
        except UnicodeDecodeError:
            return match[0]
        return value

    return _ESCAPED.sub(decoded, raw).decode("utf-8", errors="replace")


@dataclass(frozen=True)
class RouteTemplate:
    template: str
    precedence: tuple[int, ...]
    """Smaller is tried first."""
    _pattern: re.Pattern[str]
    _checks: dict[str, tuple[Check, ...]]
    _defaults: dict[str, str]

    @classmethod
    def parse(cls, template: str) -> Self:
        builder = _Builder(template)
        for segment in _segments(template):
            builder.add(segment)
        return cls(
            template,
            tuple(builder.precedence),
            re.compile(builder.expression, re.IGNORECASE | re.DOTALL),
            builder.checks,
            builder.defaults,
        )

    def match(self, path: str) -> dict[str, str] | None:
        """The route values of a decoded path without leading slash; None when it does not match."""
        match = self._pattern.fullmatch(path.rstrip("/"))
        if match is None:
            return None
        values = {_name(group): value for group, value in match.groupdict().items() if value}
        fits = all(check(values[name]) for name, checks in self._checks.items() if name in values for check in checks)
        return {**self._defaults, **values} if fits else None


class _Builder:
    def __init__(self, template: str) -> None:
        self.template = template
        self.expression = ""
        self.precedence: list[int] = []
        self.checks: dict[str, tuple[Check, ...]] = {}
        self.defaults: dict[str, str] = {}
        self._names: list[str] = []

    def add(self, segment: str) -> None:
        slash = "/" if self.precedence else ""
        parts = re.split(r"(\{(?:[^{}]|\{\{|\}\})*\})", segment)
        parts = [part for part in parts if part]
        if not any(part.startswith("{") for part in parts):
            self.expression += slash + re.escape(segment)
            self.precedence.append(1)
        elif len(parts) == 1:
            self._add_parameter(slash, parts[0][1:-1])
        else:
            self.expression += slash + "".join(map(self._complex_part, parts))
            self.precedence.append(2)

    def _complex_part(self, part: str) -> str:
        if not part.startswith("{"):
            return re.escape(part)
        match = self._parse(part[1:-1])
        return f"(?P<{self._group(match)}>[^/]+?)"

    def _add_parameter(self, slash: str, text: str) -> None:
        match = self._parse(text)
        group = self._group(match)
        if match["catch_all"]:
            self.expression += f"(?:{slash}(?P<{group}>.*))?"
            self.precedence.append(5)
            return
        is_optional = bool(match["optional"]) or match["default"] is not None
        value = f"{slash}(?P<{group}>[^/]+)"
        self.expression += f"(?:{value})?" if is_optional else value
        self.precedence.append(3 if match["constraints"] else 4)

    def _parse(self, text: str) -> re.Match[str]:
        match = _PARAMETER.match(text)
        if match is None:
            raise RouteError(f"{self.template!r}: {{{text}}} is not a route parameter")
        return match

    def _group(self, match: re.Match[str]) -> str:
        name = match["name"]
        if name in self._names:
            raise RouteError(f"{self.template!r} names {{{name}}} twice")
        self._names.append(name)
        if match["default"] is not None:
            self.defaults[name] = match["default"]
        found = _CONSTRAINT.findall(match["constraints"])
        self.checks[name] = tuple(_check(self.template, kind, argument) for kind, argument in found)
        # A Python group name takes no dash.
        return name.replace("-", "__dash__")


def _name(group: str) -> str:
    return group.replace("__dash__", "-")


def _segments(template: str) -> list[str]:
    """Split at the slashes outside braces: a regex constraint may hold some."""
    text = template.strip("/")
    return re.findall(r"(?:\{(?:[^{}]|\{\{|\}\})*\}|[^/{])+", text) if text else []


def _check(template: str, kind: str, argument: str) -> Check:
    simple: dict[str, str] = {
        "int": r"-?\d+",
        "long": r"-?\d+",
        "bool": r"(?i:true|false)",
        "alpha": r"[A-Za-z]*",
        "guid": r"\{?[0-9A-Fa-f]{8}-?(?:[0-9A-Fa-f]{4}-?){3}[0-9A-Fa-f]{12}\}?",
        "decimal": r"[-+]?\d*\.?\d+",
        "double": r"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?",
        "float": r"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?",
        "required": r".+",
    }
    kind = kind.strip().lower()
    if kind in simple:
        return lambda value: re.fullmatch(simple[kind], value, re.DOTALL) is not None
    if kind == "regex":
        expression = argument.replace("{{", "{").replace("}}", "}")
        return lambda value: re.search(expression, value, re.IGNORECASE) is not None
    return _numeric_check(template, kind, argument)


def _numeric_check(template: str, kind: str, argument: str) -> Check:
    try:
        numbers = [int(number) for number in argument.split(",")]
    except ValueError:
        numbers = []
    low, high = (numbers[0], numbers[-1]) if numbers else (0, 0)
    checks: dict[str, Check] = {
        "length": lambda value: low <= len(value) <= high,
        "minlength": lambda value: len(value) >= low,
        "maxlength": lambda value: len(value) <= high,
        "min": lambda value: _is_integer(value) and int(value) >= low,
        "max": lambda value: _is_integer(value) and int(value) <= high,
        "range": lambda value: _is_integer(value) and low <= int(value) <= high,
    }
    if kind not in checks or not numbers:
        raise RouteError(f"{template!r}: the constraint {kind!r} is not known to this host")
    return checks[kind]


def _is_integer(value: str) -> bool:
    return re.fullmatch(r"-?\d+", value) is not None
