"""Throughput from the first upload to the last record, beside the scripts and the floor (bench/scripts.py).

Both sides of a ratio are measured in one run, on one storage and one emulator. The time that the emulator says a job
takes is part of each figure's name: with none the scripts are fastest, with the 2 s of a real service they mostly wait.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from typing import Any

from bench.figures import median
from bench.load import Load, add_host_argument, running_load, texts
from bench.report import Gate, report
from bench.scripts import SCRIPTS, Script, run_floor

NAME = "pipeline"
HELP = "documents a second, beside three scripts and the floor; CPU a document"
# A script's speed does not depend on how many documents it is given, and one job takes seven seconds.
SCRIPTED = {"a": 3, "b": 75, "c": 300}
# These two wait nearly all the time, so that one round is as good as five.
ONCE = ("a", "b")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_host_argument(parser)
    parser.add_argument("--documents", type=int, default=500, help="with a service time of 0 (default %(default)s)")
    parser.add_argument("--waiting", type=int, default=300, help="with one of 2 s (default %(default)s)")
    parser.add_argument(
        "--rounds", type=int, default=5, help="of each side in turn; medians count (default %(default)s)"
    )


def run(arguments: argparse.Namespace) -> bool:
    host, rounds = arguments.host, arguments.rounds
    with running_load(host, service="after 2 seconds") as load:
        against_scripts, details = _beside_scripts(load, arguments.waiting, rounds=rounds)
    with running_load(host) as load:
        against_floor, more = _beside_floor(load, arguments.documents, rounds=rounds, host=host)
    return report(NAME, [*against_scripts, *against_floor], details | more, host=host)


def _beside_scripts(load: Load, count: int, *, rounds: int) -> tuple[list[Gate], dict[str, Any]]:
    found: dict[str, list[float]] = {name: [] for name in ("app", *SCRIPTS)}
    for number in range(rounds):
        found["app"].append(count / load.classify(texts(count)))
        names = [info.name for info in load.stack.container(load.stack.settings.documents_container).list()]
        for script, options in SCRIPTS.items():
            if script in ONCE and number:
                continue
            batch = names[: min(SCRIPTED[script], count)]
            found[script].append(len(batch) / Script(load.stack).classify(batch, **options))
    rates = {name: median(values) for name, values in found.items()}
    targets = {"a": (150, "81"), "b": (8, "3.7"), "c": (0.5, "0.20")}
    gates = [
        Gate(
            f"documents a second, service time 2 s, against script {script}",
            rates["app"] / rates[script],
            bound,
            today=today,
        )
        for script, (bound, today) in targets.items()
    ]
    return gates, {f"documents a second, service time 2 s: {name}": rate for name, rate in rates.items()}


def _beside_floor(load: Load, count: int, *, rounds: int, host: str) -> tuple[list[Gate], dict[str, Any]]:
    contents = texts(count)
    rates: dict[str, list[float]] = {"app": [], "floor": [], "floor with the trigger": []}
    used: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        before = load.cpu()
        rates["app"].append(count / load.classify(contents))
        for name, seconds in load.cpu().items():
            used[name].append(1000 * (seconds - before[name]) / count)
        for name, with_trigger in (("floor", False), ("floor with the trigger", True)):
            seconds, cpu = run_floor(load.stack, contents, with_trigger=with_trigger)
            rates[name].append(count / seconds)
            used[name].append(1000 * cpu / count)
    rate = {name: median(values) for name, values in rates.items()}
    limit, today = (15, "22-24") if host == "real" else (12, "18-25")
    gates = [
        Gate(
            "documents a second, service time 0, against the floor with the trigger",
            rate["app"] / rate["floor with the trigger"],
            0.8,
        ),
        Gate("host CPU a document, ms", median(used["host"]), limit, at_most=True, today=today),
    ]
    if host == "real":
        gates.append(Gate("documents a second, service time 0", rate["app"], 55, today="43"))
    details = {f"documents a second, service time 0: {name}": value for name, value in rate.items()}
    details |= {"host CPU a document, ms: first round": used["host"][0]}
    return gates, details | {f"CPU a document, ms: {name}": median(values) for name, values in used.items()}
