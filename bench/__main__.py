"""`python -m bench NAME`: one benchmark; `all`: those of speed; without a name: every one. `--help` lists them."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from bench import (
    chaos,
    classifier,
    coldstart,
    label_errors,
    latency,
    load,
    memory,
    page,
    pipeline,
    profile,
    report,
    scale,
    transactions,
    trust,
)

# Each module has NAME, HELP, add_arguments(parser) and run(arguments) -> bool, true when every gate passed.
SPEED = (pipeline, latency, transactions, memory, coldstart, profile)
BENCHMARKS = (classifier, trust, label_errors, *SPEED, page, scale, chaos)
ALL, BRIEFLY = "all", "briefly"
# Enough to see that each still runs; the figures mean nothing, and no target is kept.
SMALL = {
    "pipeline": ["--documents", "30", "--waiting", "30", "--rounds", "1"],
    "latency": ["--often", "2", "--seldom", "1"],
    "transactions": ["--documents", "30"],
    "memory": ["--documents", "60"],
    "coldstart": ["--runs", "1", "--python", sys.executable],
    "profile": ["--calls", "3"],
}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measured figures with gates.")
    commands = parser.add_subparsers(dest="name", metavar="NAME")
    for benchmark in (*BENCHMARKS, report):
        command = commands.add_parser(benchmark.NAME, help=benchmark.HELP, description=benchmark.HELP)
        benchmark.add_arguments(command)
        command.set_defaults(run=benchmark.run)
    every = commands.add_parser(ALL, help="all benchmarks of speed, one after the other")
    load.add_host_argument(every)
    commands.add_parser(BRIEFLY, help="each of these once, small, to see that it runs")
    arguments = parser.parse_args(argv)
    if arguments.name is None:
        return run_each(parser, BENCHMARKS, host=None)
    if arguments.name == ALL:
        return run_each(parser, SPEED, host=arguments.host)
    if arguments.name == BRIEFLY:
        return run_briefly(parser)
    return 0 if arguments.run(arguments) else 1


def run_briefly(parser: argparse.ArgumentParser) -> int:
    """Fails when one raises. The results of whole runs stay."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        report.FOLDER = Path(folder)
        for benchmark in SPEED:
            benchmark.run(parser.parse_args([benchmark.NAME, *SMALL[benchmark.NAME]]))
        written = {path.stem.removesuffix("-stand-in") for path in report.FOLDER.glob("*.json")}
    return 0 if written == set(SMALL) else 1


def run_each(parser: argparse.ArgumentParser, benchmarks: Iterable[ModuleType], *, host: str | None) -> int:
    """With default arguments, and on this host where a benchmark can choose one."""
    passed = []
    for benchmark in benchmarks:
        arguments = parser.parse_args([benchmark.NAME])
        if host is not None and hasattr(arguments, "host"):
            arguments.host = host
        passed.append(benchmark.run(arguments))
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
