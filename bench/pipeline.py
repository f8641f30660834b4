"""Throughput from the first upload to the last record, beside the scripts and the floor (bench/scripts.py).

Both sides of a ratio are measured in one run, on one storage and one emulator. The time that the emulator says a job
takes is part of each figure's name: with none the scripts are fastest, with the 2 s of a real service they mostly wait.
"""

from __future__ import annotations

import argparse
from typing import Any

from bench.load import Load, add_host_argument, running_load, texts
from bench.report import Gate, report
from bench.scripts import SCRIPTS, Script, run_floor

NAME = "pipeline"
HELP = "documents a second, beside three scripts and the floor; CPU a document"
# A script's speed does not depend on how many documents it is given, and one job takes seven seconds.
SCRIPTED = {"a": 3, "b": 75, "c": 300}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_host_argument(parser)
    parser.add_argument("--documents", type=int, default=500, help="with a service time of 0 (default %(default)s)")
    parser.add_argument("--waiting", type=int, default=300, help="with one of 2 s (default %(default)s)")


def run(arguments: argparse.Namespace) -> bool:
    host = arguments.host
    with running_load(host, service="after 2 seconds") as load:
        against_scripts, details = _beside_scripts(load, arguments.waiting)
    with running_load(host) as load:
        against_floor, more = _beside_floor(load, arguments.documents, host=host)
    return report(NAME, [*against_scripts, *against_floor], details | more, host=host)


def _beside_scripts(load: Load, count: int) -> tuple[list[Gate], dict[str, Any]]:
    app = count / load.classify(texts(count))
    names = [info.name for info in load.stack.container(load.stack.settings.documents_container).list()]
    rates = {"app": app}
    for script, options in SCRIPTS.items():
        batch = names[: min(SCRIPTED[script], count)]
        rates[script] = len(batch) / Script(load.stack).classify(batch, **options)
    targets = {"a": (150, "81"), "b": (8, "3.7"), "c": (0.5, "0.20")}
    gates = [
        Gate(f"documents a second, service time 2 s, against script {script}", app / rates[script], bound, today=today)
        for script, (bound, today) in targets.items()
    ]
    return gates, {f"documents a second, service time 2 s: {name}": rate for name, rate in rates.items()}


def _beside_floor(load: Load, count: int, *, host: str) -> tuple[list[Gate], dict[str, Any]]:
    contents = texts(count)
    before = load.cpu()
    app = count / load.classify(contents)
    used = {name: 1000 * (seconds - before[name]) / count for name, seconds in load.cpu().items()}
    bare_seconds, bare_cpu = run_floor(load.stack, contents, with_trigger=False)
    full_seconds, full_cpu = run_floor(load.stack, contents, with_trigger=True)
    limit, today = (15, "22-24") if host == "real" else (12, "18-25")
    gates = [
        Gate("documents a second, service time 0, against the floor with the trigger", app * full_seconds / count, 0.8),
        Gate("host CPU a document, ms", used["host"], limit, at_most=True, today=today),
    ]
    if host == "real":
        gates.append(Gate("documents a second, service time 0", app, 55, today="43"))
    return gates, {
        "documents a second, service time 0: app": app,
        "documents a second, service time 0: floor": count / bare_seconds,
        "documents a second, service time 0: floor with the trigger": count / full_seconds,
        "CPU a document, ms: floor": 1000 * bare_cpu / count,
        "CPU a document, ms: floor with the trigger": 1000 * full_cpu / count,
    } | {f"CPU a document, ms: {name}": value for name, value in used.items()}
