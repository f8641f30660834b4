"""`python -m local demo`: the whole way from nothing to classified documents, on real parts, then stop everything."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from rich.console import Console

from azurite_process.folder_lock import FolderLock
from cli.api import Api
from cli.classify import classify, show_agreement
from cli.datasets import SAMPLES, Dataset, load_dataset
from cli.storage import UserStorage
from cli.teach import retrain, store_labels, teach
from local.settings import ROOT
from local.stack import DEMO_DELAYS, Stack, add_stack_arguments, running_stack, stack_options

FOLDER = ROOT / "build" / "demo"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dataset", type=Path, default=SAMPLES, metavar="DIR", help="labels.json and new/*.txt (default: the samples)"
    )
    parser.add_argument("--documents", type=int, metavar="N", help="classify only the first N of new/")
    add_stack_arguments(parser)
    parser.add_argument(
        "--seconds", type=float, default=240, help="give up waiting after so long (default %(default)s)"
    )


def run(arguments: argparse.Namespace) -> int:
    console = Console()
    dataset = load_dataset(arguments.dataset.resolve(), limit=arguments.documents)
    with FolderLock(FOLDER):
        return _run(console, arguments, dataset)


def _run(console: Console, arguments: argparse.Namespace, dataset: Dataset) -> int:
    shutil.rmtree(FOLDER, ignore_errors=True)
    console.rule("[bold]Pigeonhole[/bold]: a .txt goes in, its classes come out")
    with console.status("Starting Azurite, the Language emulator and the functions host ..."):
        stack_context = running_stack(FOLDER, emulator_flags=DEMO_DELAYS, **stack_options(arguments))
        stack = stack_context.__enter__()
    try:
        return _show(console, stack, dataset, arguments.seconds)
    finally:
        stack_context.__exit__(None, None, None)
        console.print(f"Stopped everything. Logs lie in {FOLDER.relative_to(ROOT)}/")


def _show(console: Console, stack: Stack, dataset: Dataset, seconds: float) -> int:
    host = stack.host
    if host is None:
        raise RuntimeError("the stack has no functions host")
    console.print(
        f"Functions host {host.url}, Language API {stack.settings.language_api}, emulator {stack.emulator_url}"
    )
    settings = stack.settings
    api, storage = Api(host.url, host.master_key), UserStorage(stack.azurite.connection_string)
    place: dict[str, str] = {"container": settings.training_container, "project": settings.language_project}
    try:
        teach(console, api, storage, **place, dataset=dataset, model="first")
        containers = (settings.documents_container, settings.classifications_container, settings.failures_container)
        found = classify(console, api, storage, containers=containers, files=dataset.new, seconds=seconds)
        show_agreement(console, dataset.expected, found.records)
        folder = save_records(stack)
        console.print(
            f"Records: {folder.relative_to(ROOT)}/ (copies of the blobs in {settings.classifications_container}/)"
        )
        if dataset.folder == SAMPLES:
            show_retraining(console, api, storage, dataset, **place)
    finally:
        storage.close()
        api.close()
    return 1 if found.missing else 0


def save_records(stack: Stack) -> Path:
    """Copy the record blobs to files, because the storage of the demo ends with it."""
    settings = stack.settings
    for container in (settings.classifications_container, settings.failures_container):
        store = stack.container(container)
        folder = FOLDER / container
        folder.mkdir(parents=True, exist_ok=True)
        for info in store.list():
            path = folder / info.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(store.read(info.name).data)
    return FOLDER / settings.classifications_container


def show_retraining(
    console: Console, api: Api, storage: UserStorage, dataset: Dataset, *, container: str, project: str
) -> None:
    """A retraining with more labels passes the gate, one with spoiled labels is refused."""
    console.rule("Retraining")
    for labels, model, title in (
        ("labels_more.json", "morelabels", "Retrain with more labels"),
        ("labels_spoiled.json", "spoiledlabels", "Retrain with spoiled labels"),
    ):
        changed = load_dataset(dataset.folder, labels_name=labels)
        store_labels(console, api, storage, container=container, project=project, dataset=changed)
        record = retrain(console, api, project, {"model": model}, title=title)
        console.print(f"  gate: {record['gate']['reason']}")
    active = api.call("GET", "/api/status")["active_model"]
    console.print(f"In use: {active['label']}")
