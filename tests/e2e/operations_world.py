"""Operations without a functions host: real Azurite, the real emulator, and a loop that delivers the operations queue.

The app and the emulator share a clock that stands still until a message with a delay is delivered: an hour of polling
takes a second, and a job that takes seconds cannot end at an unlucky moment. A crash is a BaseException out of a chosen
call: the message in hand comes again, as it does when the host's lock on it has ended.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import azure.functions as func
import httpx

from azurite_process.azurite import Azurite
from azurite_process.processes import wait_until
from functions import routes
from language_emulator.clock import ManualClock
from language_emulator.server import RunningEmulator, running_emulator
from language_emulator.settings import EmulatorSettings
from language_emulator.testing.corpus import upload_corpus
from shared.config import Settings
from shared.language.apis import api_for
from shared.language.authoring_values import Project
from shared.language.values import ModelRef, ProjectKind
from shared.messages import StepMessage
from shared.models.active_model import ActiveModelRecord
from shared.operations.operation import Operation, OperationState, PublishingRecord, RetrainRequest, Step
from shared.operations.operations import LOCKS
from shared.services import Adapters, assemble, build_services
from shared.storage.ports import BlobStore, MessageQueue, QueuedMessage
from tests.e2e.disturbances import Crash, Hook, Hooked, ImpatientQueue
from tests.fakes import FakeBlobStore, FakeQueue, app_settings
from tests.unit.operations.operations_world import RETRAIN, steps_of

KEY = "emulator-key"
PATIENCE = 60.0
# A look just after the start finds every job of the service under way.
UNHURRIED = dict.fromkeys(("training", "publishing", "analysis", "imports"), "after 2 seconds")


@dataclass
class OperationsWorld:
    """One project's operations. `hook` sees every call to storage, queue and service while it is set.

    `plain` are the use cases whose calls no hook sees; `services` are those of the present process.
    """

    azurite: Azurite
    emulators: ExitStack
    emulator: RunningEmulator
    settings: Settings
    adapters: Adapters
    moment: ManualClock
    hook: Hook | None = None
    in_hand: QueuedMessage | None = None
    faulty: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.http = httpx.Client(base_url=self.emulator.url, timeout=30)
        self.language = self.adapters.language
        # Between the tries of a GET; the clock stands still meanwhile.
        self.language._sleep = lambda _: None
        self.plain = assemble(self.settings, self.adapters)
        self.restart()

    def restart(self) -> None:
        """A new process: what the old one remembered is gone."""
        self.queue = ImpatientQueue(self.adapters.open_queue(self.settings.operations_queue))
        language = cast(Any, Hooked(self.language, "language", self.call))
        hooked = replace(self.adapters, open_container=self._container, open_queue=self._queue, language=language)
        self.services = assemble(self.settings, hooked)

    def _container(self, name: str) -> BlobStore:
        store = self.adapters.open_container(name)
        return cast(Any, Hooked(store, "state", self.call)) if name == self.settings.pipeline_container else store

    def _queue(self, name: str) -> MessageQueue:
        is_ours = name == self.settings.operations_queue
        return cast(Any, Hooked(self.queue, "queue", self.call)) if is_ours else self.adapters.open_queue(name)

    @property
    def state(self) -> BlobStore:
        return self.adapters.open_container(self.settings.pipeline_container)

    def call(self, name: str, effect: Callable[[], Any]) -> Any:
        return self.hook(name, effect) if self.hook else effect()

    @property
    def project(self) -> str:
        return self.settings.language_project

    @property
    def api_version(self) -> str:
        return self.settings.language_api

    @property
    def steps(self) -> list[str]:
        """Those of a retraining that ends well."""
        return RETRAIN[self.api_version]

    @property
    def publication(self) -> str:
        """What the emulator calls the request that publishes, and as `jobs` knows it, its job."""
        return "publish" if self.api_version == "2021-preview" else "deploy"

    # The service

    def reset(self) -> None:
        """The service with an untrained project whose jobs take their time, and an earlier model in use."""
        self.control("POST", "reset")
        self.progress(**UNHURRIED)
        self.create_project()
        self.use_a_model("inuse")

    def upload_labels(self, *, documents: int) -> None:
        container = self.settings.training_container
        upload_corpus(self.azurite.connection_string, container, single_label=False, count=documents)

    def create_project(self) -> None:
        settings = self.settings
        container = settings.training_container
        definition = Project(self.project, ProjectKind.MULTI, "en-us", container, "labels.json")
        self.language.send(api_for(self.api_version).create_project(definition))

    def delete_project(self) -> None:
        """At the service, behind the app's back."""
        self.progress(imports="immediate")
        self.language.send(api_for(self.api_version).delete_project(self.project))

    def deployments(self) -> dict[str, str]:
        """The model of each deployment (dated API)."""
        call = api_for(self.api_version).list_deployments
        listed = self.language.send_pages(lambda page: call(self.project, page=page))
        return {deployment.name: deployment.label or "" for deployment in listed}

    def control(self, method: str, what: str, body: Any = None) -> Any:
        answer = self.http.request(method, f"/_emulator/{what}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def progress(self, **progression: str) -> None:
        self.control("PUT", "progression", progression)

    def inject(self, operation: str, action: dict[str, Any], **rule: Any) -> None:
        """One more rule; `mend` removes them all."""
        self.faulty.append({"operation": operation, "action": action, **rule})
        self.control("PUT", "faults", {"faults": self.faulty})

    def mend(self) -> None:
        self.faulty.clear()
        self.control("DELETE", "faults")

    def jobs(self, kind: str) -> list[dict[str, Any]]:
        return [job for job in self.control("GET", "jobs")["jobs"] if job["kind"] == kind]

    def requests(self, operation: str) -> dict[str, int]:
        return dict(self.control("GET", "requests")["operations"].get(operation, {}))

    def pass_time(self, delay: timedelta) -> None:
        """The clock moves on, once the training that is under way has really been done."""
        runs = self.emulator.service.training._runs
        wait_until(lambda: all(run.future.done() for run in list(runs.values())), seconds=PATIENCE, what="the training")
        self.moment.advance(seconds=delay.total_seconds())

    @contextmanager
    def emulator_stopped(self) -> Iterator[None]:
        """Afterwards it runs again, at the same address, with what it has on disk."""
        port = int(self.emulator.url.rsplit(":", 1)[1])
        settings = self.emulator.settings.model_copy(update={"port": port})
        self.emulators.close()
        yield
        self.emulator = self.emulators.enter_context(running_emulator(settings, self.moment))

    # The app

    def use_a_model(self, label: str) -> None:
        """A model that is in use before the test begins; nobody is asked for its evaluation."""
        model = ModelRef(project=self.project, kind=ProjectKind.MULTI, reference="earlier", label=label)
        record = ActiveModelRecord(model=model, api_version=self.api_version, published=self.moment.now())
        self.plain.active_model.switch(record)

    def active_label(self) -> str | None:
        self.plain.active_model.forget()
        return self.plain.active_model.find_label(self.project)

    def retrain(self, **request: Any) -> Operation:
        return self.services.start_operations.retrain(self.project, RetrainRequest(**request))

    def publish(self, label: str) -> Operation:
        return self.services.start_operations.publish(self.project, label=label)

    def find(self, operation: Operation) -> Operation:
        found = self.plain.operations.find(operation.id)
        assert found is not None
        return found

    def deliver(self) -> bool:
        """Deliver one message and delete it; False when there is none. What a crash left in hand comes first."""
        queue = self.queue.inner
        if self.in_hand is None:
            self.pass_time(self.queue.owed)
            self.queue.owed = timedelta(0)
            self.in_hand = next(iter(queue.receive(1, visibility=timedelta(hours=1))), None)
        message = self.in_hand
        if message is None:
            return False
        self.services.operation_steps.advance(StepMessage.model_validate_json(message.text or ""))
        queue.delete(message)
        self.in_hand = None
        return True

    def run(self, operation: Operation, *, until: Step | None = None) -> Operation:
        """Deliver until the operation has ended, or is at a step; crashes begin a new process. Then the record."""
        deadline = time.monotonic() + PATIENCE
        while not (found := self.find(operation)).is_ended and found.step is not until:
            assert time.monotonic() < deadline, f"still {found.step}: {found.history}"
            try:
                assert self.deliver(), f"no message is left at {found.step}"
            except Crash:
                self.restart()
        return found

    def drain(self) -> None:
        """Deliver what is left: after the end it must change nothing."""
        while self.deliver():
            pass

    def assert_done_once(self, ended: Operation) -> None:
        """A retraining that ended well, and asked the service for each thing once."""
        self.drain()
        assert isinstance(ended, PublishingRecord)
        assert (ended.state, ended.reason) == (OperationState.SUCCEEDED, f"{ended.label} is in use")
        assert steps_of(ended) == self.steps
        assert [job["status"] for job in self.jobs("training")] == ["succeeded"]
        if self.api_version == "2021-preview":
            assert [job["status"] for job in self.jobs("publishing")] == ["succeeded"]
        else:
            # Into the staging and, as there was none, into the production deployment; the same again changes nothing.
            assert {(job["status"], job["model"]) for job in self.jobs("deployment")} == {("succeeded", ended.label)}
            assert self.jobs("swap") == []
        assert self.active_label() == ended.label
        assert list(self.state.list(LOCKS)) == []

    def assert_without_effect(self, ended: Operation, state: OperationState) -> None:
        """An end with its reason that leaves the model in use alone and the project free."""
        self.drain()
        assert self.find(ended) == ended
        assert (ended.state, self.active_label()) == (state, "inuse")
        assert ended.reason
        assert list(self.state.list(LOCKS)) == []

    def request(self, function: str, body: Any = None, *, query: dict[str, str] | None = None, **route: str) -> Any:
        """An HTTP function's status and body."""
        built = [builder._function for builder in routes.blueprint(self.services)._function_builders]
        handler = next(each.get_user_function() for each in built if each.get_function_name() == function)
        content = b"" if body is None else json.dumps(body).encode()
        asked = func.HttpRequest("POST", "http://app/api", params=query or {}, route_params=route, body=content)
        answer = handler(asked)
        return answer.status_code, json.loads(answer.get_body())


@contextmanager
def running_world(
    azurite: Azurite, api_version: str, *, in_memory: bool = False, **emulator: Any
) -> Iterator[OperationsWorld]:
    """A world with names of its own in the shared Azurite and 40 labelled documents; see OperationsWorld.reset.

    With `in_memory` the records and the queue are the fakes of tests/contract, three times as fast; the labelled
    documents lie in Azurite all the same. `emulator` are settings of the emulator.
    """
    # Of today, as the times of what lies in Azurite: a version of tomorrow would be a forged one.
    moment = ManualClock(datetime.now(UTC))
    with ExitStack() as running:
        emulators = running.enter_context(ExitStack())
        started = emulators.enter_context(
            running_emulator(EmulatorSettings(storage=azurite.connection_string, key=KEY, **emulator), moment)
        )
        settings = _settings(azurite, started, f"world{secrets.token_hex(4)}", api_version)
        real = build_services(settings)
        running.callback(real.close)
        adapters = replace(real.adapters, clock=moment.now, jitter=lambda: 0.0)
        if in_memory:
            adapters = _with_fakes(adapters, settings)
        adapters.open_container(settings.pipeline_container).ensure()
        adapters.open_queue(settings.operations_queue).ensure()
        world = OperationsWorld(azurite, emulators, started, settings, adapters, moment)
        running.callback(world.http.close)
        world.upload_labels(documents=40)
        world.reset()
        yield world


def _with_fakes(adapters: Adapters, settings: Settings) -> Adapters:
    state, queue = FakeBlobStore("state", adapters.clock), FakeQueue("operations", adapters.clock)

    def open_container(name: str) -> BlobStore:
        return state if name == settings.pipeline_container else adapters.open_container(name)

    def open_queue(name: str) -> MessageQueue:
        return queue if name == settings.operations_queue else adapters.open_queue(name)

    return replace(adapters, open_container=open_container, open_queue=open_queue)


def _settings(azurite: Azurite, emulator: RunningEmulator, name: str, api_version: str) -> Settings:
    return app_settings(
        data_storage=azurite.connection_string,
        language_endpoint=emulator.url,
        language_key=KEY,
        language_api=api_version,
        # The emulator splits by the names of project and model: a fixed name gives every run the same evaluations.
        language_project="world",
        pipeline_container=f"{name}-pipeline",
        training_container=f"{name}-training",
        operations_queue=f"{name}-operations",
        pipeline_poll_seconds="1,2,5,60",
        pipeline_model_cache_seconds=0,
        language_authoring_posts_per_minute=0,
        language_authoring_gets_per_minute=0,
    )
