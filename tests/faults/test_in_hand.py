"""Who sends a wake looks itself, and takes the steps of the batch it plans: every message of theirs is only a net.

Sweep and reconcile are off. Crashes, pauses and other instances come between any two calls, and nothing may be lost,
repeated more than once, or left to a net while nobody died.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from shared.batches import collector, intake
from shared.batches.batch import Batch
from shared.batches.collector import Collector
from shared.batches.intake import Intake
from shared.durable.steps import InHand
from shared.storage.ports import QueuedMessage
from tests.fakes import START, FakeQueue, app_settings
from tests.faults.test_crash_points import WORST_DELAY
from tests.faults.test_mutants import trickle
from tests.faults.world import Process, Reorder, World

T = TypeVar("T")
Load = Callable[[World], None]

# The protocol is the same under every API version; test_crash_points.py runs under each.
pytestmark = pytest.mark.parametrize("api_version", ["2023-04-01"], indirect=True)

# A net is out for minutes; work in hand takes seconds.
IN_TIME = timedelta(seconds=30)


@dataclass
class InHandWorld(World):
    """Counts deliveries by queue. The service is ready at the first look."""

    in_hand: bool = True
    deliveries: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.service.reads_before_done = 0

    def _invoke(self, queue: FakeQueue, message: QueuedMessage) -> None:
        self.deliveries[queue.name.removesuffix("-queue")] += 1
        super()._invoke(queue, message)


def lone(world: World) -> None:
    world.upload("letter.txt", "a letter about billing")


def few(world: World) -> None:
    for number in range(3):
        world.upload(f"letter-{number}.txt", f"letter {number} about billing")


def one_by_one(world: World) -> None:
    """Each while an earlier one is waited for, collected or in hand."""
    trickle(world, 6)


LOADS: dict[str, Load] = {"lone": lone, "few": few, "one by one": one_by_one}


def test_a_lone_document_passes_one_invocation_and_leaves_nothing_behind() -> None:
    world = InHandWorld()
    lone(world)
    world.run()
    assert world.violations() == []
    assert world.deliveries == {"events": 1}
    assert all(queue.texts() == [] for queue in world.queues.values())
    waits = world.settings.linger + timedelta(seconds=world.settings.pipeline_poll_seconds[0])
    assert waits <= world.clock() - START <= waits + timedelta(seconds=1)


def test_what_must_wait_for_long_goes_back_to_the_queue_as_the_same_message() -> None:
    world = InHandWorld()
    world.service.reads_before_done = 4
    lone(world)
    world.run()
    assert world.violations() == []
    assert world.deliveries["collect"] == 0
    # Three looks in hand; then each look is a delivery, the first one of the message that was sent when it was planned.
    assert world.deliveries["batches"] == 2
    assert world.open_batches() == 0


@pytest.mark.parametrize("instances", [1, 2])
@pytest.mark.parametrize("load", LOADS)
def test_no_crash_loses_a_document_in_hand_and_each_repeats_one_batch_at_most(load: str, instances: int) -> None:
    undisturbed = InHandWorld(instances=instances)
    LOADS[load](undisturbed)
    undisturbed.run()
    assert undisturbed.violations() == []
    assert undisturbed.extra_submissions() == 0
    for number in range(1, undisturbed.calls + 1):
        for moment in ("before", "after"):
            world = InHandWorld(instances=instances, crash_at=(number, moment))
            LOADS[load](world)
            world.run()
            assert world.violations() == [], f"crash {number} {moment}"
            assert world.crashes == 1, f"crash {number} {moment} was not reached"
            assert world.open_batches() == 0, f"crash {number} {moment}"
            assert world.extra_submissions() <= 3, f"crash {number} {moment}"
            late = world.clock() - undisturbed.clock()
            assert late <= WORST_DELAY + timedelta(minutes=1), f"crash {number} {moment}"


def stranded_runs(instances: int = 1) -> list[int]:
    """The calls at which a pause, in which others are at work, loses a document or leaves it to a net."""
    undisturbed = InHandWorld(instances=instances)
    one_by_one(undisturbed)
    undisturbed.run()
    found = []
    for number in range(1, undisturbed.calls + 1):
        world = InHandWorld(instances=instances, pause_at=number)
        one_by_one(world)
        world.run()
        if world.violations() or world.clock() - undisturbed.clock() > IN_TIME:
            found.append(number)
    return found


@pytest.mark.parametrize("instances", [1, 2])
def test_others_at_work_between_any_two_calls_lose_nothing_and_leave_nothing_to_a_net(instances: int) -> None:
    assert stranded_runs(instances) == []


def spaced(world: World, seconds: float, count: int = 20) -> None:
    for number in range(count):
        document = world.upload(f"letter-{number:03}.txt", f"letter {number} about billing", event=False)
        world.queues["events"].send_raw(document.model_dump_json(), delay=timedelta(seconds=number * seconds))


def late_by(seconds: float, **options: object) -> timedelta:
    """How long after its last event a run of documents `seconds` apart ends; for ever where one gets no record."""
    world = InHandWorld(**options)  # type: ignore[arg-type]
    spaced(world, seconds)
    world.run()
    if world.violations():
        return timedelta.max
    return world.clock() - START - timedelta(seconds=19 * seconds)


SPACINGS = (0.05, 0.3, 0.98, 1.0, 1.02, 1.3, 1.98, 1.99, 2.0, 2.01, 2.02, 2.04, 3.99, 4.03, 7.0)


@pytest.mark.parametrize("instances", [1, 2])
def test_no_document_waits_for_a_net_while_nobody_dies(instances: int) -> None:
    assert max(late_by(seconds, instances=instances) for seconds in SPACINGS) <= IN_TIME


def test_a_debounce_that_does_not_notice_that_the_look_has_begun_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wake counts as pending although the collector is past its last look."""
    monkeypatch.setattr(Intake, "_wait_for_turn", lambda self: self.wait(self.inbox.linger))
    begins = Collector.collect

    def look_begins_at_the_end(self: Collector, woken_at: datetime, *, in_hand: bool = False) -> InHand[Batch] | None:
        try:
            return begins(self, woken_at, in_hand=in_hand)
        finally:
            self.inbox.debounce.look_begins()

    monkeypatch.setattr(Collector, "collect", look_begins_at_the_end)
    assert stranded_runs() != []


