"""The path pattern of a blob trigger: `container/prefix-{name}.txt`.

A token captures greedily and across slashes; `{{` and `}}` are literal braces; the container holds no token and is
compared ignoring case; a pattern that is only a container matches every blob in it.
Sources: azure-webjobs-sdk, Bindings/Path/BindingTemplateToken.cs; azure-sdk-for-net, ParameterizedBlobPathSource.cs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

_PART = re.compile(r"\{\{|\}\}|\{(?P<token>[^{}]*)\}|(?P<text>[^{}]+)|(?P<stray>[{}])")
_TOKEN = re.compile(r"^\w[\w-]*$")


class PathError(ValueError):
    """The path of a blob trigger is malformed; the app cannot start."""


@dataclass(frozen=True)
class BlobPath:
    container: str
    _pattern: re.Pattern[str] | None
    _tokens: tuple[str, ...]

    @classmethod
    def parse(cls, path: str, *, ignores_case: bool = False) -> Self:
        """`ignores_case` compares the blob's name as a subject filter of Event Grid does by default."""
        container, _, blob = path.strip("/").partition("/")
        if not container or "{" in container:
            raise PathError(f"{path!r}: a blob trigger needs a container name without tokens")
        if not blob:
            return cls(container.lower(), None, ())
        tokens: list[str] = []
        expression = "".join(_expression(part, path, tokens) for part in _PART.finditer(blob))
        flags = re.DOTALL | (re.IGNORECASE if ignores_case else 0)
        return cls(container.lower(), re.compile(expression, flags), tuple(tokens))

    def match(self, container: str, blob: str) -> dict[str, str] | None:
        """The values of the tokens; None when the blob is not meant."""
        if container.lower() != self.container:
            return None
        if self._pattern is None:
            return {}
        match = self._pattern.fullmatch(blob)
        return match and dict(zip(self._tokens, match.groups(), strict=True))


def _expression(part: re.Match[str], path: str, tokens: list[str]) -> str:
    if part["stray"]:
        raise PathError(f"{path!r}: unbalanced {part['stray']!r}")
    if part["text"]:
        return re.escape(part["text"])
    token = part["token"]
    if token is None:
        return re.escape(part[0][0])
    if not _TOKEN.match(token) or token in tokens:
        raise PathError(f"{path!r}: {{{token}}} is not a usable token")
    tokens.append(token)
    return "(.*)"
