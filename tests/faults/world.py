"""The whole pipeline on fakes under a virtual clock: a simulated host, crashes at chosen calls, and the invariant.

The host's rules are the real ones: a received message is hidden for 10 minutes, deleted after success, released after a
failure, copied to poison after five tries. A crash ends the process: nothing is deleted or released, the process's
memory (the wake debounce, the model cache) is gone, and so are its invocations that are waiting.

An invocation that waits has a thread of its own, and only one thread ever runs: the same run is the same each time.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

import httpx

from shared.documents.messages import WakeMessage
from shared.documents.record_schema import ClassificationRecord, FailureRecord
from shared.documents.ref import DocumentRef, record_name
from shared.durable.sweep import revive_stalled
from shared.language.client import LanguageClient
from shared.language.credentials import KeyCredential
from shared.language.values import ModelRef, ProjectKind
from shared.messages import StepMessage
from shared.models.acceptance import Acceptance
from shared.models.active_model import Active, InUse
from shared.services import Adapters, Services, assemble
from shared.storage.outages import Outages
from shared.storage.ports import BlobStore, QueuedMessage, SentMessage
from tests.fake_language import FakeLanguageService
from tests.fake_language_ga import FakeGaLanguageService
from tests.fakes import FakeBlobStore, FakeQueue, VirtualClock, app_settings, serial_fan_out

T = TypeVar("T")

HOST_LOCK = timedelta(minutes=10)
RELEASE = timedelta(seconds=30)
MAX_DEQUEUE = 5
CALL_TAKES = timedelta(milliseconds=7)
PAUSE = timedelta(seconds=8)
MODEL = ModelRef(project="letters", kind=ProjectKind.MULTI, reference="model-1", label="first")


SERVICES = {"2021-preview": FakeLanguageService, "2023-04-01": FakeGaLanguageService}
# Which API version worlds speak unless told; conftest.py runs every test under each.
current_api_version = "2021-preview"


class Crash(BaseException):
    """The process is gone. Not an Exception, so that no handler can survive it."""


@dataclass
class FixedModel:
    """The model in use; a switch is seen at once, because the store's cache has tests of its own."""

    model: ModelRef | None = MODEL
    acceptance: Acceptance | None = None

    def find(self) -> InUse:
        return Active(self.model, acceptance=self.acceptance) if self.model else None


@dataclass(frozen=True)
class Reorder:
    """A fault of the protocol, told by external calls: while `invocation` runs, a call named `held` has its effect only
    after those named `past` that follow it; without `past` it never has."""

    invocation: str
    held: str
    past: frozenset[str] = frozenset()


@dataclass
class Process:
    """The use cases of one process, and whether it still runs."""

    services: Services
    is_alive: bool = True


class Invocation:
    """A function's call in a thread of its own, which runs while its starter waits, until it ends or waits itself."""

    def __init__(self, process: Process, work: Callable[[], None]) -> None:
        self.process = process
        self.due: datetime | None = None
        self.state: tuple[str, list[Callable[[], object]]] = ("", [])
        self.error: BaseException | None = None
        self.is_over = False
        self._work = work
        self._go, self._stop = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def go_on(self) -> None:
        """Run it until it waits or ends."""
        self.due = None
        self._go.release()
        self._stop.acquire()
        if self.is_over:
            self._thread.join()

    def wait_until(self, due: datetime) -> None:
        """Called by its own thread: others go on until then, or until the process dies."""
        self.due = due
        self._stop.release()
        self._go.acquire()
        if not self.process.is_alive:
            raise Crash

    def _run(self) -> None:
        self._go.acquire()
        try:
            self._work()
        except BaseException as error:
            self.error = error
        self.is_over = True
        self._stop.release()


