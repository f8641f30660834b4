"""A document sent again is classified by a job of its own, whose outcome replaces the one before."""

from __future__ import annotations

from datetime import timedelta

import httpx

from shared.documents.ref import FailureCode
from shared.pipeline.status import classify_again
from shared.pipeline.sweep import sweep_documents
from tests.faults.disturbed import DisturbedWorld, Wire


def test_a_redrive_is_another_job_and_its_failure_replaces_the_old_one(world: DisturbedWorld) -> None:
    world.upload("a.txt", "about billing")
    refuse = Wire(world, lambda request: httpx.Response(400, json={}) if request.method == "POST" else None)
    world.run()
    first = world.failure("a.txt")
    assert first is not None
    assert first.code is FailureCode.REFUSED
    del refuse
    world.service.answer = lambda request: httpx.Response(404, json={}) if request.method == "GET" else None
    classify_again(world.pipeline, "a.txt")
    world.run()
    second = world.failure("a.txt")
    assert second is not None
    assert second.code is FailureCode.JOB_EXPIRED
    assert second.job != first.job


def test_a_document_whose_wake_was_lost_is_collected_after_a_sweep(world: DisturbedWorld) -> None:
    world.upload("a.txt", "about billing")
    while world.queues["events"].next_visible():
        world._deliver(world.queues["events"])
    for wake in world.queues["collect"].receive_unhooked(1, timedelta(0)):
        world.queues["collect"].delete_unhooked(wake)
    world.clock.advance(timedelta(seconds=30))
    assert not sweep_documents(world.pipeline), "a wake may still be on its way"
    world.clock.advance(timedelta(minutes=2))
    assert sweep_documents(world.pipeline)
    world.run()
    assert world.violations() == []
