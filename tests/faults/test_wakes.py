"""Wakes thin out at the smallest linger that is allowed, and no document is left without one.

Sweep and reconcile are off. Others are at work while a collector is: the world delivers what is visible in the middle
of its calls.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.batches.collector import Turn
from shared.config import Settings
from shared.storage.ports import QueuedMessage
from tests.fakes import FakeQueue
from tests.faults.disturbed import DisturbedWorld
from tests.faults.test_mutants import trickle
from tests.faults.world import World

SMALLEST = next(each.ge for each in Settings.model_fields["pipeline_linger_seconds"].metadata if hasattr(each, "ge"))
DOCUMENTS = 300
# A collector's call takes so long when the host is busy.
MEANWHILE = timedelta(milliseconds=60)


@dataclass
class BusyWorld(DisturbedWorld):
    """15 of 100 messages come twice, and a collector is never alone."""

    runs: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)
    storage_calls: int = 0
    deepest: int = 0
    _depth: int = 0

    def __post_init__(self) -> None:
        self.changes = {"pipeline_linger_seconds": SMALLEST} | self.changes
        self.disturb = self._others_work
        super().__post_init__()

    def _others_work(self, name: str) -> None:
        self.storage_calls += not name.startswith("language")
        queue, _, call = name.partition("-queue.")
        if call == "send":
            self.sent[queue] += 1
        if self.invocation == "collect" and self._depth == 1:
            self._deliver_until(self.clock() + MEANWHILE)
            self.invocation = "collect"

    def _invoke(self, queue: FakeQueue, message: QueuedMessage) -> None:
        self.runs[queue.name.removesuffix("-queue")] += 1
        if self.runs["collect"] > 5 * DOCUMENTS:
            pytest.fail("a storm of wakes")
        self._depth += 1
        self.deepest = max(self.deepest, self._depth)
        try:
            super()._invoke(queue, message)
        finally:
            self._depth -= 1
        if message.dequeue_count == 1 and self.random.random() < 0.15:
            queue.send_raw(message.raw)

    def upload_over(self, seconds: float) -> None:
        for number in range(DOCUMENTS):
            document = self.upload(f"letter-{number:04}.txt", f"letter {number} about billing", event=False)
            delay = timedelta(seconds=seconds * number / DOCUMENTS)
            self.queues["events"].send_raw(document.model_dump_json(), delay=delay)


# For 300 documents that come over so many seconds, at most: wakes, two a second at this linger; runs of the collector,
# one for each wake and 15 of 100 twice; storage calls a document. The batches of a minute's trickle are small, so that
# each document costs more.
BOUNDS = {0.0: (8, 10, 6.5), 20.0: (42, 50, 6.5), 60.0: (122, 145, 9.5)}


@pytest.mark.parametrize("seconds", BOUNDS)
def test_wakes_thin_out_at_the_smallest_linger_although_messages_come_twice(seconds: float) -> None:
    world = BusyWorld(seed=3)
    world.upload_over(seconds)
    world.run(until_hours=0.1)
    wakes, runs, calls = BOUNDS[seconds]
    assert world.sent["collect"] <= wakes
    assert world.runs["collect"] <= runs
    assert world.storage_calls / DOCUMENTS <= calls
    assert world.deepest > 1, "no collector found another at work"
    assert world.violations() == []
    assert world.queues_are_empty()


@dataclass
class TurnsWorld(World):
    """Notes the calls after which a collector left its wake to another."""

    left_at: list[int] = field(default_factory=list)

    def start_process(self) -> None:
        super().start_process()
        world = self

        class NotingTurn(Turn):
            def begin(self, woken_at: datetime) -> bool:
                begun = super().begin(woken_at)
                if not begun:
                    world.left_at.append(world.calls)
                return begun

        object.__setattr__(self.services.collector, "turn", NotingTurn())


def run_trickle(**disturbance: Any) -> TurnsWorld:
    world = TurnsWorld(changes={"pipeline_linger_seconds": SMALLEST}, **disturbance)
    trickle(world)
    world.run()
    return world


@pytest.mark.parametrize("api_version", ["2023-04-01"], indirect=True)
def test_a_wake_left_to_a_collector_that_then_dies_strands_no_document() -> None:
    calls = run_trickle().calls
    paused = [(number, run_trickle(pause_at=number)) for number in range(1, calls + 1)]
    assert not any(world.violations() for _, world in paused)
    leaving = [(number, world.left_at[0]) for number, world in paused if world.left_at]
    assert len(leaving) >= 10
    tried = 0
    for number, left_at in leaving[::6]:
        # Until the collector at work has looked again and ended; a run that ends sooner has no such call.
        for crash, moment in itertools.product(range(left_at + 1, left_at + 25), ("before", "after")):
            world = run_trickle(pause_at=number, crash_at=(crash, moment))
            tried += world.crashes
            assert world.violations() == [], f"paused at {number}, died {moment} call {crash}"
    assert tried >= 100
