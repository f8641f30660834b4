"""`python -m local demo`: the whole way from nothing to classified documents, on real parts, then stop everything."""

from __future__ import annotations

import argparse
import json
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from azurite_process.folder_lock import FolderLock
from local.api import Api
from local.datasets import SAMPLES, Dataset, load_dataset
from local.seed import LABELS, upload_documents
from local.settings import ROOT
from local.stack import DEMO_DELAYS, Stack, add_stack_arguments, running_stack, stack_options
from shared.documents.ref import record_name
from shared.errors import BlobNotFoundError
from shared.operations.operation import Step

FOLDER = ROOT / "build" / "demo"
STEPS = tuple(step.value for step in Step if step is not Step.SEND_PAGE)
SHOWN_LIVE = 40


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
    api = Api(host.url, host.master_key)
    seed_by_http(console, stack, api, dataset)
    missing = classify(console, stack, api, dataset, seconds)
    show_retraining(console, stack, api, dataset)
    return 1 if missing else 0


def seed_by_http(console: Console, stack: Stack, api: Api, dataset: Dataset) -> None:
    """Create the project, store checked labels, train, publish: all through the app's own HTTP functions."""
    settings = stack.settings
    project = f"/api/projects/{settings.language_project}"
    with console.status(f"Uploading {len(dataset.training)} labelled documents ..."):
        upload_documents(stack.services, dataset)
    # The 2021 preview creates a project only beside a labels file; PUT labels replaces it by the checked one.
    stack.container(settings.training_container).put(LABELS, b'{"intentNames": ["none"], "documents": []}')
    definition = {
        "kind": dataset.kind.value,
        "container": settings.training_container,
        "description": f"seeded from {dataset.folder.name}",
    }
    api.call("PUT", project, definition)
    stored = api.call("PUT", f"{project}/labels", json.loads(dataset.labels))
    counts = ", ".join(f"{name} {count}" for name, count in stored["classes"].items())
    console.print(f"Labels: {stored['documents']} documents ({counts})")
    for warning in stored["warnings"]:
        console.print(f"[yellow]warning[/yellow] {escape(warning['place'])}: {escape(warning['what'])}")
    record = retrain(console, api, project, {"model": "first"}, "Train and publish")
    if record["state"] != "succeeded":
        raise RuntimeError(f"training ended as {record['state']}: {record['reason']}")


def retrain(console: Console, api: Api, project: str, request: dict[str, Any], title: str) -> dict[str, Any]:
    """Start a retraining and show its steps as they are taken; returns the operation's record."""
    started = api.call("POST", f"{project}/retrain", request)
    columns = (SpinnerColumn(), TextColumn("{task.description:<44}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task(title, total=len(STEPS))

        def show(record: dict[str, Any]) -> None:
            step = record["step"]
            done = len(STEPS) if record["state"] == "succeeded" else STEPS.index(step) if step in STEPS else 0
            progress.update(bar, completed=done, description=f"{title}: {step.replace('_', ' ')}")

        record = api.follow(started["operation"], on_change=show)
        progress.update(bar, description=f"{title}: {record['state']}")
    evaluation = record.get("candidate_evaluation")
    figures = f", micro-F1 {evaluation['micro_f1']:.3f}, macro-F1 {evaluation['macro_f1']:.3f}" if evaluation else ""
    console.print(f"  {record['label']}: {record['reason']}{figures}")
    return record


def classify(console: Console, stack: Stack, api: Api, dataset: Dataset, seconds: float) -> list[str]:
    """Upload, show each record as it arrives, print the table. Returns the names that got no classification."""
    settings = stack.settings
    documents = stack.container(settings.documents_container)
    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda each: documents.put(each[0], each[1].read_bytes()), dataset.new.items()))
    console.print(f"Uploaded {len(dataset.new)} new documents to {settings.documents_container}/")
    records = watch_records(console, stack, dataset, began, seconds)
    folder = save_records(stack)
    show_table(console, dataset, records)
    missing = [name for name in dataset.new if records.get(name, {}).get("status") != "classified"]
    for name in missing[:10]:
        status = api.call("GET", f"/api/documents/{name}")
        console.print(f"[red]not classified[/red] {name}: {status['state']}, {status['why']}")
    console.print(
        f"Records: {folder.relative_to(ROOT)}/ (copies of the blobs in {settings.classifications_container}/)"
    )
    return missing


