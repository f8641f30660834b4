"""The publishing half of a fake Language service, both API versions, in front of tests/fake_language.py.

It speaks the forms of emulators/language/tests/wire. Which model answers is decided when a job is accepted, as the emulator does.
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

AUTHORING = re.compile(r"/language/(authoring/analyze-text|text/authoring/v1\.0-preview\.2)/projects/letters")
ID_END = "-20260301T120000-2f4f6a3e9c1d4b7a8e5f0a1b2c3d4e5f"


@dataclass
class Work:
    """Something under way: it takes effect at `due`, once. `model_id` is what a publication of the preview yields."""

    due: datetime
    effect: Callable[[], None]
    created: datetime
    model_id: str | None = None
    done: bool = False


@dataclass
class FakePublishing:
    """Trained models are published at once, or after `takes`. `changes` is what was asked for, in its order."""

    service: FakeLanguageService
    clock: Callable[[], datetime]
    trained: list[str] = field(default_factory=lambda: ["first", "second", "third"])
    deployments: dict[str, str] = field(default_factory=dict)
    published: dict[str, str] = field(default_factory=dict)
    takes: timedelta = timedelta(0)
    one_at_a_time: bool = False
    expires: date | None = None
    changes: list[str] = field(default_factory=list)
    # Analyze job to the label of the model that classifies its texts.
    truth: dict[str, str] = field(default_factory=dict)
    # Replaces the answer to a request, after its effect where `lose` says so.
    answer: Callable[[httpx.Request], httpx.Response | None] = lambda _: None
    lose: str = ""
    jobs: dict[str, Work] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        accept = self.service._accept

        def accept_knowing_the_model(documents: list[dict[str, str]], reference: str, task: str) -> str:
            job_id = accept(documents, reference, task)
            self.truth[job_id] = self.deployments.get(reference) or self.published[reference]
            self.changes.append(f"analyze {reference}")
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
                work.done = True
                work.effect()
        self.service.models = {*self.deployments, *self.published}

    @property
    def is_busy(self) -> bool:
        return any(not work.done for work in self.jobs.values())

    def count(self, change: str) -> int:
        return sum(each.startswith(change) for each in self.changes)

    def _route(self, request: httpx.Request) -> httpx.Response:
        path = AUTHORING.sub("", request.url.path, count=1)
        body = json.loads(request.content) if request.content else {}
        if request.method == "GET":
            return httpx.Response(200, json=self._read(path))
        if self.one_at_a_time and self.is_busy:
            return language_error(409, "Conflict", "something else is under way")
        if path == "/publish":
            return self._publish(body["tasks"][0]["trainingModelName"])
        if path == "/deployments/:swap":
            return self._swap(body["firstDeploymentName"], body["secondDeploymentName"])
        return self._deploy(path.rpartition("/")[2], body["trainedModelLabel"])

    # What is asked for

    def _publish(self, label: str) -> httpx.Response:
        self.changes.append(f"publish {label}")
        effect = lambda: self.published.update({f"{label}-id": label})  # noqa: E731
        return self._start("location", "/publish/jobs/", effect, f"{label}-id")

    def _deploy(self, name: str, label: str) -> httpx.Response:
        self.changes.append(f"deploy {name} {label}")
        effect = lambda: self.deployments.update({name: label})  # noqa: E731
        return self._start("operation-location", f"/deployments/{name}/jobs/", effect)

    def _swap(self, first: str, second: str) -> httpx.Response:
        self.changes.append(f"swap {first} {second}")

        def effect() -> None:
            self.deployments[first], self.deployments[second] = self.deployments[second], self.deployments[first]

        return self._start("operation-location", "/deployments/swap/jobs/", effect)

    def _start(
        self, header: str, below: str, effect: Callable[[], None], model_id: str | None = None
    ) -> httpx.Response:
        job_id = f"work-{next(self._numbers)}"
        self.jobs[job_id] = Work(self.clock() + self.takes, effect, self.clock(), model_id)
        base = "/language/text/authoring/v1.0-preview.2" if header == "location" else "/language/authoring/analyze-text"
        address = f"{self.service.endpoint}{base}/projects/letters{below}{job_id}"
        return httpx.Response(202, headers={header: address})

    # What can be read

    def _read(self, path: str) -> dict[str, Any]:
        if path == "":
            return PROJECT
        if path == "/models":
            return {"value": [{"label": label, "modelId": label + ID_END} for label in self.trained]}
        if path == "/trainedModels":
            return {"trainingModelsInfo": [self._model_info(label) for label in self.trained]}
        if path == "/deployments":
            return {"value": [self._deployment(name, label) for name, label in self.deployments.items()]}
        return self._job_body(path.rpartition("/")[2])

    def _deployment(self, name: str, label: str) -> dict[str, Any]:
        expires = {"deploymentExpirationDate": self.expires.isoformat()} if self.expires else {}
        return {"deploymentName": name, "modelId": label + ID_END} | expires

    def _model_info(self, label: str) -> dict[str, Any]:
        is_published = f"{label}-id" in self.published
        ended = {"status": "succeeded"}
        return {
            "trainingModelName": label,
            "trainingJobInfo": ended,
            "evaluationJobInfo": ended,
            "publishingJobInfo": ended | {"modelId": f"{label}-id"} if is_published else None,
        }

    def _job_body(self, job_id: str) -> dict[str, Any]:
        work = self.jobs[job_id]
        status = "succeeded" if work.done else "running"
        return {
            "jobId": job_id,
            "createdDateTime": work.created.isoformat(),
            "status": status,
            "errors": [],
            "tasks": [{"status": status, "modelId": work.model_id if work.done else None}],
        }


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
