"""`functions-host`: run a function app on this machine."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from pathlib import Path

from functions_host.app_packages import prefer_packages_of
from functions_host.host import Host, HostOptions
from functions_host.platform_settings import find_host_id
from functions_host.server import bind, serve
from functions_host.settings import AppSettings, SettingError, load_settings
from functions_host.signatures import FunctionLoadError
from functions_host.timings import HostTimings

# Not in the app's folder: a folder made there restarts the real host.
_STATE_FOLDER = "~/.local/state"


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="functions-host",
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
        "--data", type=Path, metavar="DIR", help="where keys are kept (default: the user's state folder)"
    )
    parser.add_argument("--print-keys", action="store_true", help="print the access keys at start")
    parser.add_argument(
        "--emulate-event-grid",
        action=argparse.BooleanOptionalAction,
        default=os.environ.get("FUNCTIONS_HOST_EMULATE_EVENT_GRID", "1") != "0",
        help='scan containers for blob triggers with source="EventGrid" too (default: on)',
    )
    parser.add_argument(
        "--show-lost-lines",
        action=argparse.BooleanOptionalAction,
        default=os.environ.get("FUNCTIONS_HOST_SHOW_LOST_LINES") == "1",
        help="show what the app logs outside every invocation, which the real host drops (default: off)",
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
    settings = load_settings(os.environ, arguments.settings or app_folder / "local.settings.json")
    # The app reads its settings from the environment, as in Azure.
    os.environ.update(settings.environment)
    timings = HostTimings.from_environment(os.environ)
    data_folder = arguments.data or _default_data_folder(app_folder, settings)
    options = HostOptions(
        app_folder,
        data_folder.resolve(),
        timings,
        emulates_event_grid=arguments.emulate_event_grid,
        shows_lost_lines=arguments.show_lost_lines,
    )
    return Host(options, settings)


def _default_data_folder(app_folder: Path, settings: AppSettings) -> Path:
    """One folder for each host id, so that an app keeps its keys from start to start."""
    state = Path(os.environ.get("XDG_STATE_HOME") or _STATE_FOLDER).expanduser()
    return state / "functions-host" / find_host_id(app_folder, settings)


def command() -> None:
    """The console command."""
    prefer_packages_of(parse_arguments().app)
    sys.exit(main())


if __name__ == "__main__":
    command()
