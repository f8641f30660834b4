"""The parts of the sweep do not hang on each other."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.errors import StorageUnavailableError
from shared.models.active_model import ACTIVE_MODEL
from shared.sweep import run_each
from tests.services_on_fakes import PipelineOnFakes


def test_a_part_that_fails_leaves_the_others_alone_and_is_raised_at_the_end(caplog: pytest.LogCaptureFixture) -> None:
    done: list[str] = []

    def fail(name: str) -> Callable[[], None]:
        def part() -> None:
            raise ZeroDivisionError(name)

        return part

    parts = {"first": fail("one"), "second": lambda: done.append("second"), "third": fail("three")}
    with pytest.raises(ZeroDivisionError, match="one"):
        run_each(parts | {"fourth": lambda: done.append("fourth")})
    assert done == ["second", "fourth"]
    assert "timer_part_failed part=first" in caplog.text
    assert "timer_part_failed part=third" in caplog.text


def test_parts_that_work_raise_nothing() -> None:
    done: list[str] = []
    run_each({"only": lambda: done.append("only")})
    assert done == ["only"]


def stalled_batch(world: PipelineOnFakes) -> None:
    world.model.model = None
    world.upload("letter.txt", "about billing")
    world.deliver_until(world.clock() + timedelta(minutes=1))
    for queue in world.queues.values():
        queue.clear()
    world.clock.advance(timedelta(hours=1))


@pytest.mark.parametrize("call", ["documents-queue.peek", "documents-queue.length"])
def test_what_one_part_cannot_ask_keeps_no_other_from_its_work(
    world: PipelineOnFakes, call: str, caplog: pytest.LogCaptureFixture
) -> None:
    stalled_batch(world)

    def disturb(name: str) -> None:
        if name == call:
            raise StorageUnavailableError("403")

    world.disturb = disturb
    with pytest.raises(StorageUnavailableError):
        world.services.sweep()
    assert len(world.queued_steps()) == 1
    assert "timer_part_failed" in caplog.text


def test_an_unreadable_model_does_not_keep_the_sweep_from_reviving_and_measuring(
    world: PipelineOnFakes, caplog: pytest.LogCaptureFixture
) -> None:
    stalled_batch(world)
    world.state.write_unhooked(ACTIVE_MODEL, b"{")
    with caplog.at_level(logging.INFO), pytest.raises(Exception, match=ACTIVE_MODEL.replace(".", r"\.")):
        world.services.sweep()
    assert len(world.queued_steps()) == 1
    assert "pipeline_metrics" in caplog.text
    assert "state_unreadable blob=models/active.json" in caplog.text
    assert "timer_part_failed part=expiry" in caplog.text


def test_one_batch_whose_revival_fails_leaves_the_others_alone(world: PipelineOnFakes) -> None:
    world.model.model = None
    world.upload("letter.txt", "about billing")
    world.deliver_until(world.clock() + timedelta(minutes=1))
    world.upload("note.txt", "about shipping")
    world.deliver_until(world.clock() + timedelta(minutes=1))
    assert world.open_batches() == 2
    world.queues["batches"].clear()
    world.clock.advance(timedelta(hours=1))
    failed: list[str] = []

    def disturb(name: str) -> None:
        if name == "batches-queue.send" and not failed:
            failed.append(name)
            raise ZeroDivisionError

    world.disturb = disturb
    with pytest.raises(ZeroDivisionError):
        world.services.sweep()
    assert len(world.queued_steps()) == 1
