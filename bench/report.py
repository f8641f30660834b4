"""What every benchmark ends with: figures against their gates, as a table and as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

FOLDER = Path("build/bench")


@dataclass(frozen=True)
class Gate:
    """A figure and the bound it must keep: at least `bound`, or at most when `at_most`."""

    name: str
    value: float
    bound: float
    at_most: bool = False

    @property
    def passed(self) -> bool:
        return self.value <= self.bound if self.at_most else self.value >= self.bound


def report(benchmark: str, gates: list[Gate], details: dict[str, Any]) -> bool:
    """Print and write; true when every gate passed."""
    table = Table("figure", "measured", "gate", "", title=f"bench {benchmark}")
    for gate in gates:
        sign = "≤" if gate.at_most else "≥"
        table.add_row(gate.name, f"{gate.value:.4g}", f"{sign} {gate.bound:g}", "pass" if gate.passed else "FAIL")
    Console().print(table)
    passed = all(gate.passed for gate in gates)
    content = {
        "benchmark": benchmark,
        "passed": passed,
        "gates": [vars(gate) | {"passed": gate.passed} for gate in gates],
        "details": details,
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{benchmark}.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return passed
