"""One binding of a function, as function.json would have it, with %NAME% already replaced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from functions_host.settings import AppSettings

# Which properties of a binding hold %NAME%; `connection` names a setting itself, and a route may hold a literal %.
_RESOLVED = ("path", "queueName", "schedule")


@dataclass(frozen=True)
class Binding:
    name: str
    type: str
    is_output: bool
    properties: Mapping[str, Any]

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any], settings: AppSettings) -> Binding:
        resolved = {key: settings.resolve(value) if key in _RESOLVED else value for key, value in raw.items()}
        return cls(raw["name"], raw["type"], str(raw["direction"]).upper() == "OUT", resolved)

    def text(self, key: str, default: str = "") -> str:
        return str(self.properties.get(key, default))

    @property
    def connection(self) -> str:
        return self.text("connection")

    @property
    def is_trigger(self) -> bool:
        return self.type.lower().endswith("trigger")