@dataclass
class TwiceWorld(InHandWorld):
    """Each message that is delivered comes twice."""

    def _invoke(self, queue: FakeQueue, message: QueuedMessage) -> None:
        if message.dequeue_count == 1 and self.random.random() < 0.3:
            queue.send_raw(message.raw)
        super()._invoke(queue, message)


@pytest.mark.parametrize("seed", range(5))
def test_messages_that_come_twice_lose_nothing_and_are_no_storm(seed: int) -> None:
    world = TwiceWorld(seed=seed, instances=2)
    world.service.reads_before_done = 3
    spaced(world, 1.1)
    world.run()
    assert world.violations() == []
    assert world.open_batches() == 0
    assert sum(world.deliveries.values()) <= 150


def test_a_burst_is_left_to_the_queue() -> None:
    world = InHandWorld()
    for number in range(60):
        world.upload(f"letter-{number:03}.txt", f"letter {number} about billing")
    world.run()
    assert world.violations() == []
    assert world.deliveries["batches"] >= 2
    assert world.clock() - START <= IN_TIME


def test_a_message_that_another_received_is_left_to_it() -> None:
    """Should work in hand ever take longer than its message is hidden, the one that loses ends quietly."""
    hidden_briefly: dict[str, object] = {"pipeline_in_hand_seconds": 1}
    undisturbed = InHandWorld(changes=hidden_briefly)
    lone(undisturbed)
    undisturbed.run()
    for number in range(1, undisturbed.calls + 1):
        world = InHandWorld(pause_at=number, changes=hidden_briefly)
        world.service.reads_before_done = 2
        lone(world)
        world.run()
        assert world.violations() == [], f"pause {number}"
        assert world.open_batches() == 0, f"pause {number}"
        assert world.poison == []
        assert world.extra_submissions() <= 1, f"pause {number}"


