"""Resident memory of the host, and transactions a document, as documents pile up: neither may grow with history.

Documents come in waves, and stay with their records. The target is set for 20,000 (`--documents 20000`).
"""

from __future__ import annotations

import argparse
from typing import Any

from bench.load import add_host_argument, running_load, texts
from bench.report import Gate, report
from bench.transactions import count_transactions

NAME = "memory"
HELP = "memory of the host and transactions a document, wave after wave of documents"
WAVE = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_host_argument(parser)
    parser.add_argument("--documents", type=int, default=4000, help="in waves of 1,000 (default %(default)s)")


def run(arguments: argparse.Namespace) -> bool:
    wave = min(WAVE, max(1, arguments.documents // 2))
    resident: list[float] = []
    transactions: list[float] = []
    with running_load(arguments.host) as load:
        contents, seen = texts(wave), len(load.log_lines())
        for _ in range(max(2, arguments.documents // wave)):
            load.classify(contents, seconds=600)
            lines = load.log_lines()
            transactions.append(sum(count_transactions(lines[seen:])["app"].values()) / wave)
            seen = len(lines)
            resident.append(load.resident_mb())
            print(f"{len(resident) * wave} documents: {resident[-1]:.1f} MB, {transactions[-1]:.2f} transactions each")
    total = len(resident) * wave
    growth = 100 * (resident[-1] / resident[0] - 1)
    spread = 100 * (max(transactions) / min(transactions) - 1)
    gates = [
        Gate(f"memory of the host after {total} documents against {wave}, % more", growth, 10, at_most=True, today="9"),
        Gate(f"transactions a document up to {total} documents, % apart", spread, 5, at_most=True, today="3.5"),
    ]
    details: dict[str, Any] = {
        f"memory of the host after {(number + 1) * wave} documents, MB": value for number, value in enumerate(resident)
    }
    return report(NAME, gates, details, host=arguments.host)
