"""What every benchmark ends with: figures against their targets, as a table and as JSON.

`python -m bench report` puts the tables of all runs in build/bench into docs/performance.md.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.figures import machine
from local.settings import ROOT

NAME = "report"
HELP = "write the figures of build/bench into docs/performance.md"
FOLDER = Path("build/bench")
PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- figures: python -m bench report -->", "<!-- end of figures -->"


@dataclass(frozen=True)
class Gate:
    """A figure and the bound it must keep: at least `bound`, or at most when `at_most`. `today`: before issue 13."""

    name: str
    value: float
    bound: float
    at_most: bool = False
    today: str = ""

    @property
    def passed(self) -> bool:
        return self.value <= self.bound if self.at_most else self.value >= self.bound

    @property
    def target(self) -> str:
        return f"{'≤' if self.at_most else '≥'} {self.bound:g}"


def report(benchmark: str, gates: list[Gate], details: dict[str, Any], *, host: str | None = None) -> bool:
    """Print and write; true when every gate passed."""
    title = f"bench {benchmark}" + (f" on the {host} host" if host else "")
    table = Table("figure", "before", "measured", "target", "", title=title)
    for gate in gates:
        table.add_row(gate.name, gate.today, f"{gate.value:.4g}", gate.target, "pass" if gate.passed else "FAIL")
    for name, value in details.items():
        if isinstance(value, int | float):
            table.add_row(name, "", f"{value:.4g}", "", "")
    Console().print(table)
    passed = all(gate.passed for gate in gates)
    content = {
        "benchmark": benchmark,
        "host": host,
        "machine": machine(),
        "passed": passed,
        "gates": [vars(gate) | {"passed": gate.passed} for gate in gates],
        "details": details,
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    name = f"{benchmark}-{host}" if host else benchmark
    (FOLDER / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return passed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--page", type=Path, default=PAGE, help="default: docs/performance.md")
    parser.add_argument("--results", type=Path, default=FOLDER, help="default: build/bench")


def run(arguments: argparse.Namespace) -> bool:
    page = arguments.page.read_text(encoding="utf-8")
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{arguments.page} has no place for figures: {BEGIN} … {END}")
    files = sorted(arguments.results.glob("*.json"))
    tables = [table for path in files if (table := markdown(json.loads(path.read_text(encoding="utf-8"))))]
    arguments.page.write_text("\n\n".join([before + begin, *tables, end + after]), encoding="utf-8")
    return True


def markdown(content: dict[str, Any]) -> str:
    """The table of one run. Those that were written before hosts were told apart say nothing of the machine."""
    gates = [Gate(**{name: value for name, value in gate.items() if name != "passed"}) for gate in content["gates"]]
    where = content.get("machine")
    if not gates or not where:
        return ""
    host = f", {content['host']} host" if content.get("host") else ""
    rows = [
        f"| {gate.name} | {gate.today or '–'} | {gate.value:.3g} | {gate.target} | {_kept(gate)} |" for gate in gates
    ]
    rows += [
        f"| {name} | – | {value:.3g} | | |"
        for name, value in content["details"].items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]
    head = f"**{content['benchmark']}**{host}: {where['cpu']}, {where['cores']} cores, Python {where['python']}, "
    head += f"load {where['load']}"
    return "\n".join([head, "", "| Figure | Before | Measured | Target | Kept |", "|---|---|---|---|---|", *rows])


def _kept(gate: Gate) -> str:
    return "yes" if gate.passed else "**no**"
