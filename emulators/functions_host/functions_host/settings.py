"""App settings: the environment, filled up from local.settings.json, and the %NAME% references of bindings.

As in Core Tools, a variable of the environment wins over the file. Names are compared ignoring case and `:` equals
`__`, because the host reads them through .NET configuration.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path


class SettingError(ValueError):
    """A setting is missing or malformed; the host cannot start."""


class AppSettings:
    """The settings of the app. `environment` is what the app itself must see in os.environ."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.environment = dict(values)
        self._values = {_normalise(name): value for name, value in values.items()}

    def find(self, name: str) -> str | None:
        return self._values.get(_normalise(name))

    def under(self, prefix: str) -> dict[str, str]:
        """The settings `<prefix>__<name>`, by lower-case name."""
        start = _normalise(prefix) + "__"
        return {name[len(start) :]: value for name, value in self._values.items() if name.startswith(start)}

    def resolve(self, text: str) -> str:
        """Replace every %NAME%; an unknown name or an unclosed % is an error (NameResolverExtensions.cs)."""
        parts = text.split("%")
        if len(parts) % 2 == 0:
            raise SettingError(f"the last % of {text!r} has no closing %")
        return "".join(part if index % 2 == 0 else self._required(part, text) for index, part in enumerate(parts))

    def _required(self, name: str, text: str) -> str:
        value = self.find(name)
        if value is None:
            raise SettingError(f"%{name}% in {text!r} does not resolve to a value: set {name}")
        return value


def load_settings(environment: Mapping[str, str], settings_file: Path | None) -> AppSettings:
    values = read_local_settings(settings_file) if settings_file and settings_file.exists() else {}
    return AppSettings({**values, **environment})


def read_local_settings(path: Path) -> dict[str, str]:
    """The `Values` of a local.settings.json, as strings."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise SettingError(f"{path} is not JSON: {error}") from error
    if content.get("IsEncrypted"):
        raise SettingError(f"{path} is encrypted: run `func settings decrypt`")
    return {name: _text(value) for name, value in content.get("Values", {}).items()}


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _normalise(name: str) -> str:
    return name.replace(":", "__").lower()
