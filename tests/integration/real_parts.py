"""The app's use cases on real Azurite and the emulator over HTTP, with time that passes only when nothing is due.

What is real: every blob, queue message, receipt and dequeue count (Azurite), and every answer of the Language service
(the emulator, with a model it has trained). What is not: the clock, which the app, the emulator and the delays of
messages share, so that a day of polling takes seconds; and the host, a loop here, with the real one's rules: a message
is hidden for 10 minutes, deleted after success, released after a failure, put into the poison queue after five tries.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import httpx
from azure.storage.blob import BlobServiceClient, ContainerClient
from azure.storage.queue import QueueClient

from azurite_process.azurite import Azurite
from language_emulator.clock import ManualClock
from language_emulator.server import RunningEmulator, running_emulator
from language_emulator.settings import EmulatorSettings
from language_emulator.testing.analyze_text import GeneralAvailability
from language_emulator.testing.corpus import upload_corpus
from language_emulator.testing.text_authoring_2021 import Preview
from shared.config import Settings
from shared.documents.inbox import document_of
from shared.documents.messages import WakeMessage
from shared.documents.record_schema import ClassificationRecord, FailureRecord
from shared.documents.ref import DocumentRef, record_name
from shared.errors import BlobNotFoundError
from shared.language.client import LanguageClient
from shared.language.credentials import KeyCredential
from shared.language.values import ProjectKind
from shared.messages import Message, StepMessage
from shared.services import Services, assemble, build_services
from shared.storage.ports import BlobStore, MessageQueue, QueuedMessage
from tests.e2e.disturbances import Crash, Hooked
from tests.fakes import app_settings

KEY = "emulator-key"
PROJECT = "letters"
HOST_LOCK = timedelta(minutes=10)
RELEASE = timedelta(seconds=30)
MAX_DEQUEUE = 5
CONTAINERS = ("documents", "classifications", "failures", "pipeline")
QUEUES = ("documents", "collect", "batches", "operations", "events")
# In the emulator's own vocabulary (language_emulator.testing.corpus), so that its model is sure.
BILLING = "please refund the charge on my card, the invoice amount and the tax are wrong"
DELIVERY = "the courier left my parcel at the depot and the tracking says it arrived late"


@dataclass
class TimedQueue:
    """A queue of Azurite whose delays are those of the shared clock: what is hidden there becomes visible only here."""

    inner: MessageQueue
    client: QueueClient
    clock: Callable[[], datetime]
    later: list[tuple[datetime, Message]] = field(default_factory=list)
    hidden: dict[str, tuple[datetime, QueuedMessage]] = field(default_factory=dict)

    def send(self, message: Message, *, delay: timedelta = timedelta(0)) -> None:
        if delay > timedelta(0):
            self.later.append((self.clock() + delay, message))
        else:
            self.inner.send(message)

    def peek(self, count: int) -> list[QueuedMessage]:
        return self.inner.peek(count)

    def receive(self, count: int, *, visibility: timedelta) -> list[QueuedMessage]:
        received = self.inner.receive(count, visibility=timedelta(hours=12))
        self.hidden.update({each.id: (self.clock() + visibility, each) for each in received})
        return received

    def delete(self, message: QueuedMessage) -> None:
        self.inner.delete(message)
        self.hidden.pop(message.id, None)

    def release(self, message: QueuedMessage, delay: timedelta) -> None:
        self.hidden[message.id] = (self.clock() + delay, message)

    def length(self) -> int:
        return self.inner.length() + len(self.later)

    def ensure(self) -> None:
        self.inner.ensure()

    def next_due(self) -> datetime | None:
        return min([*(due for due, _ in self.later), *(due for due, _ in self.hidden.values())], default=None)

    def let_due_messages_appear(self) -> None:
        now = self.clock()
        due = [message for at, message in self.later if at <= now]
        self.later = [(at, message) for at, message in self.later if at > now]
        for message in due:
            self.inner.send(message)
        for message_id, (at, received) in list(self.hidden.items()):
            if at <= now:
                del self.hidden[message_id]
                self.client.update_message(received.id, received.pop_receipt, visibility_timeout=0)


@dataclass
class Service:
    """The emulator with a trained and published model; `reference` is what an analyze request names it by."""

    emulator: RunningEmulator
    moment: ManualClock
    api_version: str
    reference: str

    def control(self, method: str, what: str, body: Any = None) -> Any:
        response = httpx.request(method, f"{self.emulator.url}/_emulator/{what}", json=body, timeout=30)
        assert response.status_code == 200, response.text
        return response.json()

    def inject(self, *rules: dict[str, Any]) -> None:
        """Replace the rules in place. A rule without `count` strikes for as long as it is there."""
        self.control("PUT", "faults", {"faults": [{"count": None} | rule for rule in rules]})

    def mend(self) -> None:
        self.control("DELETE", "faults")

    def reset(self) -> None:
        self.mend()
        self.control("DELETE", "requests")
        self.control("PUT", "progression", {"analysis": "after 1 reads"})

    def requests(self, operation: str) -> dict[str, int]:
        """How often it was asked, by the status of the answer."""
        return dict(self.control("GET", "requests")["operations"].get(operation, {}))


@contextmanager
def running_service(azurite: Azurite, api_version: str) -> Iterator[Service]:
    """One emulator for many tests: its model is the same for all of them."""
    moment = ManualClock(datetime.now(UTC))
    container = f"training-{uuid.uuid4().hex[:8]}"
    with running_emulator(EmulatorSettings(storage=azurite.connection_string, key=KEY), moment) as emulator:
        upload_corpus(azurite.connection_string, container, single_label=False)
        if api_version == "2021-preview":
            preview = Preview(emulator.url, KEY)
            with preview.http:
                assert preview.create(PROJECT, container).status_code < 300
                reference = preview.published(PROJECT)
        else:
            client, reference = GeneralAvailability(emulator.url, KEY, api_version), "production"
            with client.http:
                client.deployed(PROJECT, container)
        yield Service(emulator, moment, api_version, reference)


@dataclass
class RealParts:
    """One app with containers and queues of its own. `hook` sees every call to storage, queues and service."""

    azurite: Azurite
    service: Service
    settings: Settings
    base: Services
    seed: int = 0
    hook: Callable[[str, Callable[[], Any]], Any] | None = None
    skew: timedelta = timedelta(0)
    events: list[DocumentRef] = field(default_factory=list)
    poison: list[QueuedMessage] = field(default_factory=list)
    sent: list[tuple[datetime, httpx.Request]] = field(default_factory=list)
    max_dequeue: int = 0
    abandoned: int = 0

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.moment = self.service.moment
        self.http = httpx.Client(timeout=10, event_hooks={"request": [self._note]})
        self.account = BlobServiceClient.from_connection_string(self.azurite.connection_string)
        open_queue = self.base.adapters.open_queue
        self.queues = {
            name: TimedQueue(queue := open_queue(self.settings.model_dump()[f"{name}_queue"]), queue._client, self.now)  # type: ignore[attr-defined]
            for name in QUEUES
        }
        self.start_process()

    def _note(self, request: httpx.Request) -> None:
        self.sent.append((self.now(), request))

    def now(self) -> datetime:
        return self.moment.now()

    def close(self) -> None:
        self.http.close()
        self.account.close()
        self.base.close()

    def start_process(self) -> Services:
        """A new process: what the old one remembered is gone."""
        self.services = self.build_process()
        return self.services

    def build_process(self) -> Services:
        """The use cases of one process; several share what lies in storage and in the service."""
        language = LanguageClient(
            self.settings.language_endpoint,
            KeyCredential(KEY),
            self.http,
            sleep=lambda seconds: self.moment.advance(seconds=seconds),
            clock=lambda: self.now().timestamp(),
        )
        adapters = replace(
            self.base.adapters,
            open_container=self._container,
            open_queue=self._queue,
            language=cast(Any, Hooked(language, "language", self.call)),
            clock=lambda: self.now() + self.skew,
            jitter=self.random.random,
        )
        return assemble(self.settings, adapters)

    def call(self, name: str, effect: Callable[[], Any]) -> Any:
        return self.hook(name, effect) if self.hook else effect()

    def _container(self, name: str) -> BlobStore:
        found = self.base.adapters.open_container(name)
        return cast(BlobStore, Hooked(found, name.partition("-")[0], self.call))

    def _queue(self, name: str) -> MessageQueue:
        kind = next((each for each, queue in self.queues.items() if queue.client.queue_name == name), None)
        if kind is None:  # where the host puts what it abandons; nothing is delayed there
            return self.base.adapters.open_queue(name)
        return cast(MessageQueue, Hooked(self.queues[kind], f"{kind}-queue", self.call))

    # What users do

    @property
    def documents(self) -> ContainerClient:
        return self.account.get_container_client(self.settings.documents_container)

    def upload(self, name: str, text: str | bytes, *, event: bool = True) -> DocumentRef:
        """Returns the version that storage made of it."""
        self.documents.upload_blob(name, text.encode() if isinstance(text, str) else text, overwrite=True)
        info = self.base.records.documents.find(name)
        assert info is not None
        document = document_of(info)
        if event:
            self.events.append(document)
        return document

    def upload_letters(self, count: int, *, event: bool = True) -> list[str]:
        names = [f"letter-{number:04}.txt" for number in range(count)]
        for number, name in enumerate(names):
            self.upload(name, f"letter {number}: {BILLING if number % 2 else DELIVERY}", event=event)
        return names

    # The host

    def run(self, *, hours: float = 48.0, between: Callable[[], None] | None = None) -> None:
        """Deliver what is visible, then let the time pass to what is due next, until nothing is left."""
        end = self.now() + timedelta(hours=hours)
        while True:
            for queue in self.queues.values():
                queue.let_due_messages_appear()
            if between:
                between()
            if self._deliver_one():
                continue
            due = [at for name in ("collect", "batches") if (at := self.queues[name].next_due())]
            if not due:
                if not self.abandoned:
                    return
                self.abandoned = 0
                self.services.sweep()
                continue
            assert min(due) <= end, f"still busy after {hours} hours of virtual time"
            self.moment.advance(seconds=max(0.0, (min(due) - self.now()).total_seconds()))

    def _deliver_one(self) -> bool:
        if self.events:
            document = self.events.pop(0)
            try:
                self.services.inbox.accept(self.settings.documents_container, document)
            except Crash:
                self.events.append(document)
                self.start_process()
            except Exception:  # the host gives the trigger the event again
                self.events.append(document)
            return True
        return any(self.deliver(name) for name in ("collect", "batches"))

    def deliver(self, name: str) -> bool:
        """One message of a triggered queue; False when none is visible."""
        queue = self.queues[name]
        message = next(iter(queue.receive(1, visibility=HOST_LOCK)), None)
        if message is None:
            return False
        self.max_dequeue = max(self.max_dequeue, message.dequeue_count)
        try:
            self.invoke(name, message)
            queue.delete(message)
        except Crash:
            self.start_process()
        except Exception:
            if message.dequeue_count < MAX_DEQUEUE:
                queue.release(message, RELEASE)
            else:
                self._abandon(queue, message)
        return True

    def invoke(self, name: str, message: QueuedMessage) -> None:
        if name == "collect":
            WakeMessage.model_validate_json(message.text or "")
            self.services.collector.collect(message.inserted_on)
        else:
            self.services.batch_steps.advance(StepMessage.model_validate_json(message.text or ""))

    def _abandon(self, queue: TimedQueue, message: QueuedMessage) -> None:
        """As the host does: beside the queue, where the sweep finds it."""
        beside = self.base.adapters.open_queue(f"{queue.client.queue_name}-poison")
        beside.ensure()
        beside._client.send_message(message.raw)  # type: ignore[attr-defined]
        queue.delete(message)
        self.poison.append(message)
        self.abandoned += 1

    def accept_everything(self) -> None:
        while self.events:
            self._deliver_one()

    def collect_everything(self) -> None:
        """As far as the first message of each batch, which is not delivered."""
        self.accept_everything()
        while due := self.queues["collect"].next_due():
            self.moment.advance(seconds=max(0.0, (due - self.now()).total_seconds()))
            self.queues["collect"].let_due_messages_appear()
            while self.deliver("collect"):
                pass

    # What the tests look at

    def classification(self, name: str) -> ClassificationRecord | None:
        return self.base.records.read_classification(name)

    def failure(self, name: str) -> FailureRecord | None:
        return self.base.records.read_failure(name)

    def violations(self) -> list[str]:
        """Current documents that do not have exactly one terminal record naming their ETag, by the listings."""
        etags: dict[str, list[str]] = {}
        for store in (self.base.records.classifications, self.base.records.failures):
            for record in store.list(metadata=True):
                etags.setdefault(record.name, []).append(record.metadata["etag"])
        found = []
        for info in self.base.records.documents.list():
            of_records = etags.get(record_name(info.name), [])
            if of_records != [info.etag]:
                found.append(f"{info.name} is at {info.etag}, its records at {of_records}")
        return found

    def assert_books_closed(self) -> None:
        """Every document has its one record; no batch is open, no message left, none set aside."""
        assert self.violations() == [], self.violations()
        assert list(self.base.batches.store.list_open()) == []
        assert {name: queue.length() for name, queue in self.queues.items() if queue.length()} == {}
        assert self.poison == []

    def count_classified(self) -> int:
        return sum(1 for _ in self.base.records.classifications.list())

    def failure_codes(self) -> list[str]:
        names = [info.name.removesuffix(".json") for info in self.base.records.failures.list()]
        return [failure.code.value for name in names if (failure := self.failure(name))]

    def dead_letters(self) -> list[str]:
        state = self.base.adapters.open_container(self.settings.pipeline_container)
        return [info.name for info in state.list("dead-letters/")]

    def read_result(self, name: str) -> bytes | None:
        try:
            return self.base.records.classifications.read(f"{name}.json").data
        except BlobNotFoundError:
            return None

    def posts(self) -> list[datetime]:
        """When each analyze request was sent."""
        return [at for at, request in self.sent if request.method == "POST"]

    def gets(self) -> list[tuple[datetime, str]]:
        """When each poll was sent, and its job's id."""
        return [(at, request.url.path.rsplit("/", 1)[-1]) for at, request in self.sent if request.method == "GET"]


@contextmanager
def real_parts(azurite: Azurite, service: Service, *, seed: int = 0, **changes: Any) -> Iterator[RealParts]:
    """A fresh app. `changes` are settings."""
    service.reset()
    own = uuid.uuid4().hex[:8]
    names = {f"{name}_container": f"{name}-{own}" for name in CONTAINERS}
    names |= {f"{name}_queue": f"{name}-{own}" for name in QUEUES}
    settings = app_settings(
        data_storage=azurite.connection_string,
        language_endpoint=service.emulator.url,
        language_api=service.api_version,
        language_project=PROJECT,
        language_project_kind=ProjectKind.MULTI,
        language_model=service.reference,
        **(names | changes),
    )
    base = build_services(settings)
    for name, value in names.items():
        if name.endswith("container"):
            base.adapters.open_container(value).ensure()
        else:
            base.adapters.open_queue(value).ensure()
    world = RealParts(azurite, service, settings, base, seed=seed)
    try:
        yield world
    finally:
        world.close()
