"""Is the gate right, is what acceptance promises kept, is drift noticed? On the emulator's classifier and real corpora.

gate.py        two models judged on golden documents that are drawn again and again, beside the rule of before
acceptance.py  a threshold from golden documents, held against the documents that it has not seen
metrics.py     accuracy estimated and drift noticed on streams that are replayed
answers.py     the models behind the first two, and what they answered
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from bench.corpora import corpora_folder
from bench.report import Gate, report
from bench.trust.acceptance import measure_acceptance
from bench.trust.gate import measure_gate
from bench.trust.metrics import RUNS, measure_metrics

NAME = "trust"
HELP = "how often the gate is wrong about a model, and how often acceptance keeps its promise"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, help="folder of the corpora (default: $PIGEONHOLE_CORPORA)")
    parser.add_argument("--resamples", type=int, default=1_000, help="of golden documents, each (default %(default)s)")
    parser.add_argument("--splits", type=int, default=200, help="golden and unseen, each (default %(default)s)")
    parser.add_argument("--runs", type=int, default=RUNS, help="of streams, each (default %(default)s)")
    parser.add_argument("--processes", type=int, default=2, help="default %(default)s")


def run(arguments: argparse.Namespace) -> bool:
    data = arguments.data or corpora_folder()
    gates: list[Gate] = []
    details: dict[str, Any] = {}
    with ProcessPoolExecutor(arguments.processes) as pool:
        measured = [
            measure_gate(pool, data, resamples=arguments.resamples),
            measure_acceptance(pool, data, splits=arguments.splits),
            measure_metrics(data, runs=arguments.runs),
        ]
    for some_gates, some_details in measured:
        gates += some_gates
        details |= some_details
    return report(NAME, gates, details)
