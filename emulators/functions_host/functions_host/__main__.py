"""`python -m functions_host`: run a function app on this machine."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from pathlib import Path

from functions_host.host import Host, HostOptions
from functions_host.server import bind, serve
from functions_host.settings import SettingError, load_settings
from functions_host.signatures import FunctionLoadError
from functions_host.timings import HostTimings

_DATA_FOLDER = ".functions_host"


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m functions_host",
        description="Runs an Azure Functions app (Python v2 model) on this machine.",
    )
    parser.add_argument(
        "--app", type=Path, default=Path(), metavar="DIR", help="folder of function_app.py and host.json"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=7071, help="0 takes a free one (default %(default)s)")
    parser.add_argument(
        "--settings",
        type=Path,
        metavar="FILE",
        help="default: local.settings.json of the app; the environment wins over it",
    )
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help=f"where keys are kept (default: {_DATA_FOLDER} in the app)"
    )
    parser.add_argument("--print-keys", action="store_true", help="print the access keys at start")
    parser.add_argument(
        "--emulate-event-grid",
        action=argparse.BooleanOptionalAction,
        default=os.environ.get("FUNCTIONS_HOST_EMULATE_EVENT_GRID", "1") != "0",
        help='scan containers for blob triggers with source="EventGrid" too (default: on)',
    )
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    arguments = parse_arguments(argv)
    try:
        bound = bind(arguments.host, arguments.port)
    except OSError as error:
        print(f"Cannot listen on {arguments.host}:{arguments.port}: {error.strerror}", flush=True)
        return 1
    try:
        host = build_host(arguments)
    except Exception as error:
        # The app's own import may raise anything; the real host would go on, with no functions.
        if not isinstance(error, (SettingError, FunctionLoadError)):
            traceback.print_exc(file=sys.stdout)
        print(f"0 functions found: {error}", flush=True)
        return 1
    if arguments.print_keys:
        keys = host.keys
        print(f"Keys: master {keys.master}, function {keys.function}, blobs_extension {keys.blobs_extension}")
    has_drained = serve(host, bound)
    if not host.close() or not has_drained:
        # A handler still runs in a thread, which cannot be ended; its message comes back when its visibility ends.
        print("Stopped with invocations still running", flush=True)
        os._exit(0)
    return 0


def build_host(arguments: argparse.Namespace) -> Host:
    """Raises what is wrong with the app, its settings or its host.json."""
    app_folder = arguments.app.resolve()
    data_folder = (arguments.data or app_folder / _DATA_FOLDER).resolve()
    settings = load_settings(os.environ, arguments.settings or app_folder / "local.settings.json")
    # The app reads its settings from the environment, as in Azure.
    os.environ.update(settings.environment)
    _ignore_in_git(data_folder)
    timings = HostTimings.from_environment(os.environ)
    return Host(HostOptions(app_folder, data_folder, timings, arguments.emulate_event_grid), settings)


def _ignore_in_git(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".gitignore").write_text("*\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
