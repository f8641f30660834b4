"""`python -m cli`: what people type. One command so far."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from cli.datasets import SAMPLES, DatasetError, load_dataset
from cli.first_run import EXIT_CODES, FAILED, INTERRUPTED, USAGE, Patience, first_run
from cli.steps import StepFailedError
from cli.target import Choice, find_target


def run_first_run(arguments: argparse.Namespace) -> int:
    console = Console()
    try:
        dataset = load_dataset(arguments.dataset.resolve(), limit=arguments.documents)
        target = find_target(Choice(arguments.url, arguments.environment, arguments.running))
        patience = Patience(health=arguments.health_seconds, records=arguments.record_seconds)
        return first_run(console, target, dataset, train_again=arguments.train_again, patience=patience)
    except DatasetError as error:
        console.print(f"[red]error[/red] {escape(str(error))}", soft_wrap=True)
        return USAGE
    except StepFailedError as error:
        console.print(f"[red]failed[/red] {escape(str(error))}", soft_wrap=True)
        console.print(f"[bold]what to do[/bold] {escape(error.do)}", soft_wrap=True)
        return FAILED
    except KeyboardInterrupt:
        console.print("interrupted; run it again, it goes on where it was")
        return INTERRUPTED


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m cli", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    command = commands.add_parser(
        "first-run",
        help="train on labelled documents, publish, classify documents, print their classes",
        description="From an app without a model to classified documents, on what `make up` runs or on Azure. "
        "Run it again as often as you like: what is done is not repeated.",
        epilog="Exit codes: " + "; ".join(f"{code}: {meaning}" for code, meaning in EXIT_CODES.items()) + ".",
    )
    command.add_argument(
        "--dataset", type=Path, default=SAMPLES, metavar="DIR", help="labels.json and new/*.txt (default: the samples)"
    )
    command.add_argument("--documents", type=int, metavar="N", help="classify only the first N of new/")
    command.add_argument("--environment", metavar="NAME", help="the azd environment (default: azd's own default)")
    command.add_argument("--running", type=Path, metavar="FILE", help="running.json of another `python -m local up`")
    command.add_argument(
        "--url", help="an app hosted elsewhere; PIGEONHOLE_KEY and PIGEONHOLE_STORAGE in the environment go with it"
    )
    command.add_argument(
        "--train-again", action="store_true", help="train although a model is in use, and replace the labels"
    )
    command.add_argument(
        "--health-seconds",
        type=float,
        default=Patience.health,
        metavar="S",
        help="give up on an app that is not healthy after so long (default %(default)s)",
    )
    command.add_argument(
        "--record-seconds",
        type=float,
        default=Patience.records,
        metavar="S",
        help="give up waiting for records after so long (default %(default)s)",
    )
    command.set_defaults(run=run_first_run)
    arguments = parser.parse_args()
    return int(arguments.run(arguments))


if __name__ == "__main__":
    sys.exit(main())