def watch_records(
    console: Console, stack: Stack, dataset: Dataset, began: float, seconds: float
) -> dict[str, dict[str, Any]]:
    """Records by document as they appear, each with the seconds since the upload."""
    settings = stack.settings
    stores = [stack.container(name) for name in (settings.classifications_container, settings.failures_container)]
    wanted = {record_name(name): name for name in dataset.new}
    found: dict[str, dict[str, Any]] = {}
    columns = (TextColumn("Classifying"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("", total=len(wanted))
        while len(found) < len(wanted) and time.monotonic() - began < seconds:
            for store in stores:
                for info in store.list():
                    name = wanted.get(info.name)
                    if name is None or name in found:
                        continue
                    try:
                        record = json.loads(store.read(info.name).data)
                    except BlobNotFoundError:
                        continue
                    found[name] = record | {"seconds": time.monotonic() - began}
                    if len(found) <= SHOWN_LIVE:
                        progress.console.print(f"  {name}: {_classes(record)}")
            progress.update(bar, completed=len(found))
            time.sleep(0.2)
    return found


def _classes(record: dict[str, Any]) -> str:
    if record["status"] == "failed":
        return f"failed ({record['code']})"
    return ", ".join(f"{each['name']} {each['confidence']:.2f}" for each in record["classes"]) or "no class"


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


def show_table(console: Console, dataset: Dataset, records: dict[str, dict[str, Any]]) -> None:
    """The table for small sets, the summary for all."""
    table = Table("document", "classes", "confidence", "seconds", title="Classifications")
    for name, record in sorted(records.items())[:SHOWN_LIVE]:
        classes = record.get("classes", [])
        names = "\n".join(each["name"] for each in classes) or record.get("code", "no class")
        confidences = "\n".join(f"{each['confidence']:.2f}" for each in classes)
        table.add_row(name, names, confidences, f"{record['seconds']:.1f}")
    console.print(table)
    if len(records) > SHOWN_LIVE:
        console.print(f"... and {len(records) - SHOWN_LIVE} more")
    if records:
        times = sorted(record["seconds"] for record in records.values())
        console.print(
            f"{len(records)} of {len(dataset.new)} documents; first record after {times[0]:.1f} s, "
            f"median {times[len(times) // 2]:.1f} s, last {times[-1]:.1f} s"
        )
    _show_agreement(console, dataset, records)


def _show_agreement(console: Console, dataset: Dataset, records: dict[str, dict[str, Any]]) -> None:
    judged = [
        (set(dataset.expected[name]), {each["name"] for each in record.get("classes", [])})
        for name, record in records.items()
        if name in dataset.expected
    ]
    if judged:
        exact = sum(expected == found for expected, found in judged)
        shared = sum(bool(expected & found) for expected, found in judged)
        console.print(f"Against people's labels: {exact} of {len(judged)} exactly the same, {shared} share a class")


def show_retraining(console: Console, stack: Stack, api: Api, dataset: Dataset) -> None:
    """For the samples: a retrain with more labels passes the gate, one with spoiled labels is refused."""
    if dataset.folder != SAMPLES:
        return
    console.rule("Retraining")
    project = f"/api/projects/{stack.settings.language_project}"
    for labels, model, title in (
        ("labels_more.json", "morelabels", "Retrain with more labels"),
        ("labels_spoiled.json", "spoiledlabels", "Retrain with spoiled labels"),
    ):
        changed = load_dataset(dataset.folder, labels_name=labels)
        upload_documents(stack.services, changed)
        api.call("PUT", f"{project}/labels", json.loads(changed.labels))
        record = retrain(console, api, project, {"model": model}, title)
        console.print(f"  gate: {record['gate']['reason']}")
    active = api.call("GET", "/api/status")["active_model"]
    console.print(f"In use: {active['label']}")
