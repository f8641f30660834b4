"""From an app without a model to the first classified documents."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.command import command
from cli.session import Session


def add_to(app: typer.Typer) -> None:
    command(
        app,
        "first-run",
        examples=("first-run", "first-run --dataset my-letters/", "first-run --environment letters --documents 5"),
    )(first_run)


def first_run(
    session: Session,
    dataset: Annotated[
        Path | None,
        typer.Option("--dataset", metavar="DIR", help="labels.json, training/ and new/*.txt (the samples)."),
    ] = None,
    documents: Annotated[
        int | None, typer.Option("--documents", metavar="N", min=1, help="Classify only the first N of new/.")
    ] = None,
    train_again: Annotated[
        bool, typer.Option("--train-again", help="Train although a model is in use, and replace the labels.")
    ] = False,
    health_seconds: Annotated[
        float,
        typer.Option("--health-seconds", metavar="S", help="Give up on an app that is not healthy after so long."),
    ] = 600,
    record_seconds: Annotated[
        float, typer.Option("--record-seconds", metavar="S", help="Give up waiting for records after so long.")
    ] = 1800,
) -> int:
    """From an app without a model to classified documents.

    It trains on labelled documents, publishes, classifies others and prints their classes. Works on what
    `make up` runs and on Azure. Run it again as often as you like: what is done is not repeated.
    """
    from cli.datasets import SAMPLES, load_dataset
    from cli.first_run import Patience
    from cli.first_run import first_run as run

    found = load_dataset((dataset or SAMPLES).resolve(), limit=documents)
    patience = Patience(health=health_seconds, records=record_seconds)
    done = run(session.out, session.target, found, train_again=train_again, patience=patience)
    session.answer(done.as_json(), lambda: None)
    return done.exit_code