@dataclass
class BuggyWorld(InHandWorld):
    """Three times, reading a text raises what it must not."""

    bugs: int = 3

    def call(self, name: str, effect: Callable[[], T]) -> T:
        if name == "documents.read" and self.bugs:
            self.bugs -= 1
            raise ZeroDivisionError
        return super().call(name, effect)


def test_an_error_of_ours_in_hand_does_not_bring_the_event_again() -> None:
    """The document is accepted; its batch's message meets the error again, and counts."""
    world = BuggyWorld()
    lone(world)
    world.run()
    assert world.violations() == []
    # One that submits and one that looks, after two that fail.
    assert world.deliveries == {"events": 1, "batches": 4}


# Mutants: changes of this protocol that the tests above must notice.


@dataclass
class ForgetfulWorld(InHandWorld):
    """An event whose invocation dies never comes again, so that the messages sent in it are the only nets."""

    def _end(self, queue: FakeQueue, message: QueuedMessage, process: Process, work: Callable[[], None]) -> None:
        if queue is self.queues["events"]:
            queue.delete_unhooked(message)
        super()._end(queue, message, process, work)


def lost_runs(make: Callable[..., InHandWorld] = InHandWorld, **options: object) -> int:
    """Runs with a crash that lose a document, leave a batch open, or leave none that tells of a document.

    Of three documents one carries the others, and the crash comes once all are accepted.
    """
    undisturbed = make(**options)
    few(undisturbed)
    undisturbed.run()
    lost = 0
    for number in range(5, undisturbed.calls + 1):
        for moment in ("before", "after"):
            world = make(crash_at=(number, moment), **options)
            few(world)
            world.run()
            lost += bool(world.violations()) or bool(world.open_batches()) or len(closed_documents(world)) < 3
    return lost


def closed_documents(world: World) -> set[str]:
    blobs = world.stores["state"].blobs
    batches = [Batch.model_validate_json(blobs[name].data) for name in blobs if name.startswith("batches/closed/")]
    return {each.document.name for batch in batches for each in batch.documents}


SEND_BATCH, DELETE_BATCH = "batches-queue.send", "batches-queue.delete"
DELETE_DOCUMENT, DELETE_WAKE = "documents-queue.delete", "collect-queue.delete"
CLOSING = frozenset({"failures.list", "failures.find", "state.put", "state.delete"})
MUTANTS = {
    "H1 the documents' messages go before the batch's message": Reorder(
        "accept", SEND_BATCH, frozenset({DELETE_DOCUMENT})
    ),
    "H2 the batch is created after its message and the rest": Reorder(
        "accept", "state.create", frozenset({SEND_BATCH, DELETE_DOCUMENT, DELETE_WAKE})
    ),
    "H3 the batch's message is deleted before the records": Reorder(
        "accept", "classifications.create", CLOSING | {DELETE_BATCH}
    ),
    "H4 the batch's message is deleted before the batch is closed": Reorder(
        "accept", "state.put", frozenset({"state.delete", DELETE_BATCH})
    ),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_of_the_order_in_hand_is_caught(name: str) -> None:
    assert lost_runs(reorder=MUTANTS[name]) > 0


def test_a_wake_that_comes_back_before_its_documents_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Collector, "longest", property(lambda _: collector.MAX_DURATION))
    assert lost_runs(ForgetfulWorld) > 0


@pytest.mark.parametrize("make", [InHandWorld, ForgetfulWorld])
def test_the_nets_of_what_is_in_hand_hold_each_by_itself(make: type[InHandWorld]) -> None:
    """Under the load that catches the mutants; without the event too, which the host delivers again."""
    assert lost_runs(make) == 0


def test_work_in_hand_is_hidden_longer_than_a_function_may_run() -> None:
    text = json.loads((Path(__file__).parents[2] / "host.json").read_text(encoding="utf-8"))["functionTimeout"]
    hours, minutes, seconds = map(int, text.split(":"))
    timeout = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    assert timeout.total_seconds() < app_settings().pipeline_in_hand_seconds
    assert intake.BEGINS_UNTIL < timedelta(seconds=30) < timeout
