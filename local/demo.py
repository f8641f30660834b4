"""`python -m local demo`: the whole way from nothing to accepted results, on real parts, then stop everything.

A first model is trained, a better one takes its place, a spoiled one and one that cannot be told apart do not; new
documents are classified, and what was promised of the accepted ones is held against what people say they are.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

from rich.console import Console

from azurite_process.folder_lock import FolderLock
from cli.api import Api
from cli.classify import classify, show_agreement
from cli.datasets import Dataset, load_dataset
from cli.steps import StepFailedError
from cli.storage import UserStorage
from cli.teach import retrain, store_labels
from local.settings import ROOT
from local.stack import DEMO_DELAYS, Stack, add_stack_arguments, running_stack, stack_options
from local.subjects import write_subjects
from local.trust_story import (
    GOLDEN_PERCENT,
    RULE,
    chapters,
    counted,
    show_gate,
    show_kept,
    show_promise,
    show_verdicts,
    show_waiting,
)

FOLDER = ROOT / "build" / "demo"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dataset",
        type=Path,
        metavar="DIR",
        help="labels.json and new/*.txt (default: what SciPy's functions do, sorted by subject)",
    )
    parser.add_argument("--documents", type=int, metavar="N", help="classify only the first N of new/")
    add_stack_arguments(parser)
    parser.add_argument(
        "--seconds", type=float, default=240, help="give up waiting after so long (default %(default)s)"
    )


def run(arguments: argparse.Namespace) -> int:
    console = Console()
    with FolderLock(FOLDER):
        shutil.rmtree(FOLDER, ignore_errors=True)
        folder = arguments.dataset.resolve() if arguments.dataset else write_subjects(FOLDER / "dataset")
        return _run(console, arguments, load_dataset(folder, limit=arguments.documents))


def _run(console: Console, arguments: argparse.Namespace, dataset: Dataset) -> int:
    console.rule("[bold]Pigeonhole[/bold]: a .txt goes in, its classes come out, and whether to believe them")
    options = stack_options(arguments)
    options["changes"] = {"golden_percent": str(GOLDEN_PERCENT)} | options["changes"]
    with console.status("Starting Azurite, the Language emulator and the functions host ..."):
        stack_context = running_stack(FOLDER, emulator_flags=DEMO_DELAYS, **options)
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
    try:
        show_models(
            console, api, storage, dataset, container=settings.training_container, project=settings.language_project
        )
        console.rule("New documents")
        containers = (settings.documents_container, settings.classifications_container, settings.failures_container)
        found = classify(console, api, storage, containers=containers, files=dataset.new, seconds=seconds)
        show_agreement(console, dataset.expected, found.records)
        folder = save_records(stack)
        console.print(
            f"Records: {folder.relative_to(ROOT)}/ (copies of the blobs in {settings.classifications_container}/)"
        )
        console.rule("What was accepted")
        show_promise(console, api.call("GET", "/api/status")["acceptance"])
        show_waiting(console, found.records)
        show_kept(console, counted(dataset.expected, found.records))
    finally:
        storage.close()
        api.close()
    return 1 if found.missing else 0


def show_models(
    console: Console, api: Api, storage: UserStorage, dataset: Dataset, *, container: str, project: str
) -> None:
    """Models come and go, or stay out; the golden documents are the same for all of them."""
    gates: dict[str, dict[str, Any]] = {}
    for number, chapter in enumerate(chapters(dataset)):
        console.rule(chapter.title)
        store_labels(console, api, storage, container=container, project=project, dataset=chapter.labels)
        if number == 0:
            ask = {"kind": dataset.kind.value, "container": container, "acceptance": RULE.model_dump(mode="json")}
            api.call("PUT", f"/api/projects/{project}", ask)
        record = retrain(console, api, project, {"model": chapter.model, **chapter.request}, title="Train and try")
        if record["gate"] is None:
            raise StepFailedError(
                f"the training of {chapter.model} ended as {record['state']}: {record['reason']}",
                do=f"see the logs in {FOLDER.relative_to(ROOT)}/",
            )
        gates[chapter.model] = record["gate"]
        show_gate(console, record["gate"])
    show_verdicts(console, gates)
    console.print(f"In use: {api.call('GET', '/api/status')['active_model']['label']}")


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
