"""Languages of custom text classification, as the language-support page listed them in November 2025."""

from __future__ import annotations

import json
from importlib.resources import files

LANGUAGES: dict[str, str] = json.loads(files(__package__).joinpath("languages.json").read_text(encoding="utf-8"))
_PRIMARY = frozenset(code.partition("-")[0] for code in LANGUAGES)


def is_supported(code: str) -> bool:
    """By the primary language: clients send `en` and `en-GB` where the list has `en-us`."""
    return code.lower().partition("-")[0] in _PRIMARY
