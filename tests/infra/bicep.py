"""Where the templates lie, and what each of them takes and gives, as Microsoft's Bicep CLI read it (make snapshots)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tools.bicep import ROOT
from tools.snapshots import INFRA, JUDGED, MAIN, SECOND_PHASE, TEMPLATES

__all__ = ["INFRA", "MAIN", "ROOT", "SECOND_PHASE", "TEMPLATES", "Parameter", "Template", "read_template"]


@dataclass(frozen=True)
class Parameter:
    """`default` as ARM's JSON has it; an expression is a text in brackets."""

    type: str
    has_default: bool
    default: Any


@dataclass(frozen=True)
class Template:
    """`outputs` is type by name."""

    path: Path
    parameters: dict[str, Parameter]
    outputs: dict[str, str]


@cache
def read_template(path: Path) -> Template:
    """Parameters and outputs as they were when the templates were last judged."""
    kept = json.loads(JUDGED.read_text(encoding="utf-8"))["templates"][path.relative_to(ROOT).as_posix()]
    parameters = {
        name: Parameter(each["type"], "default" in each, each.get("default"))
        for name, each in kept["parameters"].items()
    }
    return Template(path, parameters, kept["outputs"])
