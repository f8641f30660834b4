"""The World of the fault matrix: others act in the middle of a call, and the service misbehaves."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

import httpx

from shared.batches.batch import Batch, Outcome
from shared.documents.ref import DocumentRef
from shared.errors import StorageUnavailableError
from shared.language.client import LanguageClient
from shared.language.credentials import KeyCredential
from shared.storage.ports import QueuedMessage
from tests.fakes import START, FakeQueue
from tests.faults.world import World

T = TypeVar("T")


def place_of(call: str) -> tuple[str, str]:
    """Where an external call goes, by the name that health knows, and which call it is: `queue batches`, `send`."""
    store, _, method = call.partition(".")
    if store.endswith("-queue"):
        return f"queue {store.removesuffix('-queue')}", method
    return f"container {'pipeline' if store == 'state' else store}", method


@dataclass
class DisturbedWorld(World):
    """`disturb` is told the name of each external call before its effect.

    With `poison_is_a_bug` (the default) a message that ends as poison ends the test; else it becomes a dead letter, as
    the sweep makes it one.
    """

    disturb: Callable[[str], None] | None = None
    poison_is_a_bug: bool = True
    max_dequeue: int = 0
    deliveries: int = 0
    trace: list[str] = field(default_factory=list)

    def call(self, name: str, effect: Callable[[], T]) -> T:
        self.trace.append(name)
        place, method = place_of(name)
        outages = self.services.adapters.outages
        try:
            if self.disturb:
                self.disturb(name)
        except StorageUnavailableError as error:
            outages.record(place, call=method, problem=str(error))
            raise
        outages.record(place, call=method, problem=None)
        return super().call(name, effect)

    def language_client(self) -> LanguageClient:
        return LanguageClient(
            self.settings.language_endpoint,
            KeyCredential("k"),
            httpx.Client(transport=self.service.transport()),
            sleep=lambda seconds: self.clock.advance(timedelta(seconds=seconds)),
            clock=self.monotonic,
            now=lambda: self.clock(),
        )

    def monotonic(self) -> float:
        return (self.clock() - START).total_seconds()

    def _invoke(self, queue: FakeQueue, message: QueuedMessage) -> None:
        self.max_dequeue = max(self.max_dequeue, message.dequeue_count)
        self.deliveries += 1
        super()._invoke(queue, message)

    def _deliver(self, queue: FakeQueue) -> None:
        poisoned = len(self.poison)
        try:
            super()._deliver(queue)
        except Exception:
            if self.poison_is_a_bug or len(self.poison) == poisoned:
                raise
            self._dead_letter(queue, self.poison[-1])

    def _dead_letter(self, queue: FakeQueue, message: QueuedMessage) -> None:
        body = message.raw if message.text is None else message.text
        if queue is self.queues["batches"]:
            self.services.batch_dead_letters.handle(message.id, body=body)
        elif queue is self.queues["collect"]:
            self.services.document_dead_letters.handle_wake(message.id, body=body)
        elif queue is self.queues["events"]:
            name = DocumentRef.model_validate_json(body).name
            upload = json.dumps({"ContainerName": "documents", "BlobName": name})
            self.services.document_dead_letters.handle_upload(message.id, body=upload)

    def deliver_next_of(self, *names: str) -> None:
        """The message of these queues that becomes visible next, if there is one."""
        waiting = [self.queues[name] for name in names if self.queues[name].next_visible()]
        if waiting:
            queue = min(waiting, key=lambda queue: queue.next_visible() or self.clock())
            self.clock.now = max(self.clock.now, queue.next_visible() or self.clock.now)
            self._deliver(queue)

    # What the tests look at.

    def upload_letters(self, count: int, *, event: bool = True) -> list[str]:
        names = [f"letter-{number:04}.txt" for number in range(count)]
        for number, name in enumerate(names):
            self.upload(name, f"letter {number} about billing", event=event)
        return names

    def classified(self) -> list[str]:
        return sorted(self.stores["classifications"]._blobs)

    def failure_codes(self) -> list[str]:
        names = sorted(name.removesuffix(".json") for name in self.stores["failures"]._blobs)
        return [record.code.value for record in map(self.failure, names) if record]

    def closed_batches(self) -> list[Batch]:
        blobs = self.stores["state"]._blobs
        return [Batch.model_validate_json(blobs[name].data) for name in blobs if name.startswith("batches/closed/")]

    def outcomes(self) -> list[Outcome | None]:
        return [planned.outcome for batch in self.closed_batches() for planned in batch.documents]

    def dead_letters(self) -> list[str]:
        return sorted(name for name in self.stores["state"]._blobs if name.startswith("dead-letters/"))

    def queues_are_empty(self) -> bool:
        return all(queue.next_visible() is None for queue in self.queues.values())


@dataclass
class Wire:
    """Sits before the fake service: notes each request, and may answer in its place."""

    world: DisturbedWorld
    answer: Callable[[httpx.Request], httpx.Response | None] = lambda _: None
    requests: list[tuple[datetime, str, str]] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.world.service.answer = self._note

    def _note(self, request: httpx.Request) -> httpx.Response | None:
        self.requests.append((self.world.clock(), request.method, request.url.path))
        self.queries.append(request.url.query.decode())
        return self.answer(request)

    def gets(self) -> Iterable[tuple[datetime, str]]:
        return [(at, path.rsplit("/", 1)[-1]) for at, method, path in self.requests if method == "GET"]