@dataclass
class World:
    """`crash_at` is (number of the external call, "before" or "after" its effect).

    `pause_at` is the number of a call that takes PAUSE before its effect, while other workers go on. `reorder` breaks
    the protocol on purpose, for the mutants. `in_hand`: whoever sends a wake looks itself; without it all work goes
    through the queues, as in a burst. `acceptance` is that of the model in use. Deliveries take turns among
    `instances`.
    """

    crash_at: tuple[int, str] | None = None
    pause_at: int | None = None
    crash_rate: float = 0.0
    seed: int = 0
    changes: dict[str, object] = field(default_factory=dict)
    reorder: Reorder | None = None
    api_version: str = field(default_factory=lambda: current_api_version)
    in_hand: bool = False
    acceptance: Acceptance | None = None
    instances: int = 1
    reordered: int = 0
    calls: int = 0
    crashes: int = 0

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.clock = VirtualClock()
        # What the app takes for the time; a worker's clock may be wrong.
        self.app_clock: Callable[[], datetime] = self.clock
        self.settings = app_settings(**({"language_api": self.api_version} | self.changes))
        stores = ("documents", "classifications", "failures", "state")
        self.stores = {name: FakeBlobStore(name, self.clock, self.call) for name in stores}
        names = ("documents", "collect", "batches", "operations", "events")
        self.queues = {name: FakeQueue(f"{name}-queue", self.clock, self.call) for name in names}
        self.service = SERVICES[self.api_version](self.clock, self.call)
        self.model = FixedModel(acceptance=self.acceptance)
        self.poison: list[QueuedMessage] = []
        self.invocation = ""
        self.held: list[Callable[[], object]] = []
        self.waiting: list[tuple[Invocation, FakeQueue, QueuedMessage]] = []
        self._running: list[Invocation] = []
        self._delivered = 0
        self.start_process()
        self._serving = self._process
        self._others = [Process(self._build()) for _ in range(self.instances - 1)]

    def call(self, name: str, effect: Callable[[], T]) -> T:
        """One external call: it takes time, and the process may die before or after its effect."""
        if self.reorder and (self.reorder.invocation, self.reorder.held) == (self.invocation, name):
            self.reordered += 1
            if self.reorder.past:
                self.held.append(effect)
            # Of what is held back, only a message's receipt is used: this one is no one's.
            return cast("T", SentMessage("held back", "held back", self.clock()))
        if self.reorder and name not in self.reorder.past:
            self.flush()
        return self._perform(effect)

    def flush(self) -> None:
        """The effects of the calls that a mutant has held back."""
        while self.held:
            self._perform(self.held.pop(0))

    def _perform(self, effect: Callable[[], T]) -> T:
        self.calls += 1
        self.clock.advance(CALL_TAKES)
        self._maybe_crash("before")
        if self.pause_at == self.calls:
            self._deliver_until(self.clock() + PAUSE)
        try:
            return effect()
        finally:
            self._maybe_crash("after")

    def _maybe_crash(self, moment: str) -> None:
        if self.crash_at == (self.calls, moment) or (self.crash_rate and self.random.random() < self.crash_rate / 2):
            self.crashes += 1
            raise Crash

    def start_process(self) -> None:
        """A new process: what the old one remembered is gone."""
        self.held.clear()
        self.services = self._build()
        self._process = Process(self.services)
        steps = self.services.batch_steps
        self.batch_steps = replace(steps, submit=replace(steps.submit, active_model=self.model))

    def _build(self) -> Services:
        services = assemble(
            self.settings,
            Adapters(
                open_container=self._container,
                open_queue=self.open_queue,
                language=self.language_client(),
                fan_out=serial_fan_out,
                clock=self.app_clock,
                jitter=self.random.random,
                wait=self.wait,
                outages=Outages(self.app_clock),
            ),
        )
        # Other messages are delivered in the middle of a call, by the thread that is at it.
        services.inbox.debounce.sending = nullcontext()
        return services

    def wait(self, delay: timedelta) -> None:
        """The running invocation waits; what else becomes due goes on."""
        if self._running:
            self._running[-1].wait_until(self.clock() + delay)
        else:  # the test itself calls the app
            self._deliver_until(self.clock() + delay)

    def kill(self, process: Process) -> None:
        """Its waiting invocations end where they are; their messages come back when the host's lock ends."""
        process.is_alive = False
        dead = [each for each in self.waiting if each[0].process is process]
        self.waiting = [each for each in self.waiting if each[0].process is not process]
        for invocation, _, _ in dead:
            self._let_run(invocation)
        if process is self._process:
            self.start_process()
        else:
            self._others = [Process(self._build()) if each is process else each for each in self._others]

    def open_queue(self, name: str) -> FakeQueue:
        """One of the app's queues, or of those to which the host moves what it abandons."""
        return self.queues.setdefault(name, FakeQueue(f"{name}-queue", self.clock, self.call))

    def _container(self, name: str) -> BlobStore:
        return self.stores["state" if name == self.settings.pipeline_container else name]

    def language_client(self) -> LanguageClient:
        http = httpx.Client(transport=self.service.transport())
        return LanguageClient(self.settings.language_endpoint, KeyCredential("k"), http, sleep=lambda _: None)

    # What users do. These are not calls of the app, so they never crash it.

    def upload(self, name: str, text: str | bytes, *, event: bool = True) -> DocumentRef:
        data = text.encode() if isinstance(text, str) else text
        etag = self.stores["documents"]._write(name, data, None, must_be="*")
        info = self.stores["documents"]._blobs[name].info
        document = DocumentRef(name=name, etag=etag, last_modified=info.last_modified, size=len(data))
        if event:
            self.raise_event(document)
        return document

    def raise_event(self, document: DocumentRef) -> None:
        self.queues["events"].send_raw(document.model_dump_json())

    def remove(self, name: str) -> None:
        self.stores["documents"]._delete(name, None)

    # The host.

    def run(self, *, until_hours: float = 48.0, between: Callable[[], None] | None = None) -> None:
        """Deliver messages in the order they become visible until no trigger has one left."""
        end = self.clock() + timedelta(hours=until_hours)
        while (due := self._next_due()) is not None:
            if due > end:
                raise AssertionError(f"still busy after {until_hours} h of virtual time")
            self.clock.now = max(self.clock.now, due)
            if between:
                between()
            self._go_on(due)

    def _deliver_until(self, end: datetime) -> None:
        while (due := self._next_due()) is not None and due <= end:
            self.clock.now = max(self.clock.now, due)
            self._go_on(due)
        self.clock.now = max(self.clock.now, end)

    def _next_due(self) -> datetime | None:
        queue = self._next_queue()
        visible = queue.next_visible() if queue else None
        return min((each for each in (visible, *self._ends_of_waiting()) if each is not None), default=None)

    def _ends_of_waiting(self) -> list[datetime]:
        return [invocation.due for invocation, _, _ in self.waiting if invocation.due is not None]

    def _go_on(self, due: datetime) -> None:
        """The next invocation that has waited long enough, or the next message."""
        for each in self.waiting:
            if each[0].due == due:
                self.waiting.remove(each)
                self._run_on(*each)
                return
        queue = self._next_queue()
        if queue is not None:
            self._deliver(queue)

    def _next_queue(self) -> FakeQueue | None:
        waiting = [self.queues[name] for name in ("events", "collect", "batches") if self.queues[name].next_visible()]
        return min(waiting, key=lambda queue: queue.next_visible() or self.clock(), default=None)

    def _deliver(self, queue: FakeQueue) -> None:
        received = queue.receive_unhooked(1, HOST_LOCK)
        if not received:
            return
        message = received[0]
        process = (self._process, *self._others)[self._delivered % self.instances]
        self._delivered += 1
        if self.in_hand and queue is not self.queues["batches"]:
            self._run_on(Invocation(process, lambda: self._run_whole(queue, message)), queue, message)
            return
        outer, self._serving = self._serving, process  # nothing in it waits
        self._end(queue, message, process, lambda: self._run_whole(queue, message))
        self._serving = outer

    def _run_on(self, invocation: Invocation, queue: FakeQueue, message: QueuedMessage) -> None:
        self._let_run(invocation)
        if not invocation.is_over:
            self.waiting.append((invocation, queue, message))
            return

        def outcome() -> None:
            if invocation.error is not None:
                raise invocation.error

        self._end(queue, message, invocation.process, outcome)

    def _let_run(self, invocation: Invocation) -> None:
        """It runs in the middle of whatever runs now, with its own name and its own calls held back."""
        outer = self.invocation, self.held, self._serving
        self.invocation, self.held = invocation.state
        self._serving = invocation.process
        self._running.append(invocation)
        invocation.go_on()
        self._running.pop()
        invocation.state = self.invocation, self.held
        self.invocation, self.held, self._serving = outer

    def _end(self, queue: FakeQueue, message: QueuedMessage, process: Process, work: Callable[[], None]) -> None:
        try:
            work()
            queue.delete_unhooked(message)
        except Crash:
            self.kill(process)
        except Exception:
            if message.dequeue_count >= MAX_DEQUEUE:
                self.poison.append(message)
                queue.delete_unhooked(message)
                raise
            queue.release(message, RELEASE)

    def _run_whole(self, queue: FakeQueue, message: QueuedMessage) -> None:
        self._invoke(queue, message)
        self.flush()

    def _invoke(self, queue: FakeQueue, message: QueuedMessage) -> None:
        services, steps = self._serving.services, self.batch_steps
        if services is not self.services:
            steps = replace(services.batch_steps, submit=replace(services.batch_steps.submit, active_model=self.model))
        intake = replace(services.intake, batch_steps=steps)
        if queue is self.queues["events"]:
            self.invocation = "accept"
            document = DocumentRef.model_validate_json(message.raw)
            accept = intake.accept if self.in_hand else services.inbox.accept
            accept("documents", document)
        elif queue is self.queues["collect"]:
            self.invocation = "collect"
            WakeMessage.model_validate_json(message.text or "")
            collect = intake.collect if self.in_hand else services.collector.collect
            collect(message.inserted_on)
        else:
            self.invocation = "advance"
            steps.advance(StepMessage.model_validate_json(message.text or ""))

    def reconcile(self) -> None:
        self._in_process(self.services.reconcile)

    def sweep(self) -> None:
        self._in_process(lambda: revive_stalled(self.services.batches, serial_fan_out))

    def _in_process(self, work: Callable[[], Any]) -> None:
        try:
            work()
        except Crash:
            self.start_process()

    # The invariant.

    def classification(self, name: str) -> ClassificationRecord | None:
        stored = self.stores["classifications"]._blobs.get(record_name(name))
        return ClassificationRecord.model_validate_json(stored.data) if stored else None

    def failure(self, name: str) -> FailureRecord | None:
        stored = self.stores["failures"]._blobs.get(record_name(name))
        return FailureRecord.model_validate_json(stored.data) if stored else None

    def violations(self) -> list[str]:
        """Current documents that do not have exactly one terminal record naming their ETag."""
        found = []
        for name, stored in self.stores["documents"]._blobs.items():
            records = [each for each in (self.classification(name), self.failure(name)) if each is not None]
            etags = [each.document.etag for each in records]
            if etags != [stored.info.etag]:
                found.append(f"{name} is at {stored.info.etag}, its records at {etags}")
        return found

    def extra_submissions(self) -> int:
        return sum(count - 1 for count in self.service.submissions.values())

    def open_batches(self) -> int:
        return sum(name.startswith("batches/open/") for name in self.stores["state"]._blobs)
