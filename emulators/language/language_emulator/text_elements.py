"""Characters as the service counts them: .NET's text elements, which are Unicode's extended grapheme clusters."""

from __future__ import annotations

import regex

_ELEMENT = regex.compile(r"\X")


def count_text_elements(text: str) -> int:
    """A letter with its marks is one, and so are a family of emoji and a line break of two characters."""
    if text.isascii():
        return len(text) - text.count("\r\n")
    return sum(1 for _ in _ELEMENT.finditer(text))
