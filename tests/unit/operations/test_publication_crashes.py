"""Publishing while the process dies, answers are lost and messages come twice: the service is asked once.

A swap is the delicate part: swapping twice undoes it. The 2021 preview's publications are disturbed in
tests/e2e/test_retrain.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest

from shared.operations.operation import Operation, OperationState
from shared.storage.ports import SentMessage
from tests.fakes import FakeQueue
from tests.unit.operations.operations_world import OperationsWorld

AT_ONCE, SLOWLY = timedelta(0), timedelta(seconds=40)
TAKES = {"at once": AT_ONCE, "slowly": SLOWLY}
LETTERS = 4


@dataclass
class Second:
    """`first` is in use and `second` is being published, with documents on their way; nothing is delivered yet."""

    world: OperationsWorld
    operation: Operation

    def faults(self) -> list[str]:
        """What is not as it must be in the end."""
        world, ended = self.world, self.world.find(self.operation)
        made = [change for change in world.authoring.changes if not change.startswith("analyze")]
        told = [f"{ended.state.value}: {ended.reason}"] if ended.state is not OperationState.SUCCEEDED else []
        told += [f"in use is {world.label_in_use()}"] if world.label_in_use() != "second" else []
        told += [f"deployed are {world.authoring.deployments}"] if world.authoring.deployments != SWAPPED else []
        told += [f"asked for were {made}"] if made != ASKED_FOR else []
        told += world.violations() + world.untruthful() + world.locks()
        return told + [f"{len(world.poison)} messages are poison"] * bool(world.poison)


SWAPPED = {"staging": "first", "production": "second"}
ASKED_FOR = ["deploy staging second", "swap staging production"]


def second(takes: timedelta = AT_ONCE, *, one_at_a_time: bool = True) -> Second:
    """`one_at_a_time`: the service answers 409 to a change while another is under way."""
    world = OperationsWorld(api_version="2023-04-01")
    world.publish("first")
    world.authoring.takes = takes
    world.authoring.one_at_a_time = one_at_a_time
    world.authoring.changes.clear()
    operation = world.start("second")
    for number in range(LETTERS):
        world.upload(f"letter-{number}.txt", f"letter {number} about billing")
    return Second(world, operation)


@pytest.mark.parametrize("takes", TAKES)
def test_a_crash_after_any_call_of_a_publication_leaves_one_model_in_use_and_in_production(takes: str) -> None:
    undisturbed = second(TAKES[takes])
    start = undisturbed.world.calls
    undisturbed.world.run()
    calls = undisturbed.world.calls - start
    assert undisturbed.faults() == []
    assert calls > 70
    found = {}
    for number in range(1, calls + 1):
        crashed = second(TAKES[takes])
        crashed.world.crash_at = (crashed.world.calls + number, "after")
        crashed.world.run()
        assert crashed.world.crashes == 1
        if told := crashed.faults():
            found[number] = told
    assert found == {}


POSTS = {"the deployment": "/deployments/staging", "the swap": ":swap"}


@pytest.mark.parametrize("takes", TAKES)
@pytest.mark.parametrize("post", POSTS)
def test_a_lost_answer_does_not_undo_what_was_asked_for(post: str, takes: str) -> None:
    lost = second(TAKES[takes])
    lost.world.authoring.lose = POSTS[post]
    lost.world.run()
    assert lost.world.authoring.lose == ""
    assert lost.faults() == []


def test_a_swap_whose_answer_was_lost_is_not_sent_again_while_it_may_be_under_way() -> None:
    lost = second(SLOWLY, one_at_a_time=False)
    lost.world.authoring.lose = ":swap"
    lost.world.run()
    assert lost.faults() == []


@pytest.mark.parametrize("takes", TAKES)
def test_a_lost_swap_is_seen_by_the_change_of_production_where_its_model_id_tells_no_label(takes: str) -> None:
    lost = second(TAKES[takes])
    lost.world.authoring.id_end = "-x"
    lost.world.authoring.lose = ":swap"
    lost.world.run()
    assert lost.faults() == []


def test_a_swap_that_never_reached_the_service_is_sent_again() -> None:
    lost = second()
    unsent = [True]

    def lose_before(request: httpx.Request) -> httpx.Response | None:
        if request.url.path.endswith(":swap") and unsent.pop():
            raise httpx.ReadError("reset", request=request)
        return None

    lost.world.run_until(lost.operation, "swap")
    lost.world.authoring.answer = lose_before
    while unsent:
        lost.world.deliver_next()
    lost.world.authoring.answer = lambda _: None
    lost.world.run()
    assert lost.faults() == []


def deliver_twice(world: OperationsWorld) -> None:
    queue: FakeQueue = world.queues["operations"]
    send = queue.send

    def send_twice(message: Any, *, delay: timedelta = timedelta(0)) -> SentMessage:
        sent = send(message, delay=delay)
        if queue.length() < 4:
            send(message, delay=delay)
        return sent

    queue.send = send_twice  # type: ignore[method-assign]


@pytest.mark.parametrize("takes", TAKES)
def test_messages_that_come_twice_swap_once(takes: str) -> None:
    doubled = second(TAKES[takes])
    deliver_twice(doubled.world)
    doubled.world.run()
    assert doubled.faults() == []


def test_messages_that_come_twice_do_not_hurry_the_swap() -> None:
    doubled = second()
    world = doubled.world
    deliver_twice(world)
    world.run_until(doubled.operation, "swap")
    held = world.clock()
    world.run_until(doubled.operation, "wait_swap", "switch")
    assert world.clock() - held >= timedelta(seconds=world.settings.language_read_seconds)


def test_a_swap_that_takes_longer_than_a_hold_misleads_no_record() -> None:
    slow = second(timedelta(minutes=20))
    world, number = slow.world, LETTERS
    while not world.find(slow.operation).is_ended:
        world.upload(f"letter-{number}.txt", f"letter {number} about billing")
        number += 1
        world.pass_time(timedelta(seconds=30))
    world.run()
    assert slow.faults() == []
