"""Retraining step by step on real Azurite and the emulator: crashes, repetitions and outages repeat no work."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from shared.training.maintenance import sweep_operations
from shared.training.operation import OperationState, Step

from azurite_process.azurite import Azurite
from tests.e2e.disturbances import CrashAfter
from tests.e2e.operations_bench import API_VERSIONS, Bench, running_bench

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("api_version", API_VERSIONS)
def test_a_crash_after_any_write_of_a_retrain_repeats_no_training_and_no_publication(
    azurite: Azurite, api_version: str
) -> None:
    with running_bench(azurite, api_version, in_memory=True) as bench:
        crash_after_every_write(bench)


def crash_after_every_write(bench: Bench) -> None:
    operation = bench.retrain(model="next")
    bench.hook = undisturbed = CrashAfter(None)
    bench.assert_done_once(bench.run(operation))
    assert len(undisturbed.writes) >= 24
    for number, name in enumerate(undisturbed.writes):
        bench.hook = None
        bench.reset()
        operation = bench.retrain(model=f"next{number}")
        bench.hook = CrashAfter(number)
        try:
            bench.assert_done_once(bench.run(operation))
        except AssertionError as error:
            raise AssertionError(f"a crash after write {number}, {name}: {error}") from error


def test_a_crash_after_any_write_of_a_publication_swaps_the_deployments_once(azurite: Azurite) -> None:
    with running_bench(azurite, "2023-04-01", in_memory=True) as bench:
        for label in ("one", "other"):
            bench.run(bench.retrain(model=label, force=True))
        assert bench.deployments() == {"staging": "one", "production": "other"}
        operation = bench.publish("one")
        bench.hook = undisturbed = CrashAfter(None)
        bench.run(operation)
        assert len(undisturbed.writes) >= 20
        for number, name in enumerate(undisturbed.writes):
            label, swaps = ("one", "other")[number % 2 == 0], len(bench.jobs("swap"))
            bench.hook = None
            operation = bench.publish(label)
            bench.hook = CrashAfter(number)
            ended = bench.run(operation)
            after = f"a crash after write {number}, {name}"
            assert (ended.state, bench.active_label()) == (OperationState.SUCCEEDED, label), after
            assert bench.deployments()["production"] == label, after
            assert len(bench.jobs("swap")) == swaps + 1, after


def test_a_lost_answer_to_a_swap_does_not_swap_back(azurite: Azurite) -> None:
    with running_bench(azurite, "2023-04-01") as bench:
        bench.run(bench.retrain(model="one"))
        bench.inject("swap_deployments", {"kind": "drop", "when": "after"})
        ended = bench.run(bench.retrain(model="other", force=True))
        assert (ended.state, bench.active_label()) == (OperationState.SUCCEEDED, "other")
        assert bench.deployments() == {"staging": "one", "production": "other"}
        assert len(bench.jobs("swap")) == 1


def test_a_lost_answer_repeats_no_training_and_no_publication(bench: Bench) -> None:
    for operation in ("train", bench.publication):
        bench.inject(operation, {"kind": "drop", "when": "after"})
    bench.assert_done_once(bench.run(bench.retrain(model="next")))


def test_a_message_delivered_twice_repeats_no_training_and_no_publication(bench: Bench) -> None:
    operation = bench.retrain(model="next")
    queue = bench.queue.inner

    def send_twice(name: str, effect: Callable[[], Any]) -> Any:
        if name == "queue.send" and queue.length() < 4:
            effect()
        return effect()

    bench.hook = send_twice
    bench.assert_done_once(bench.run(operation))


def test_an_operation_whose_message_was_lost_is_revived_by_the_sweep(bench: Bench) -> None:
    operation = bench.retrain(model="next")
    queue = bench.queue.inner
    queue.delete(queue.receive(1, visibility=timedelta(hours=1))[0])
    assert sweep_operations(bench.training) == 0
    bench.pass_time(timedelta(minutes=26))
    assert sweep_operations(bench.training) == 1
    bench.assert_done_once(bench.run(operation))


# A service that is not there


OUTAGES: dict[str, dict[str, Any]] = {
    "it answers 503": {"kind": "status", "status": 503},
    "it answers 429": {"kind": "status", "status": 429, "retryAfter": "90"},
    "it answers 401": {"kind": "status", "status": 401},
    "it drops connections": {"kind": "drop", "when": "before"},
}


@pytest.mark.parametrize("outage", OUTAGES)
def test_an_outage_is_waited_out_and_the_work_is_done_once(bench: Bench, outage: str) -> None:
    operation = bench.retrain(model="next")
    for step in (Step.TRAIN, Step.WAIT_TRAINING, Step.WAIT_PUBLISHING):
        bench.run(operation, until=step)
        bench.inject("*", OUTAGES[outage], count=None)
        bench.queue.delays.clear()
        for _ in range(5):
            assert bench.deliver()
        during = bench.find(operation)
        assert (during.state, during.step, bench.active_label()) == (OperationState.RUNNING, step, "inuse")
        # By the schedule, or as told when that is longer; never hurried by hand.
        told = 90 if outage == "it answers 429" else 0
        delays = [delay.total_seconds() for delay in bench.queue.delays]
        assert all(delay >= max(told, least) for delay, least in zip(delays, (1, 2, 5, 60, 60), strict=True)), delays
        bench.mend()
    bench.assert_done_once(bench.run(operation))


def test_a_service_that_is_switched_off_and_on_again_finds_the_operation_waiting(
    azurite: Azurite, tmp_path: Path
) -> None:
    with running_bench(azurite, "2021-preview", data=tmp_path) as bench:
        operation = bench.retrain(model="next")
        bench.run(operation, until=Step.WAIT_TRAINING)
        with bench.emulator_stopped():
            for _ in range(3):
                assert bench.deliver()
            assert (bench.find(operation).state, bench.active_label()) == (OperationState.RUNNING, "inuse")
        bench.assert_done_once(bench.run(operation))


def test_a_conflict_with_other_work_of_the_service_is_waited_out(bench: Bench) -> None:
    for what in ("train", bench.publication):
        bench.inject(what, {"kind": "status", "status": 409, "code": "Conflict"}, count=3)
    bench.assert_done_once(bench.run(bench.retrain(model="next")))
