"""Route templates: `health`, `jobs/{id}`, `documents/{*path}`. Matching ignores case.

Of several matching routes the more literal wins, then the parameter, then the catch-all
(https://learn.microsoft.com/aspnet/core/fundamentals/routing#route-template-precedence). What else ASP.NET allows in a
template (constraints, defaults, optional parameters, several in a segment) is refused, never misread.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

_PARAMETER = re.compile(r"\{(?P<stars>\*{0,2})(?P<name>\w[\w-]*)\}")
_ESCAPED = re.compile(rb"(?:%[0-9A-Fa-f]{2})+")
_LITERAL, _ONE, _REST = range(3)


class RouteError(ValueError):
    """The route template is malformed, or uses what this host does not know."""


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
    _names: tuple[str, ...]
    """The literal text or the parameter's name, for each segment."""

    @classmethod
    def parse(cls, template: str) -> Self:
        segments = [segment for segment in template.strip("/").split("/") if segment]
        parsed = [_parse_segment(segment, template) for segment in segments]
        kinds = tuple(kind for kind, _ in parsed)
        names = tuple(name for _, name in parsed)
        parameters = [name for kind, name in parsed if kind != _LITERAL]
        if len(set(parameters)) < len(parameters):
            raise RouteError(f"{template!r} names a parameter twice")
        if _REST in kinds[:-1]:
            raise RouteError(f"{template!r}: a catch-all must come last")
        return cls(template, kinds, names)

    def match(self, path: str) -> dict[str, str] | None:
        """The route values of a decoded path without leading slash; None when it does not match."""
        has_rest = bool(self.precedence) and self.precedence[-1] == _REST
        fixed = len(self._names) - has_rest
        path = path.rstrip("/")
        given = path.split("/", fixed) if path else []
        head, rest = given[:fixed], given[fixed:]
        if len(head) < fixed or (rest and not has_rest):
            return None
        values: dict[str, str] = {}
        for kind, name, segment in zip(self.precedence, self._names, head, strict=False):
            if kind == _LITERAL and segment.lower() != name.lower():
                return None
            if kind == _ONE:
                if not segment:
                    return None
                values[name] = segment
        return values | ({self._names[-1]: rest[0]} if rest and rest[0] else {})


def _parse_segment(segment: str, template: str) -> tuple[int, str]:
    if "{" not in segment and "}" not in segment:
        return _LITERAL, segment
    match = _PARAMETER.fullmatch(segment)
    if match is None:
        raise RouteError(f"{template!r}: this host knows {{name}} and {{*name}}, not {segment!r}")
    return (_REST if match["stars"] else _ONE), match["name"]
