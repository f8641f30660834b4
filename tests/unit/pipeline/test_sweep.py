"""Open manifests untouched past their time get a new message."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.messages import JobMessage
from shared.pipeline.manifest import STALL_GRACE, STEP_ALLOWANCE
from shared.pipeline.manifests import find_manifest, list_open, manifest_id_of
from shared.pipeline.sweep import is_stalled, sweep_jobs
from shared.storage.ports import BlobInfo
from tests.fakes import START
from tests.faults.disturbed import DisturbedWorld


def lose_message(world: DisturbedWorld, *, submitted: bool) -> str:
    """An open job whose next message is gone; its id."""
    world.service.reads_before_done = 1_000_000 if submitted else 0
    world.upload("letter.txt", "about billing")
    while not list(list_open(world.pipeline)) or (submitted and not world.service.jobs):
        queue = world._next_queue()
        assert queue is not None
        visible = queue.next_visible()
        assert visible is not None
        world.clock.now = max(world.clock.now, visible)
        world._deliver(queue)
    world.queues["jobs"]._messages.clear()
    world.service.reads_before_done = 0
    return manifest_id_of(next(list_open(world.pipeline)))


@pytest.mark.parametrize("submitted", [False, True], ids=["planned", "submitted"])
def test_a_job_whose_message_was_lost_is_revived_and_finishes(world: DisturbedWorld, submitted: bool) -> None:
    lose_message(world, submitted=submitted)
    world.clock.advance(STEP_ALLOWANCE + STALL_GRACE + timedelta(minutes=1))
    assert sweep_jobs(world.pipeline) == 1
    world.run()
    assert world.violations() == []
    assert world.open_manifests() == 0
    assert world.extra_submissions() == 0


def test_a_job_that_is_due_but_may_still_be_worked_on_is_left_alone(world: DisturbedWorld) -> None:
    lose_message(world, submitted=False)
    world.clock.advance(STALL_GRACE)
    assert sweep_jobs(world.pipeline) == 0
    assert world.queues["jobs"].length() == 0


def test_a_revived_job_is_not_revived_again_at_once(world: DisturbedWorld) -> None:
    lose_message(world, submitted=True)
    world.clock.advance(timedelta(hours=1))
    assert sweep_jobs(world.pipeline) == 1
    world.clock.advance(timedelta(minutes=5))
    assert sweep_jobs(world.pipeline) == 0


def test_a_revival_is_a_message_and_a_line_of_the_job_s_history(world: DisturbedWorld) -> None:
    job = lose_message(world, submitted=True)
    world.clock.advance(timedelta(hours=1))
    sweep_jobs(world.pipeline)
    message = world.queues["jobs"].peek(1)[0]
    assert JobMessage.model_validate_json(message.text or "") == JobMessage(id=job)
    opened = find_manifest(world.pipeline, job)
    assert opened is not None
    assert "revived" in opened.manifest.events[-1].what


def test_a_healthy_pipeline_costs_one_listing(world: DisturbedWorld) -> None:
    lose_message(world, submitted=True)
    world.trace.clear()
    sweep_jobs(world.pipeline)
    assert world.trace == ["state.list"]


def test_a_job_that_closes_meanwhile_is_not_revived(world: DisturbedWorld) -> None:
    job = lose_message(world, submitted=False)
    world.clock.advance(timedelta(hours=1))

    def close(name: str) -> None:
        if name == "state.read":
            world.stores["state"]._delete(f"jobs/active/{job}.json", None)

    world.disturb = close
    assert sweep_jobs(world.pipeline) == 0
    assert world.queues["jobs"].length() == 0


def test_a_job_that_moves_meanwhile_ends_the_sweep_quietly(world: DisturbedWorld) -> None:
    job = lose_message(world, submitted=False)
    world.clock.advance(timedelta(hours=1))

    def move(name: str) -> None:
        if name == "state.replace":
            world.disturb = None
            opened = find_manifest(world.pipeline, job)
            assert opened is not None
            moved = opened.manifest.evolve(world.clock(), "moved").model_dump_json(by_alias=True).encode()
            world.stores["state"]._write(f"jobs/active/{job}.json", moved, opened.manifest.metadata(), must_be="*")

    world.disturb = move
    assert sweep_jobs(world.pipeline) == 1
    world.run()
    assert world.violations() == []


def test_a_manifest_whose_metadata_is_lost_counts_as_stalled() -> None:
    assert is_stalled(BlobInfo("jobs/active/x.json", '"1"', START, 5), START)
