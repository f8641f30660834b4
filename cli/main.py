"""The command `pigeonhole`: documents, labels, models and reviews, on a laptop as on Azure."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.commands import documents, failures, first_run, labels, models, review, status

app = typer.Typer(
    name="pigeonhole",
    help=__doc__,
    no_args_is_help=True,
    # Plain help: it starts in half the time, and examples stay as they are written.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="\b\nIt speaks to what `make up` runs on this machine, else to the default azd environment.\n"
    "Exit codes, and everything about each command: docs/command.md.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(version("pigeonhole"))
        except PackageNotFoundError:
            print("not installed: run from its folder")
        raise typer.Exit


@app.callback()
def main(
    _: Annotated[
        bool, typer.Option("--version", help="Print the version and end.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    pass


for module in (first_run, documents, failures, labels, models, review, status):
    module.add_to(app)


def run() -> None:
    """What the installed command calls."""
    app()
