"""A document sent again is classified by a batch of its own, whose outcome replaces the one before."""

from __future__ import annotations

from datetime import timedelta

import httpx

from shared.documents.ref import FailureCode
from tests.faults.disturbed import Wire
from tests.services_on_fakes import PipelineOnFakes


def test_a_redrive_is_another_batch_and_its_failure_replaces_the_old_one(world: PipelineOnFakes) -> None:
    world.upload("a.txt", "about billing")
    refuse = Wire(world, lambda request: httpx.Response(400, json={}) if b"billing" in request.content else None)
    world.run()
    first = world.failure("a.txt")
    assert first is not None
    assert first.code is FailureCode.REFUSED
    del refuse
    world.service.answer = lambda request: httpx.Response(404, json={}) if request.method == "GET" else None
    world.services.inbox.classify_again("a.txt")
    world.run()
    second = world.failure("a.txt")
    assert second is not None
    assert second.code is FailureCode.JOB_EXPIRED
    assert second.batch != first.batch


def test_a_document_whose_wake_was_lost_is_collected_after_a_sweep(world: PipelineOnFakes) -> None:
    world.upload("a.txt", "about billing")
    world.deliver_events()
    world.queues["collect"].clear()
    world.clock.advance(timedelta(seconds=30))
    assert not world.services.inbox.revive_collector(), "a wake may still be on its way"
    world.clock.advance(timedelta(minutes=2))
    assert world.services.inbox.revive_collector()
    world.run()
    assert world.violations() == []
