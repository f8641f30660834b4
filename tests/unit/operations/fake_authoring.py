"""The authoring half of a fake Language service, both API versions, in front of tests/fake_language.py.

It speaks the forms of emulators/language/tests/wire. Which model answers is decided when a job is accepted, as the
emulator does.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import httpx

from tests.fake_language import FakeLanguageService, language_error
from tests.fake_language_ga import FakeGaLanguageService

AUTHORING = re.compile(r"/language/(authoring/analyze-text|text/authoring/v1\.0-preview\.2)/projects/letters")
ID_END = "-20260301T120000-2f4f6a3e9c1d4b7a8e5f0a1b2c3d4e5f"


@dataclass
class Work:
    """Something under way: it takes effect at `due`, once. `model_id` is what a publication of the preview yields.

    It ends as `status`, in the dated API's words; `errors` are those of a failure.
    """

    due: datetime
    effect: Callable[[], None]
    created: datetime
    model_id: str | None = None
    label: str = ""
    trains: bool = False
    status: str = "succeeded"
    errors: list[dict[str, str]] = field(default_factory=list)
    done: bool = False

    def end(self) -> None:
        self.done = True
        if self.status == "succeeded":
            self.effect()


@dataclass
class FakeAuthoring:
    """Work is done at once, or after `takes`. `changes` is what was asked for, in its order.

    `evaluations` are the F1 of trained models, a model without one has no evaluation; `fails` are the errors of the
    next jobs of a kind ("import", "train", "publish", "deploy", "swap").
    """

    service: FakeLanguageService
    clock: Callable[[], datetime]
    trained: list[str] = field(default_factory=lambda: ["first", "second", "third"])
    evaluations: dict[str, float] = field(default_factory=dict)
    deployments: dict[str, str] = field(default_factory=dict)
    published: dict[str, str] = field(default_factory=dict)
    fails: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    takes: timedelta = timedelta(0)
    one_at_a_time: bool = False
    # How many the service takes; 10 of each, and 1 deployment on its free tier.
    max_models: int = 100
    max_deployments: int = 10
    # Training configurations and the days on which their models expire.
    configs: dict[str, str] = field(default_factory=dict)
    expires: date | None = None
    # What follows the label in a deployment's model id; the app reads the label from ids of the documented form.
    id_end: str = ID_END
    changes: list[str] = field(default_factory=list)
    # Analyze job to the label of the model that classifies its texts.
    truth: dict[str, str] = field(default_factory=dict)
    # How a model reads a text, by its label: as other words, so that it names other classes.
    reads: dict[str, Callable[[str], str]] = field(default_factory=dict)
    # Replaces the answer to a request, after its effect where `lose` says so.
    answer: Callable[[httpx.Request], httpx.Response | None] = lambda _: None
    lose: str = ""
    jobs: dict[str, Work] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        accept = self.service._accept

        def accept_knowing_the_model(documents: list[dict[str, str]], model_id: str, task: str) -> str:
            job_id = accept(documents, model_id, task)
            self.truth[job_id] = self.deployments.get(model_id) or self.published[model_id]
            read = self.reads.get(self.truth[job_id])
            if read:
                self.service.jobs[job_id].documents = [each | {"text": read(each["text"])} for each in documents]
            self.changes.append(f"analyze {model_id}")
            return job_id

        self.service._accept = accept_knowing_the_model  # type: ignore[method-assign]
        self.service.answer = self._respond
        self.service.models = set()

    def _respond(self, request: httpx.Request) -> httpx.Response | None:
        self._settle()
        if request.url.path.startswith("/language/analyze") or request.url.path.startswith("/text/"):
            return self.answer(request)
        found = self.answer(request) or self._route(request)
        self._settle()
        if self.lose and self.lose in f"{request.method} {request.url.path}":
            self.lose = ""
            raise httpx.ReadTimeout("no answer", request=request)
        return found

    def _settle(self) -> None:
        for work in self.jobs.values():
            if not work.done and work.due <= self.clock():
                work.end()
        self.service.models = {*self.deployments, *self.published}

    @property
    def is_busy(self) -> bool:
        return any(not work.done for work in self.jobs.values())

    def count(self, change: str) -> int:
        return sum(each.startswith(change) for each in self.changes)

    def _route(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/projects/global/training-config-versions"):
            listed = [
                {"trainingConfigVersion": name, "modelExpirationDate": expires}
                for name, expires in self.configs.items()
            ]
            return httpx.Response(200, json={"value": listed})
        path = AUTHORING.sub("", request.url.path, count=1)
        body = json.loads(request.content) if request.content else {}
        if request.method == "GET":
            found = self._read(path, dict(request.url.params))
            return httpx.Response(200, json=found) if found is not None else language_error(404, "NotFound", path)
        if path.endswith("/:cancel"):
            return self._cancel(path.split("/")[-2])
        if self.one_at_a_time and self.is_busy:
            return language_error(409, "Conflict", "something else is under way")
        if request.method == "DELETE":
            return self._delete(*path.split("/")[1:])
        return self._start_what(path, body)

    def _delete(self, kind: str, name: str) -> httpx.Response:
        self.changes.append(f"delete {kind} {name}")
        if kind == "models":
            if name not in self.trained:
                return language_error(404, "NotFound", name)
            self.trained.remove(name)
            return httpx.Response(204)
        if name not in self.deployments:
            return language_error(404, "NotFound", name)
        return self._start(f"/deployments/{name}/jobs/", "delete", lambda: self.deployments.__delitem__(name))

    def _start_what(self, path: str, body: dict[str, Any]) -> httpx.Response:
        match path:
            case "/:import":
                return self._import(body["assets"])
            case "/train" | "/:train":
                return self._train(body.get("modelLabel") or body["tasks"][0]["trainingModelName"])
            case "/publish":
                return self._publish(body["tasks"][0]["trainingModelName"])
            case "/deployments/:swap":
                return self._swap(body["firstDeploymentName"], body["secondDeploymentName"])
            case _:
                return self._deploy(path.rpartition("/")[2], body["trainedModelLabel"])

    # What is asked for

    def _import(self, assets: dict[str, Any]) -> httpx.Response:
        self.changes.append(f"import {len(assets['documents'])}")
        return self._start("/import/jobs/", "import", lambda: None)

    def _train(self, label: str) -> httpx.Response:
        if len(self.trained) >= self.max_models:
            return language_error(400, "QuotaExceeded", f"A project holds at most {self.max_models} models.")
        self.changes.append(f"train {label}")
        return self._start("/train/jobs/", "train", lambda: self.trained.append(label), label=label)

    def _publish(self, label: str) -> httpx.Response:
        self.changes.append(f"publish {label}")
        effect = lambda: self.published.update({f"{label}-id": label})  # noqa: E731
        return self._start("/publish/jobs/", "publish", effect, label=label, model_id=f"{label}-id")

    def _deploy(self, name: str, label: str) -> httpx.Response:
        if name not in self.deployments and len(self.deployments) >= self.max_deployments:
            return language_error(400, "QuotaExceeded", "The project reached the maximum number of deployments (1).")
        self.changes.append(f"deploy {name} {label}")
        effect = lambda: self.deployments.update({name: label})  # noqa: E731
        return self._start(f"/deployments/{name}/jobs/", "deploy", effect)

    def _swap(self, first: str, second: str) -> httpx.Response:
        self.changes.append(f"swap {first} {second}")

        def effect() -> None:
            self.deployments[first], self.deployments[second] = self.deployments[second], self.deployments[first]

        return self._start("/deployments/swap/jobs/", "swap", effect)

    def _cancel(self, job_id: str) -> httpx.Response:
        work = self.jobs[job_id]
        if work.done:
            return language_error(400, "InvalidRequest", "the job has ended")
        self.changes.append(f"cancel {work.label}")
        work.status, work.done = "cancelled", True
        return httpx.Response(202, headers=self._location(f"/train/jobs/{job_id}"))

    def _start(
        self, below: str, kind: str, effect: Callable[[], None], *, label: str = "", model_id: str | None = None
    ) -> httpx.Response:
        job_id = f"work-{next(self._numbers)}"
        work = Work(self.clock() + self.takes, effect, self.clock(), model_id, label, trains=kind == "train")
        if kind in self.fails:
            work.status, work.errors = "failed", self.fails.pop(kind)
        self.jobs[job_id] = work
        return httpx.Response(202, headers=self._location(below + job_id))

    def _location(self, below: str) -> dict[str, str]:
        is_dated = isinstance(self.service, FakeGaLanguageService)
        base = "/language/authoring/analyze-text" if is_dated else "/language/text/authoring/v1.0-preview.2"
        header = "operation-location" if is_dated else "location"
        return {header: f"{self.service.endpoint}{base}/projects/letters{below}"}

    # What can be read

    def _read(self, path: str, query: dict[str, str]) -> dict[str, Any] | None:
        match path.split("/")[1:]:
            case []:
                return PROJECT
            case ["models"]:
                return {"value": [self._model(number, label) for number, label in enumerate(self.trained)]}
            case ["trainedModels"]:
                return {"trainingModelsInfo": [self._model_info(label) for label in self._labels()]}
            case ["train", "jobs"]:
                return {"value": [self._job_body(each) for each, work in self.jobs.items() if work.trains]}
            case ["deployments"]:
                return {"value": [self._deployment(name, label) for name, label in self.deployments.items()]}
            case ["evaluation"]:
                return self._evaluation(query["trainingModelName"])
            case ["models", label, "evaluation", "summary-result"]:
                return self._evaluation(label)
            case _:
                return self._job_body(path.rpartition("/")[2])

    def _model(self, number: int, label: str) -> dict[str, Any]:
        """They were trained in their order."""
        trained_at = f"2026-01-01T{number:02}:00:00Z"
        return {"label": label, "modelId": label + ID_END, "lastTrainedDateTime": trained_at}

    def _labels(self) -> list[str]:
        """The trained models, and those that are being trained."""
        return list(dict.fromkeys([*self.trained, *(work.label for work in self.jobs.values() if work.trains)]))

    def _evaluation(self, label: str) -> dict[str, Any] | None:
        if label not in self.trained or label not in self.evaluations:
            return None
        names = [f"{part}{what}" for part in ("micro", "macro") for what in ("F1", "Precision", "Recall")]
        figures: dict[str, Any] = {"classes": {}} | dict.fromkeys(names, self.evaluations[label])
        return {
            "modelType": "MultiClassification",
            "multiClassificationEvaluation": figures,
            "projectKind": "customMultiLabelClassification",
            "customMultiLabelClassificationEvaluation": figures,
        }

    def _deployment(self, name: str, label: str) -> dict[str, Any]:
        expires = {"deploymentExpirationDate": self.expires.isoformat()} if self.expires else {}
        return {"deploymentName": name, "modelId": label + self.id_end} | expires

    def _model_info(self, label: str) -> dict[str, Any]:
        """The preview lists a job under way with its model."""
        trained = {"status": "succeeded"} if label in self.trained else None
        work = {(work.trains, work.label): work for work in self.jobs.values()}
        training, publishing = work.get((True, label)), work.get((False, label))
        published = {"status": "succeeded", "modelId": f"{label}-id"} if f"{label}-id" in self.published else None
        return {
            "trainingModelName": label,
            "trainingJobInfo": trained or {"status": _status(training) if training else "succeeded"},
            "evaluationJobInfo": trained,
            "publishingJobInfo": published or ({"status": _status(publishing)} if publishing else None),
        }

    def _job_body(self, job_id: str) -> dict[str, Any]:
        work = self.jobs[job_id]
        status = _status(work)
        errors = work.errors if work.done else []
        return {
            "jobId": job_id,
            "createdDateTime": work.created.isoformat(),
            "status": status,
            "errors": errors,
            "tasks": [{"status": status, "modelId": work.model_id if work.done else None}],
            "result": {"modelLabel": work.label, "trainingStatus": {"percentComplete": 100 if work.done else 40}},
        }


def _status(work: Work) -> str:
    return work.status if work.done else "running"


PROJECT = {
    "name": "letters",
    "modelType": "MultiClassification",
    "culture": "en-us",
    "labelsLocation": "labels.json",
    "projectName": "letters",
    "projectKind": "customMultiLabelClassification",
    "language": "en-us",
    "storageInputContainerName": "training",
}
