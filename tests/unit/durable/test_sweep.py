"""Open records past their due time get a new message."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.durable.record import STALL_GRACE, STEP_ALLOWANCE, Facts
from shared.durable.sweep import revive_stalled
from shared.messages import StepMessage
from tests.fakes import START, serial_fan_out
from tests.services_on_fakes import PipelineOnFakes


def revive(world: PipelineOnFakes) -> int:
    return revive_stalled(world.batches, serial_fan_out)


def lose_message(world: PipelineOnFakes, *, submitted: bool) -> str:
    """An open batch whose next message is gone; its id."""
    world.service.reads_before_done = 1_000_000 if submitted else 0
    world.upload("letter.txt", "about billing")
    while not world.open() or (submitted and not world.service.jobs):
        world.deliver_next()
    world.queues["batches"].clear()
    world.service.reads_before_done = 0
    return world.the_open_one().record.id


@pytest.mark.parametrize("submitted", [False, True], ids=["planned", "submitted"])
def test_a_batch_whose_message_was_lost_is_revived_and_finishes(world: PipelineOnFakes, submitted: bool) -> None:
    lose_message(world, submitted=submitted)
    world.clock.advance(STEP_ALLOWANCE + STALL_GRACE + timedelta(minutes=1))
    assert revive(world) == 1
    world.run()
    assert world.violations() == []
    assert world.open_batches() == 0
    assert world.extra_submissions() == 0


def test_a_batch_that_is_due_but_may_still_be_worked_on_is_left_alone(world: PipelineOnFakes) -> None:
    lose_message(world, submitted=False)
    world.clock.advance(STALL_GRACE)
    assert revive(world) == 0
    assert world.queues["batches"].length() == 0


def test_a_revived_batch_is_not_revived_again_at_once(world: PipelineOnFakes) -> None:
    lose_message(world, submitted=True)
    world.clock.advance(timedelta(hours=1))
    assert revive(world) == 1
    world.clock.advance(timedelta(minutes=5))
    assert revive(world) == 0


def test_a_revival_is_a_message_and_a_line_of_the_batch_s_history(world: PipelineOnFakes) -> None:
    batch = lose_message(world, submitted=True)
    world.clock.advance(timedelta(hours=1))
    revive(world)
    assert world.queued_steps() == [StepMessage(id=batch)]
    assert "revived" in world.the_open_one().record.history[-1].what


def test_a_healthy_pipeline_costs_one_listing(world: PipelineOnFakes) -> None:
    lose_message(world, submitted=True)
    world.trace.clear()
    revive(world)
    assert world.trace == ["state.list"]


def test_a_batch_that_closes_meanwhile_is_not_revived(world: PipelineOnFakes) -> None:
    batch = lose_message(world, submitted=False)
    world.clock.advance(timedelta(hours=1))

    def close(name: str) -> None:
        if name == "state.read":
            world.state.blobs.pop(f"batches/open/{batch}.json", None)

    world.disturb = close
    assert revive(world) == 0
    assert world.queues["batches"].length() == 0


def test_a_batch_that_moves_meanwhile_ends_the_sweep_quietly(world: PipelineOnFakes) -> None:
    batch = lose_message(world, submitted=False)
    world.clock.advance(timedelta(hours=1))

    def move(name: str) -> None:
        if name == "state.replace":
            world.disturb = None
            moved = world.the_open_one().record.evolve(world.clock(), "moved")
            name = f"batches/open/{batch}.json"
            world.state.write_unhooked(name, moved.to_json(), moved.facts().to_metadata())

    world.disturb = move
    assert revive(world) == 1
    world.run()
    assert world.violations() == []


def test_a_record_whose_metadata_are_lost_counts_as_stalled(world: PipelineOnFakes) -> None:
    batch = lose_message(world, submitted=False)
    world.state.write_unhooked(f"batches/open/{batch}.json", world.the_open_one().record.to_json())
    assert revive(world) == 1
    assert world.queued_steps() == [StepMessage(id=batch)]


@pytest.mark.parametrize(("past", "stalled"), [(timedelta(0), False), (timedelta(microseconds=1), True)])
def test_a_record_is_stalled_from_a_quarter_of_an_hour_past_its_due_time(past: timedelta, stalled: bool) -> None:
    assert Facts(created=START, due=START).is_stalled(START + STALL_GRACE + past) is stalled
