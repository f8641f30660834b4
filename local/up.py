"""`python -m local up`: everything stays running, with your data kept between runs, until Ctrl-C."""

from __future__ import annotations

import argparse
import json
import signal
import threading
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from azurite_process.folder_lock import FolderLock, FolderTakenError, is_taken
from azurite_process.processes import ProcessFailedError
from cli.api import Api
from cli.datasets import SAMPLES, load_dataset
from cli.storage import UserStorage
from cli.teach import teach
from local.hosts import HostElsewhere, write_private
from local.settings import ROOT
from local.stack import DEMO_DELAYS, Stack, add_stack_arguments, running_stack, stack_options

FOLDER = ROOT / "build" / "local"
STATE = "running.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dataset", type=Path, default=SAMPLES, metavar="DIR", help="trains the first model (default: the samples)"
    )
    parser.add_argument(
        "--no-model", action="store_true", help="start without a model; documents wait until one is published"
    )
    add_stack_arguments(parser)
    parser.add_argument(
        "--port", type=int, default=7071, help="port of the functions host; 0 is any (default %(default)s)"
    )
    parser.add_argument(
        "--no-host",
        action="store_true",
        help="run no functions host, but write local.settings.json and wait for the one that an editor (F5) or "
        "`func start` starts on --port",
    )
    parser.add_argument(
        "--settings-file",
        type=Path,
        default=ROOT / "local.settings.json",
        metavar="FILE",
        help="with --no-host: what to write (default: local.settings.json, where Core Tools look)",
    )
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="keep data, logs and running.json there (default: build/local)"
    )


def run(arguments: argparse.Namespace) -> int:
    console = Console()
    folder = arguments.data.resolve() if arguments.data else FOLDER
    try:
        lock = FolderLock(folder)
    except FolderTakenError:
        running = find_running(folder)
        where = f"at {running['url']}" if running else "or starting"
        console.print(f"already up {where}; stop it first (Ctrl-C there)", style="red", soft_wrap=True)
        return 1
    with lock:
        # A killed run leaves it behind.
        (folder / STATE).unlink(missing_ok=True)
        _keep_running(console, arguments, folder)
    return 0


def _keep_running(console: Console, arguments: argparse.Namespace, folder: Path) -> None:
    state = folder / STATE
    options = stack_options(arguments)
    if arguments.no_host:
        options["starter"] = HostElsewhere(arguments.settings_file.resolve(), lambda url: _ask_for_host(console, url))
    with running_stack(
        folder,
        in_memory=False,
        emulator_flags=DEMO_DELAYS,
        **options,
        host_port=arguments.port,
    ) as stack:
        if stack.host is None:
            raise RuntimeError("the stack has no functions host")
        api = Api(stack.host.url, stack.host.master_key)
        if not arguments.no_model and api.call("GET", "/api/status")["active_model"] is None:
            _give_a_model(console, stack, api, arguments.dataset)
        api.close()
        _announce(console, stack, state)
        host = stack.host.process
        try:
            if not wait_while(host.is_running):
                raise ProcessFailedError(f"the functions host has ended; its log is {host.log_path}")
        finally:
            state.unlink(missing_ok=True)
            console.print(f"Stopping ... (data is kept in {folder})")


def _ask_for_host(console: Console, url: str) -> None:
    console.print(f"Waiting for a functions host at {url}: press F5 in the editor, or run `func start` here.")


def _give_a_model(console: Console, stack: Stack, api: Api, dataset: Path) -> None:
    settings, storage = stack.settings, UserStorage(stack.azurite.connection_string)
    teach(
        console,
        api,
        storage,
        container=settings.training_container,
        project=settings.language_project,
        dataset=load_dataset(dataset.resolve()),
        model="first",
    )
    storage.close()


def find_running(folder: Path | None = None) -> dict[str, str] | None:
    """The address and keys of what `up` keeps running; None while nothing is."""
    folder = folder or FOLDER
    state = folder / STATE
    if not state.is_file() or not is_taken(folder):
        return None
    running: dict[str, str] = json.loads(state.read_text(encoding="utf-8"))
    return running


def _announce(console: Console, stack: Stack, state: Path) -> None:
    if stack.host is None:
        raise RuntimeError("the stack has no functions host")
    url, key = stack.host.url, stack.host.function_key
    code = f"?code={key}" if key else ""
    settings = stack.settings
    running = {
        "url": url,
        "function_key": key,
        "master_key": stack.host.master_key,
        "storage": stack.azurite.connection_string,
        "DOCUMENTS_CONTAINER": settings.documents_container,
        "CLASSIFICATIONS_CONTAINER": settings.classifications_container,
        "FAILURES_CONTAINER": settings.failures_container,
        "TRAINING_CONTAINER": settings.training_container,
        "PIPELINE_CONTAINER": settings.pipeline_container,
    }
    write_private(state, json.dumps(running))
    console.rule("[bold]Pigeonhole is up[/bold]; Ctrl-C stops it")
    console.print(f"Page          {url}/api/ui   (asks for a key)", soft_wrap=True)
    console.print(f"Functions     {url}/api/status{code}", soft_wrap=True)
    if stack.host.master_key:
        master = f"Master key    {stack.host.master_key}   (header x-functions-key: what changes or costs)"
        console.print(master, soft_wrap=True)
    console.print(f"Emulator      {stack.emulator_url}/_emulator/health", soft_wrap=True)
    console.print(f"Blob storage  {stack.azurite.blob_url}   queues {stack.azurite.queue_url}", soft_wrap=True)
    console.print(f"Connection    {stack.azurite.connection_string}", soft_wrap=True)
    console.print(
        f"Upload a .txt to [bold]{settings.documents_container}/[/bold] with that connection string (Storage Explorer, "
        f"az storage blob upload, any SDK); its classes appear in {settings.classifications_container}/."
    )
    console.print("Letters of yours:  .venv/bin/pigeonhole upload FOLDER --watch    then results, status, review start")


def wait_while(is_alive: Callable[[], bool], *, poll_seconds: float = 1.0) -> bool:
    """Until a signal says to stop; False where what should run has ended by itself."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    while not stopped.wait(poll_seconds):
        if not is_alive():
            return False
    return True
