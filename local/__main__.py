"""`python -m local`: the whole of Pigeonhole on this machine, without any Azure account."""

from __future__ import annotations

import argparse
import json
import sys

from azurite_process.folder_lock import FolderTakenError
from cli.api import Api, ApiError
from cli.datasets import DatasetError
from cli.steps import StepFailedError
from local import demo, up
from shared.errors import SettingsError


def show_status(arguments: argparse.Namespace) -> int:
    """The status of what `up` keeps running."""
    running = up.find_running()
    if running is None:
        print("nothing is running; start it with: python -m local up", file=sys.stderr)
        return 1
    path = f"/api/documents/{arguments.document}" if arguments.document else "/api/status"
    print(json.dumps(Api(running["url"], running["function_key"]).call("GET", path), indent=1, ensure_ascii=False))
    return 0


def run_emulator(arguments: argparse.Namespace) -> int:
    from language_emulator.__main__ import main as emulator_main

    sys.argv = ["python -m local emulator", *arguments.flags]
    emulator_main()
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    command = commands.add_parser("demo", help="train, publish, upload, classify, print, stop")
    demo.add_arguments(command)
    command.set_defaults(run=demo.run)
    command = commands.add_parser("up", help="keep everything running for your own uploads")
    up.add_arguments(command)
    command.set_defaults(run=up.run)
    command = commands.add_parser("status", help="what the running pipeline says of itself, or of one document")
    command.add_argument("document", nargs="?", help="name of a document in the documents container")
    command.set_defaults(run=show_status)
    command = commands.add_parser("emulator", help="only the Language emulator; flags as of language_emulator")
    command.add_argument("flags", nargs=argparse.REMAINDER, help="for example --port 7072 --help")
    command.set_defaults(run=run_emulator)
    arguments = parser.parse_args()
    try:
        return int(arguments.run(arguments))
    except StepFailedError as error:
        print(f"error: {error}\n{error.do}", file=sys.stderr)
        return 1
    except (ApiError, DatasetError, FileNotFoundError, FolderTakenError, SettingsError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
