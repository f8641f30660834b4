"""`first-run`: from an app without a model to the first classified documents. What is done is not repeated."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape

from cli.api import Api, ApiError, code_of
from cli.classify import Classified, classify, show_agreement
from cli.datasets import Dataset
from cli.exit_codes import INCOMPLETE, OK
from cli.steps import StepFailedError
from cli.storage import UserStorage
from cli.target import Target
from cli.teach import LABELS, holds_other_labels, teach

FOLDER = "first-run/"
"""Where the documents are uploaded, apart from anybody else's."""


@dataclass(frozen=True)
class Patience:
    """How long to wait, in seconds: for a healthy app (role assignments need minutes), and for the records."""

    health: float = 600
    records: float = 1800


@dataclass(frozen=True)
class Outcome:
    """What a whole run came to: INCOMPLETE when a document has no classification."""

    found: Classified

    @property
    def exit_code(self) -> int:
        return INCOMPLETE if self.found.missing else OK

    def as_json(self) -> dict[str, Any]:
        return {"documents": self.found.wanted, "records": self.found.records, "missing": self.found.missing}


def first_run(
    console: Console, target: Target, dataset: Dataset, *, train_again: bool = False, patience: Patience | None = None
) -> Outcome:
    """Every step in order. Raises StepFailedError."""
    patience = patience or Patience()
    api, storage = Api(target.url, target.key), UserStorage(target.storage)
    try:
        console.rule(f"[bold]First run[/bold]: {escape(target.name)}, {target.url}")
        language = _wait_healthy(console, api, patience.health)["language"]
        _give_a_model(console, api, storage, target, dataset, project=language["project"], again=train_again)
        console.print("[bold]3. Classify documents[/bold]")
        files = {FOLDER + name: path for name, path in dataset.new.items()}
        containers = (target.documents, target.classifications, target.failures)
        found = classify(console, api, storage, containers=containers, files=files, seconds=patience.records)
        show_agreement(console, {FOLDER + name: classes for name, classes in dataset.expected.items()}, found.records)
        _say_what_next(console, target)
    except ApiError as error:
        raise StepFailedError(str(error), do=_advice(error), exit_code=code_of(error)) from error
    except TimeoutError as error:
        raise StepFailedError(str(error), do="run this again: it joins the operation that is under way") from error
    finally:
        storage.close()
        api.close()
    if not found.records:
        console.print(
            "[red]No document got a record:[/red] uploads may not be connected to the app. "
            "On Azure: azd hooks run postdeploy. Then run this again"
        )
    return Outcome(found)


def _wait_healthy(console: Console, api: Api, seconds: float) -> dict[str, Any]:
    """The health of the app once every part is; an app that just starts and roles that are new need minutes."""
    deadline, said = time.monotonic() + seconds, ""
    console.print("[bold]1. Ask the app how it is[/bold]")
    with console.status("Asking the app how it is ..."):
        while True:
            try:
                health: dict[str, Any] = api.call("GET", "/api/health")
                break
            except ApiError as error:
                problem = _problem_of(error)
                if error.status in (401, 403, 404) or time.monotonic() >= deadline:
                    raise StepFailedError(
                        f"the app is not ready: {problem}", do=_advice(error), exit_code=code_of(error)
                    ) from error
            if problem != said:
                console.print(f"  waiting: {escape(problem)}")
            said = problem
            time.sleep(2)
    language = health["language"]
    console.print(
        f"The app is healthy. Language API {language['api_version']}, project {language['project']}"
        + (f", training configuration {language['training_config']['name']}" if language["training_config"] else "")
    )
    if language["note"]:
        console.print(f"[yellow]note[/yellow] {escape(language['note'])}")
    return health


def _problem_of(error: ApiError) -> str:
    """What health says is wrong; else the error."""
    parts = error.body.get("parts", {})
    wrong = [f"{name}: {part['problem']}" for name, part in parts.items() if not part["healthy"]]
    return "; ".join(wrong) or str(error)


def _advice(error: ApiError) -> str:
    if error.status == 401:
        return "the key is not accepted: it must be the app's master key (az functionapp keys list)"
    if error.status == 404 and not error.body:
        return (
            "no function answers there: azd deploy, then look into the app's Log stream for what keeps it from starting"
        )
    if "parts" in error.body:
        return (
            "a 403 in the first minutes passes: role assignments take effect slowly. Else docs/operations.md, section "
            "1, says what each part needs; run this again then"
        )
    if error.may_pass:
        return (
            "look into the app's Log stream (a missing setting is named there); run this again once /api/health answers"
        )
    return "put that right and run this again: what is done is not repeated"


def _give_a_model(
    console: Console,
    api: Api,
    storage: UserStorage,
    target: Target,
    dataset: Dataset,
    *,
    project: str,
    again: bool,
) -> None:
    console.print("[bold]2. Give it a model[/bold]")
    active = api.call_patiently("GET", "/api/status", seconds=60)["active_model"]
    if active is not None and not again:
        console.print(f"The model {escape(active['label'])} is in use already: nothing is trained (--train-again does)")
        return
    if not again and holds_other_labels(storage, container=target.training, dataset=dataset):
        raise StepFailedError(
            f"the container {target.training!r} holds the labels of other documents, in {LABELS}",
            do="train on those with POST .../retrain (docs/http.md), or replace them by this dataset's: --train-again",
        )
    teach(console, api, storage, container=target.training, project=project, dataset=dataset)


def _say_what_next(console: Console, target: Target) -> None:
    console.print(
        f"Upload your own .txt to {target.documents}/; the classes of each appear in {target.classifications}/. "
        "docs/operations.md says the rest.",
        soft_wrap=True,
    )
    for command in target.clean_up:
        console.print(f"Clean up: {escape(command)}", soft_wrap=True)
