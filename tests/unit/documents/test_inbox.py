"""Accepting documents, and the one wake a burst of them sends."""

from __future__ import annotations

import math
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.documents.inbox import WakeDebounce
from tests.fakes import START
from tests.services_on_fakes import PipelineOnFakes


def test_no_wake_is_pending_at_first() -> None:
    assert not WakeDebounce().is_pending(START, linger=timedelta(seconds=2))


@pytest.mark.parametrize(
    ("linger", "seconds_ahead", "pending"),
    [
        (2, 2.0, True),
        (2, 1.0, True),
        (2, 0.999, False),
        (2, 0.0, False),
        (2, -5.0, False),
        (60, 0.999, False),
        (1, 1.0, True),
        (1, 0.5, True),
        (1, 0.499, False),
    ],
)
def test_a_wake_is_pending_while_it_becomes_visible_a_second_from_now_or_half_the_linger(
    linger: int, seconds_ahead: float, pending: bool
) -> None:
    debounce = WakeDebounce()
    debounce.sent(START + timedelta(seconds=seconds_ahead))
    assert debounce.is_pending(START, linger=timedelta(seconds=linger)) is pending


def test_of_documents_accepted_at_once_one_sends_the_wake(world: PipelineOnFakes) -> None:
    """The others wait for it: a wake that was not sent after all must not be taken for pending."""
    collect, all_there = world.queues["collect"], threading.Barrier(8)
    inbox = world.services.inbox

    def accept(_: int) -> None:
        all_there.wait(10)
        inbox.wake()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(accept, range(8)))
    assert collect.length() == 1


def test_a_wake_that_could_not_be_sent_is_not_pending(world: PipelineOnFakes) -> None:
    def refuse(name: str) -> None:
        if name == "collect-queue.send":
            raise OSError("storage does not answer")

    world.disturb = refuse
    with pytest.raises(OSError, match="does not answer"):
        world.services.inbox.wake()
    world.disturb = None
    world.services.inbox.wake()
    assert world.queues["collect"].length() == 1


def test_a_burst_of_documents_sends_one_wake(world: PipelineOnFakes) -> None:
    for number in range(20):
        world.services.inbox.accept("documents", world.upload(f"{number}.txt", "text", event=False))
    assert world.queues["collect"].length() == 1
    assert world.queues["documents"].length() == 20


def test_every_document_is_queued_before_its_wake(world: PipelineOnFakes) -> None:
    world.services.inbox.accept("documents", world.upload("a.txt", "text", event=False))
    assert world.trace == ["documents-queue.send", "collect-queue.send"]


def test_a_wake_becomes_visible_after_the_linger(world: PipelineOnFakes) -> None:
    world.services.inbox.wake()
    visible = world.queues["collect"].next_visible()
    assert visible is not None
    # A message's delay has whole seconds, and the collector must not come early.
    assert visible - world.clock() == timedelta(seconds=math.ceil(world.settings.pipeline_linger_seconds))


@pytest.mark.parametrize(("seconds_short", "revived"), [(1, False), (0, True)])
def test_a_collector_is_woken_once_a_document_has_waited_longer_than_any_wake_takes(
    seconds_short: int, revived: bool
) -> None:
    world = PipelineOnFakes(changes={"pipeline_linger_seconds": 4})
    world.queue_document(world.upload("a.txt", "text", event=False))
    (waiting,) = world.queues["documents"].peek(1)
    due = waiting.inserted_on + timedelta(seconds=64 - seconds_short)
    inbox = replace(world.services.inbox, clock=lambda: due)
    world.clock.now = due
    assert inbox.revive_collector() is revived
    assert world.queues["collect"].length() == int(revived)
