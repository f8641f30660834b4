"""The model of an indexed app: functions and their bindings, with %NAME% already replaced."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from functions_host.settings import AppSettings
from functions_host.signatures import Signature

# Which properties of a binding hold %NAME%; `connection` names a setting itself, and a route may hold a literal %.
_RESOLVED = ("path", "queueName", "schedule")


@dataclass(frozen=True)
class Binding:
    """One binding as function.json would have it."""

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


@dataclass(frozen=True)
class Function:
    name: str
    handler: Callable[..., Any]
    trigger: Binding
    bindings: tuple[Binding, ...]
    signature: Signature
    script: Path

    @property
    def id(self) -> str:
        """How the host names the function in messages, receipts and timer status."""
        return f"Host.Functions.{self.name}"

    @property
    def outputs(self) -> tuple[Binding, ...]:
        return tuple(binding for binding in self.bindings if binding.is_output)

    @property
    def extra_inputs(self) -> tuple[Binding, ...]:
        return tuple(binding for binding in self.bindings if not binding.is_output and not binding.is_trigger)
