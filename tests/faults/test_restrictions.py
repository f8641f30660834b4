"""Storage, the service, the app's own state, each restricted for half an hour: everything waits, nothing is given up.

No document gets a failure record, and all are classified when the restriction has ended. Timers run as they would, and
what a handler of dead letters cannot do is left hidden for ten minutes and tried again, as the host does.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx
import pytest

from shared.errors import StorageUnavailableError
from shared.models.active_model import ACTIVE_MODEL, ActiveModelRecord
from shared.storage.ports import QueuedMessage
from tests.fakes import FakeQueue
from tests.faults.disturbed import DisturbedWorld, Wire
from tests.faults.world import HOST_LOCK, MODEL

RESTRICTED = timedelta(minutes=30)
TIMER = timedelta(minutes=5)
# Within this after the end of a restriction all must be classified: the slowest of our own delays, and a few steps.
RECOVERY = timedelta(hours=2)
LETTERS = 60


@dataclass
class RestrictedWorld(DisturbedWorld):
    """A world with its timers, the model in use as the app stores it, and dead letters that are handled again."""

    unhandled: list[tuple[datetime, FakeQueue, QueuedMessage]] = field(default_factory=list)
    failed_timers: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.poison_is_a_bug = False
        self.batch_steps = self.services.batch_steps
        # Jobs last longer than whoever submits them waits.
        self.service.reads_before_done = 6
        self.publish()

    def publish(self) -> None:
        record = ActiveModelRecord(model=MODEL, api_version=self.api_version, published=self.clock())
        self.services.active_model.switch(record)

    def _dead_letter(self, queue: FakeQueue, message: QueuedMessage) -> None:
        try:
            super()._dead_letter(queue, message)
        except Exception:
            self.unhandled.append((self.clock() + HOST_LOCK, queue, message))

    def live(self, duration: timedelta, *, until: Callable[[], bool] = lambda: False) -> None:
        """Messages are delivered and the timers fire, for that long or until it is so."""
        end = self.clock() + duration
        while self.clock() < end and not until():
            self._deliver_until(self.clock() + TIMER)
            due = [each for each in self.unhandled if each[0] <= self.clock()]
            self.unhandled = [each for each in self.unhandled if each[0] > self.clock()]
            for _, queue, message in due:
                self._dead_letter(queue, message)
            for timer in (self.services.sweep, self.services.reconcile):
                try:
                    timer()
                except Exception:
                    self.failed_timers += 1

    def is_settled(self) -> bool:
        return not self.violations() and self.open_batches() == 0 and self.queues_are_empty()


def refuse(*calls: str) -> Callable[[RestrictedWorld], Callable[[], None]]:
    """These calls of storage are refused; all those of a container or queue where only that is named."""

    def restrict(world: RestrictedWorld) -> Callable[[], None]:
        def disturb(name: str) -> None:
            if name in calls or name.partition(".")[0] in calls:
                raise StorageUnavailableError("403 AuthorizationPermissionMismatch")

        world.disturb = disturb
        return lambda: setattr(world, "disturb", None)

    return restrict


def answer(status: int, **headers: str) -> Callable[[RestrictedWorld], Callable[[], None]]:
    """The service answers every request like that."""

    def restrict(world: RestrictedWorld) -> Callable[[], None]:
        wire = Wire(world, lambda _: httpx.Response(status, headers=headers))

        def end() -> None:
            wire.answer = lambda _: None

        return end

    return restrict


def no_connection(world: RestrictedWorld) -> Callable[[], None]:
    def fail(_: httpx.Request) -> httpx.Response | None:
        raise httpx.ConnectError("no route to the service")

    wire = Wire(world, fail)

    def end() -> None:
        wire.answer = lambda _: None

    return end


def damage_model(data: bytes) -> Callable[[RestrictedWorld], Callable[[], None]]:
    """models/active.json holds something else, until a publication replaces it."""

    def restrict(world: RestrictedWorld) -> Callable[[], None]:
        world.stores["state"].write_unhooked(ACTIVE_MODEL, data)
        world.services.active_model.forget()
        return world.publish

    return restrict


def damage_batches(world: RestrictedWorld) -> Callable[[], None]:
    """Every open batch is cut, until somebody puts it back."""
    blobs = world.stores["state"].blobs
    cut = {name: blobs[name] for name in blobs if name.startswith("batches/open/")}
    assert cut, "no batch is open yet"
    for name, blob in cut.items():
        world.stores["state"].write_unhooked(name, blob.data[:40], blob.info.metadata)

    def end() -> None:
        for name, blob in cut.items():
            world.stores["state"].write_unhooked(name, blob.data, blob.info.metadata)

    return end


SCHEMA_2 = json.dumps({"schema": 2, "model": {"project": "p", "kind": "multi_label", "reference": "r", "label": "l"}})

BLOBS = ("documents", "classifications", "failures", "state")
QUEUES = ("documents-queue", "collect-queue", "batches-queue")

STORAGE = {
    "reading documents": refuse("documents.read"),
    "all blobs": refuse(*BLOBS),
    "writing classifications": refuse("classifications.create", "classifications.replace"),
    "writing our own records": refuse("state.create", "state.replace", "state.put"),
}
QUEUES_TOO = {
    "all queues": refuse(*QUEUES),
    "sending to queues": refuse(*(f"{queue}.send" for queue in QUEUES)),
    "blobs and queues": refuse(*BLOBS, *QUEUES),
}
SERVICE = {
    "401": answer(401),
    "403 for days": answer(403, **{"Retry-After": str(15 * 24 * 3600)}),
    "429": answer(429, **{"Retry-After": "120"}),
    "503": answer(503),
    "a redirect": answer(302, Location="https://elsewhere.invalid"),
    "no connection": no_connection,
}
STATE = {
    "a model in use that is cut": damage_model(b"{"),
    "a model in use of a newer release": damage_model(SCHEMA_2.encode()),
    "an empty model in use": damage_model(b""),
    "open batches that are cut": damage_batches,
}
RESTRICTIONS = STORAGE | QUEUES_TOO | SERVICE | STATE


def restricted_world(name: str) -> RestrictedWorld:
    """Letters that are on their way when the restriction begins, and as many that come while it lasts."""
    world = RestrictedWorld()
    world.upload_letters(LETTERS)
    world._deliver_until(world.clock() + timedelta(seconds=11))
    assert world.open_batches() > 0
    end = RESTRICTIONS[name](world)
    later = [f"later-{number:04}.txt" for number in range(LETTERS)]
    for each in later:
        world.upload(each, f"{each} about billing")
    world.live(RESTRICTED)
    end()
    return world


def assert_nothing_given_up(world: RestrictedWorld, *, documents: int) -> None:
    assert world.failure_codes() == []
    assert world.violations() == []
    assert world.open_batches() == 0
    assert len(world.classified()) == documents
    assert world.unhandled == []


@pytest.mark.parametrize("name", RESTRICTIONS)
def test_half_an_hour_of_a_restriction_gives_no_document_up(name: str) -> None:
    world = restricted_world(name)
    assert world.failure_codes() == []
    world.live(RECOVERY, until=world.is_settled)
    assert_nothing_given_up(world, documents=2 * LETTERS)
    # Not once for every attempt to save what was submitted.
    assert max(world.service.submissions.values()) <= 2
    if name not in QUEUES_TOO:
        # As long as queues work a step is deferred: the dequeue count is left to crashes and bugs.
        assert world.max_dequeue == 1
        assert world.dead_letters() == []


def test_storage_the_service_and_our_own_state_one_after_the_other() -> None:
    world = RestrictedWorld()
    documents = 0
    for name in ("all blobs", "blobs and queues", "403 for days", "503", "a model in use that is cut"):
        for number in range(LETTERS):
            world.upload(f"{name}/{number:03}.txt", f"letter {number} about billing")
        documents += LETTERS
        world._deliver_until(world.clock() + timedelta(seconds=11))
        end = RESTRICTIONS[name](world)
        world.live(RESTRICTED)
        end()
        assert world.failure_codes() == []
        world.live(RECOVERY, until=world.is_settled)
        assert_nothing_given_up(world, documents=documents)
