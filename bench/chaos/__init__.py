"""Chaos: hosts are killed, storage and the service fail, messages come twice; afterwards every document is compared.

What is judged are the promises: nothing lost, stale, double, wrong or left open. Seconds and memory are printed.
"""

from __future__ import annotations

import argparse
import secrets
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.chaos.run import Options, Outcome, running_chaos
from bench.report import Gate, report
from shared.language.apis import API_VERSIONS

NAME = "chaos"
HELP = "two hosts on one storage, killed and disturbed in every way; every document compared by content at the end"
SHOWN = 10
DOCUMENTS_PER_KILL = 250
# A process takes its threads' stacks and buffers with the first burst, and reconcile reads three listings at once, in
# pages of 5,000 blobs: 45 MB with 2,600 documents, in the first pass and no more in the next ones. More is a leak.
GROWTH, GROWTH_MB, LISTING_MB, PAGE = 1.3, 30.0, 0.025, 5_000
# The lock on a message: the stand-in's is a quarter of a minute here, the real one ten minutes.
SETTLE_SECONDS = {"stand-in": 240.0, "real": 2400.0}
SECONDS_A_DOCUMENT = 0.3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--documents", type=int, default=300, help="how many names are uploaded (default %(default)s)")
    parser.add_argument("--seed", type=int, help="of everything that is random (default: a new one, printed)")
    parser.add_argument(
        "--nets", choices=("on", "off"), default="on", help="off: reconcile and sweep never run, by the protocol alone"
    )
    parser.add_argument("--language-api", choices=API_VERSIONS, default=API_VERSIONS[0], help="(default %(default)s)")
    parser.add_argument(
        "--host",
        choices=("stand-in", "real"),
        default="stand-in",
        help="real: Microsoft's host, two instances, by the script that FUNCTIONS_HOST names; allow for half an hour",
    )
    parser.add_argument(
        "--kills",
        type=int,
        help=f"how often a host is killed (default: once for {DOCUMENTS_PER_KILL} documents, 2 at least)",
    )
    parser.add_argument(
        "--settle-seconds", type=float, help="give up waiting afterwards (default: 240, real: 2400, and 0.3 a document)"
    )
    parser.add_argument("--keep", type=Path, metavar="DIR", help="leave the logs of all processes there")


def run(arguments: argparse.Namespace) -> bool:
    options = Options(
        documents=arguments.documents,
        seed=arguments.seed if arguments.seed is not None else secrets.randbelow(100_000),
        language_api=arguments.language_api,
        nets=arguments.nets == "on",
        host=arguments.host,
        kills=arguments.kills if arguments.kills is not None else max(2, arguments.documents // DOCUMENTS_PER_KILL),
        kill_pause=(5.0, 20.0) if arguments.host == "real" else (0.5, 5.0),
        settle_seconds=arguments.settle_seconds
        or SETTLE_SECONDS[arguments.host] + SECONDS_A_DOCUMENT * arguments.documents,
    )
    began = time.monotonic()

    def say(line: str) -> None:
        print(f"[{time.monotonic() - began:6.1f} s] {line}", flush=True)

    say(f"chaos: {options}")
    with ExitStack() as closing:
        folder = arguments.keep or Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="chaos-")))
        chaos = closing.enter_context(running_chaos(folder, options, say))
        outcome = chaos.run()
    for kind, lines in outcome.findings.all().items():
        for line in lines[:SHOWN]:
            print(f"{kind}: {line}")
        if len(lines) > SHOWN:
            print(f"{kind}: and {len(lines) - SHOWN} more")
    return report(f"{NAME}-{options.language_api}-{options.seed}", gates_of(outcome), details_of(options, outcome))


def gates_of(outcome: Outcome) -> list[Gate]:
    gates = [
        Gate(kind.replace("_", " "), len(lines), 0, at_most=True) for kind, lines in outcome.findings.all().items()
    ]
    gates.append(Gate("settled in time", outcome.settled, 1))
    unfinished = sum(state != "succeeded" for state in outcome.operations.values())
    gates.append(Gate("operations that did not succeed", unfinished, 0, at_most=True))
    for host, (begin, middle, end) in outcome.memory.items():
        print(f"{host}: {begin:.0f} MB at the beginning, {middle:.0f} in the middle, {end:.0f} at the end")
        bound = begin * GROWTH + GROWTH_MB + LISTING_MB * min(outcome.plan.documents, PAGE)
        gates.append(Gate(f"{host}: memory at the end, MB", end, bound, at_most=True))
    return gates


def details_of(options: Options, outcome: Outcome) -> dict[str, Any]:
    plan, findings = outcome.plan, outcome.findings
    return {
        "options": vars(options),
        "documents": plan.documents,
        "overwritten": plan.overwritten,
        "deleted": plan.deleted,
        "reborn": plan.reborn,
        "classified": findings.classified,
        "failed": findings.failed,
        "given up after three bad answers": findings.given_up,
        "kills": outcome.kills,
        "operations": outcome.operations,
        "requests": outcome.requests,
        "disturbances": outcome.disturbances,
        "memory": outcome.memory,
        "seconds": outcome.seconds,
        "findings": findings.all(),
    }
