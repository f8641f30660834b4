"""Retraining step by step on real Azurite and the emulator: crashes, repetitions and outages repeat no work."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from azurite_process.azurite import Azurite
from shared.durable.sweep import revive_stalled
from shared.operations.operation import OperationState, Step
from tests.e2e.disturbances import CrashAfter
from tests.e2e.operations_world import OperationsWorld, running_world
from tests.unit.operations.operations_world import API_VERSIONS

pytestmark = pytest.mark.e2e


@pytest.mark.long  # in process, tests/unit/operations and tests/faults crash at every call
@pytest.mark.parametrize("api_version", API_VERSIONS)
def test_a_crash_after_any_write_of_a_retrain_repeats_no_training_and_no_publication(
    azurite: Azurite, api_version: str
) -> None:
    with running_world(azurite, api_version, in_memory=True) as world:
        crash_after_every_write(world)


def crash_after_every_write(world: OperationsWorld) -> None:
    operation = world.retrain(model="next")
    world.hook = undisturbed = CrashAfter(None)
    world.assert_done_once(world.run(operation))
    assert len(undisturbed.writes) >= 24
    for number, name in enumerate(undisturbed.writes):
        world.hook = None
        world.reset()
        operation = world.retrain(model=f"next{number}")
        world.hook = CrashAfter(number)
        try:
            world.assert_done_once(world.run(operation))
        except AssertionError as error:
            raise AssertionError(f"a crash after write {number}, {name}: {error}") from error


def test_a_crash_after_any_write_of_a_publication_swaps_the_deployments_once(azurite: Azurite) -> None:
    with running_world(azurite, "2023-04-01", in_memory=True) as world:
        for label in ("one", "other"):
            world.run(world.retrain(model=label, force=True))
        assert world.deployments() == {"staging": "one", "production": "other"}
        operation = world.publish("one")
        world.hook = undisturbed = CrashAfter(None)
        world.run(operation)
        assert len(undisturbed.writes) >= 20
        for number, name in enumerate(undisturbed.writes):
            label, swaps = ("one", "other")[number % 2 == 0], len(world.jobs("swap"))
            world.hook = None
            operation = world.publish(label)
            world.hook = CrashAfter(number)
            ended = world.run(operation)
            after = f"a crash after write {number}, {name}"
            assert (ended.state, world.active_label()) == (OperationState.SUCCEEDED, label), after
            assert world.deployments()["production"] == label, after
            assert len(world.jobs("swap")) == swaps + 1, after


def test_a_lost_answer_to_a_swap_does_not_swap_back(azurite: Azurite) -> None:
    with running_world(azurite, "2023-04-01") as world:
        world.run(world.retrain(model="one"))
        world.inject("swap_deployments", {"kind": "drop", "when": "after"})
        ended = world.run(world.retrain(model="other", force=True))
        assert (ended.state, world.active_label()) == (OperationState.SUCCEEDED, "other")
        assert world.deployments() == {"staging": "one", "production": "other"}
        assert len(world.jobs("swap")) == 1


def test_a_lost_answer_repeats_no_training_and_no_publication(world: OperationsWorld) -> None:
    for operation in ("train", world.publication):
        world.inject(operation, {"kind": "drop", "when": "after"})
    world.assert_done_once(world.run(world.retrain(model="next")))


def test_a_message_delivered_twice_repeats_no_training_and_no_publication(world: OperationsWorld) -> None:
    operation = world.retrain(model="next")
    queue = world.queue.inner

    def send_twice(name: str, effect: Callable[[], Any]) -> Any:
        if name == "queue.send" and queue.length() < 4:
            effect()
        return effect()

    world.hook = send_twice
    world.assert_done_once(world.run(operation))


def revive(world: OperationsWorld) -> int:
    return revive_stalled(world.services.operations.steps, world.adapters.fan_out)


def test_an_operation_whose_message_was_lost_is_revived_by_the_sweep(world: OperationsWorld) -> None:
    operation = world.retrain(model="next")
    queue = world.queue.inner
    queue.delete(queue.receive(1, visibility=timedelta(hours=1))[0])
    assert revive(world) == 0
    world.pass_time(timedelta(minutes=26))
    assert revive(world) == 1
    world.assert_done_once(world.run(operation))


# A service that is not there


OUTAGES: dict[str, dict[str, Any]] = {
    "it answers 503": {"kind": "status", "status": 503},
    "it answers 429": {"kind": "status", "status": 429, "retryAfter": "90"},
    "it answers 401": {"kind": "status", "status": 401},
    "it drops connections": {"kind": "drop", "when": "before"},
}


@pytest.mark.parametrize("outage", OUTAGES)
def test_an_outage_is_waited_out_and_the_work_is_done_once(world: OperationsWorld, outage: str) -> None:
    operation = world.retrain(model="next")
    for step in (Step.TRAIN, Step.WAIT_TRAINING, Step.WAIT_PUBLISHING):
        world.run(operation, until=step)
        world.inject("*", OUTAGES[outage], count=None)
        world.queue.delays.clear()
        for _ in range(5):
            assert world.deliver()
        during = world.find(operation)
        assert (during.state, during.step, world.active_label()) == (OperationState.RUNNING, step, "inuse")
        # By the schedule, or as told when that is longer; never hurried by hand.
        told = 90 if outage == "it answers 429" else 0
        delays = [delay.total_seconds() for delay in world.queue.delays]
        assert all(delay >= max(told, least) for delay, least in zip(delays, (1, 2, 5, 60, 60), strict=True)), delays
        world.mend()
    world.assert_done_once(world.run(operation))


def test_a_service_that_is_switched_off_and_on_again_finds_the_operation_waiting(
    azurite: Azurite, tmp_path: Path
) -> None:
    with running_world(azurite, "2021-preview", data=tmp_path) as world:
        operation = world.retrain(model="next")
        world.run(operation, until=Step.WAIT_TRAINING)
        with world.emulator_stopped():
            for _ in range(3):
                assert world.deliver()
            assert (world.find(operation).state, world.active_label()) == (OperationState.RUNNING, "inuse")
        world.assert_done_once(world.run(operation))


def test_a_conflict_with_other_work_of_the_service_is_waited_out(world: OperationsWorld) -> None:
    for what in ("train", world.publication):
        world.inject(what, {"kind": "status", "status": 409, "code": "Conflict"}, count=3)
    world.assert_done_once(world.run(world.retrain(model="next")))
