"""`python -m local`: the whole of Pigeonhole on this machine, without any Azure account."""

from __future__ import annotations

import argparse
import sys

from azurite_process.folder_lock import FolderTakenError
from azurite_process.processes import ProcessFailedError
from cli.api import ApiError
from cli.datasets import DatasetError
from cli.steps import StepFailedError
from local import demo, up
from shared.errors import SettingsError


def run_emulator(arguments: argparse.Namespace) -> int:
    from language_emulator.__main__ import main as emulator_main

    sys.argv = ["python -m local emulator", *arguments.flags]
    emulator_main()
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m local",
        description=__doc__,
        epilog="How it is, and where a document is: pigeonhole status, pigeonhole document NAME (docs/command.md).",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    command = commands.add_parser("demo", help="train, publish, upload, classify, print, stop")
    demo.add_arguments(command)
    command.set_defaults(run=demo.run)
    command = commands.add_parser("up", help="keep everything running for your own uploads")
    up.add_arguments(command)
    command.set_defaults(run=up.run)
    command = commands.add_parser("emulator", help="only the Language emulator; flags as of language_emulator")
    command.add_argument("flags", nargs=argparse.REMAINDER, help="for example --port 7072 --help")
    command.set_defaults(run=run_emulator)
    arguments = parser.parse_args()
    try:
        return int(arguments.run(arguments))
    except StepFailedError as error:
        print(f"error: {error}\n{error.do}", file=sys.stderr)
        return 1
    except (ApiError, DatasetError, FileNotFoundError, FolderTakenError, ProcessFailedError, SettingsError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
