"""The model of an indexed app: its functions, each with its bindings and its checked signature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from functions_host.bindings import Binding
from functions_host.signatures import Signature


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
