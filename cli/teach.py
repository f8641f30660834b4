"""From labelled documents to a published model: project, labels, training, through the app's own HTTP functions."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from cli.api import Api, ApiError
from cli.datasets import Dataset
from cli.steps import StepFailedError
from cli.storage import UserStorage
from shared.json_input import parse_json
from shared.language.values import ProjectKind
from shared.models.labels import parse_labels
from shared.operations.operation import Step

LABELS = "labels.json"
_NO_LABELS = b'{"intentNames": ["none"], "documents": []}'
STEPS = tuple(step.value for step in Step if step is not Step.SEND_PAGE)
# The service's 10 authoring requests a minute, and a project that it is still making.
PATIENCE_SECONDS = 180.0
# The service trains for 10 to 30 minutes as a rule, and for hours at most.
TRAINING_SECONDS = 6 * 3600.0


def store_labels(
    console: Console, api: Api, storage: UserStorage, *, container: str, project: str, dataset: Dataset
) -> None:
    """Upload the labelled documents, create the project, and store the checked labels. Repeating it changes nothing."""
    with console.status(f"Uploading {len(dataset.training)} labelled documents to {container}/ ..."):
        storage.upload(container, dataset.training)
    description = f"seeded from {dataset.folder.name}"
    make_project(api, storage, container=container, project=project, kind=dataset.kind, description=description)
    address = f"/api/projects/{project}/labels"
    stored = api.call_patiently("PUT", address, json.loads(dataset.labels), seconds=PATIENCE_SECONDS)
    counts = ", ".join(f"{name} {count}" for name, count in stored["classes"].items())
    console.print(f"Labels: {stored['documents']} documents ({counts})")
    for warning in stored["warnings"]:
        console.print(f"[yellow]warning[/yellow] {escape(warning['place'])}: {escape(warning['what'])}")


def make_project(
    api: Api, storage: UserStorage, *, container: str, project: str, kind: ProjectKind, description: str
) -> dict[str, Any]:
    """The project, which may be there already; its kind and container cannot change."""
    if storage.read_json(container, LABELS) is None:
        # The 2021 preview creates a project only beside a labels file; PUT labels replaces it by the checked one.
        storage.put(container, LABELS, _NO_LABELS)
    definition = {"kind": kind.value, "container": container, "description": description}
    made: dict[str, Any] = api.call_patiently("PUT", f"/api/projects/{project}", definition, seconds=PATIENCE_SECONDS)
    return made


def holds_other_labels(storage: UserStorage, *, container: str, dataset: Dataset) -> bool:
    """Whether the container has the labels of somebody else, which storing these would replace.

    Under the 2021 preview the app leaves only a part of its labels there, those to train on.
    """
    found, ours = _classes_of(storage.read_json(container, LABELS) or {}), _classes_of(parse_json(dataset.labels))
    return any(ours.get(location) != classes for location, classes in found.items())


def _classes_of(labels: Any) -> dict[str, set[str]]:
    """By document, whatever form the labels have: the app stores them in one of its own."""
    return {each.location: set(each.classes) for each in parse_labels(labels).documents}


def retrain(
    console: Console,
    api: Api,
    project: str,
    request: dict[str, Any],
    *,
    title: str,
    seconds: float = TRAINING_SECONDS,
) -> dict[str, Any]:
    """Start a retraining, or join the one under way, and show its steps as they are taken. Returns its record."""
    address = f"/api/projects/{project}/retrain"
    record = follow_operation(console, api, address, request, title=title, seconds=seconds)
    evaluation = record.get("candidate_evaluation")
    figures = f", micro-F1 {evaluation['micro_f1']:.3f}, macro-F1 {evaluation['macro_f1']:.3f}" if evaluation else ""
    console.print(f"  {record['label']}: {record['reason']}{figures}", markup=False)
    return record


def follow_operation(
    console: Console,
    api: Api,
    address: str,
    request: dict[str, Any],
    *,
    title: str,
    seconds: float = TRAINING_SECONDS,
) -> dict[str, Any]:
    """Start an operation, or join the one under way, and show its steps as they are taken. Returns its record."""
    operation = _start(console, api, address, request)
    columns = (SpinnerColumn(), TextColumn("{task.description:<44}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task(title, total=len(STEPS))

        def show(record: dict[str, Any]) -> None:
            step = record["step"]
            done = len(STEPS) if record["state"] == "succeeded" else STEPS.index(step) if step in STEPS else 0
            progress.update(bar, completed=done, description=f"{title}: {step.replace('_', ' ')}")

        record = api.follow(operation, on_change=show, seconds=seconds)
        progress.update(bar, description=f"{title}: {record['state']}")
    return record


def _start(console: Console, api: Api, address: str, request: dict[str, Any]) -> str:
    """The operation's address. An answer that was lost is found again by the 409 of the next.

    One that is under way is joined if it does what was asked for; the 409 of another is raised.
    """
    try:
        started = api.call_patiently("POST", address, request, seconds=PATIENCE_SECONDS)
    except ApiError as error:
        if error.status != 409 or "operation" not in error.body:
            raise
        running = api.call_patiently("GET", error.body["operation"], seconds=PATIENCE_SECONDS)
        if running["kind"] != address.rpartition("/")[2] or request.get("model") not in (None, running["label"]):
            raise
        console.print(f"An operation is under way already: {error.body['operation']}; following it")
        return str(error.body["operation"])
    return str(started["operation"])


def teach(
    console: Console,
    api: Api,
    storage: UserStorage,
    *,
    container: str,
    project: str,
    dataset: Dataset,
    model: str | None = None,
) -> None:
    """Labels, and the first model trained and published. Raises StepFailedError when no model is in use then."""
    store_labels(console, api, storage, container=container, project=project, dataset=dataset)
    request = {"model": model} if model else {}
    record = retrain(console, api, project, request, title="Train and publish")
    if record["state"] != "succeeded":
        raise StepFailedError(
            f"the training ended as {record['state']}: {record['reason']}",
            do=f"see its history, GET /api/operations/{record['id']}; running this again starts another training",
        )
