"""Retraining operations on fakes under a virtual clock, against a service that writes down when it was asked."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import httpx

from shared.durable.record import STEP_ALLOWANCE
from shared.language.client import LanguageClient
from shared.language.credentials import KeyCredential
from shared.language.rate_limiter import RateLimiter, RateLimits
from shared.messages import StepMessage
from shared.operations.operation import Operation, Retrain, Step
from shared.services import Adapters, assemble
from tests.fakes import START, FakeBlobStore, FakeQueue, T, VirtualClock, app_settings, serial_fan_out

AUTHORING = "/language/text/authoring/v1.0-preview.2/projects"
ANALYZE = "/text/analytics/v3.1-preview.ct.1/analyze"
FIGURES = {f"{kind}{name}": 0.9 for kind in ("micro", "macro") for name in ("F1", "Precision", "Recall")}

Answer = Callable[[httpx.Request], httpx.Response | None]


@dataclass
class Service:
    """The 2021 preview as far as a retraining needs it; every authoring request is written down with its time."""

    clock: Callable[[], float]
    training_takes: float = 45.0
    disturb: Answer = lambda _: None
    seen: list[tuple[float, str, str]] = field(default_factory=list)
    trainings: dict[str, float] = field(default_factory=dict)
    probed: list[dict[str, str]] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path.startswith(AUTHORING):
            self.seen.append((self.clock(), request.method, path.removeprefix(AUTHORING)))
        if request.method == "POST" and path == ANALYZE:
            self.probed = json.loads(request.content)["analysisInput"]["documents"]
        return self.disturb(request) or self.answer(request.method, path)

    def answer(self, method: str, path: str) -> httpx.Response:
        if method == "POST":
            header = "operation-location" if path == ANALYZE else "location"
            project = path.split("/")[-2]
            if path.endswith("/train"):
                assert project not in self.trainings, "trained twice"
                self.trainings[project] = self.clock()
            return httpx.Response(202, headers={header: f"http://127.0.0.1:9{path}/jobs/{project}"})
        return httpx.Response(200, json=self.body(path))

    def body(self, path: str) -> object:
        job = path.rsplit("/", 1)[1]
        if "/train/jobs/" in path:
            is_done = self.clock() - self.trainings[job] >= self.training_takes
            return {"jobId": job, "status": "succeeded" if is_done else "inProgress", "tasks": [{}]}
        if "/publish/jobs/" in path:
            return {"jobId": job, "status": "succeeded", "tasks": [{"modelId": f"id-{job}"}]}
        if path.endswith("/trainedModels"):
            started = self.trainings.get(path.split("/")[-2])
            is_trained = started is not None and self.clock() - started >= self.training_takes
            model = {"trainingModelName": "next", "trainingJobInfo": {"status": "succeeded"}}
            return {"trainingModelsInfo": [model] if is_trained else []}
        if path.endswith("/evaluation"):
            figures: dict[str, object] = {"classes": {}, **FIGURES}
            return {"modelType": "MultiClassification", "multiClassificationEvaluation": figures}
        if path.startswith(ANALYZE):
            documents = [{"id": each["id"], "classes": []} for each in self.probed]
            return {
                "status": "completed",
                "tasks": {"tasks": {"customMultiClassificationTasks": [{"results": {"documents": documents}}]}},
            }
        return {
            "name": job,
            "modelType": "MultiClassification",
            "culture": "en-us",
            "storageInputContainerName": "training",
            "labelsLocation": "labels.json",
        }

    def times(self, *methods: str, path: str = "") -> list[float]:
        return [at for at, method, asked in self.seen if method in methods and re.search(path, asked)]


class World:
    """Every process has the rate limiters that shared/services/ gives it, here on the virtual clock."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.service = Service(self.monotonic)
        self.queue = FakeQueue("operations", self.clock)
        self.settings = app_settings(pipeline_poll_seconds="2,5,10")
        self.stores = {name: FakeBlobStore(name, self.clock, self.takes_time) for name in ("state", "documents")}
        self.start_process()

    def start_process(self) -> None:
        settings = self.settings
        rate_limits = RateLimits(
            authoring_posts=RateLimiter(settings.language_authoring_posts_per_minute, clock=self.monotonic),
            authoring_gets=RateLimiter(settings.language_authoring_gets_per_minute, clock=self.monotonic),
        )
        language = LanguageClient(
            settings.language_endpoint,
            KeyCredential("k"),
            httpx.Client(transport=httpx.MockTransport(self.service)),
            rate_limits=rate_limits,
            sleep=lambda seconds: self.clock.advance(timedelta(seconds=seconds)),
            clock=self.monotonic,
        )
        state, others = self.stores["state"], self.stores["documents"]
        adapters = Adapters(
            open_container=lambda name: state if name == settings.pipeline_container else others,
            open_queue=lambda _: self.queue,
            language=language,
            fan_out=serial_fan_out,
            clock=self.clock,
            jitter=lambda: 0.0,
        )
        self.services = assemble(settings, adapters)

    def monotonic(self) -> float:
        return (self.clock() - START).total_seconds()

    def takes_time(self, _name: str, effect: Callable[[], T]) -> T:
        self.clock.advance(timedelta(milliseconds=5))
        return effect()

    def start(self, project: str) -> Operation:
        now = self.clock()
        operation = Retrain(
            id=f"{now:%Y%m%d}-retrain-{project}",
            project=project,
            api_version="2021-preview",
            step=Step.TRAIN,
            created=now,
            due=now + STEP_ALLOWANCE,
            label="next",
        )
        return self.services.operations.start(operation)

    def run(self) -> None:
        """Deliver every message when it becomes visible, until none is left."""
        while (due := self.queue.next_visible()) is not None:
            self.clock.now = max(self.clock.now, due)
            for message in self.queue.receive(1, visibility=timedelta(minutes=10)):
                self.services.operation_steps.advance(StepMessage.model_validate_json(message.text or ""))
                self.queue.delete(message)

    def find(self, operation: Operation) -> Operation:
        found = self.services.operations.find(operation.id)
        assert found is not None
        return found
