"""A version's first delivery is submitted without looking for its classification; whatever may be a repeat is not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.batches.batch import LATE, BatchDocument, plan_batch
from shared.batches.collector import REMEMBERED, Recent
from shared.documents.messages import Source
from shared.documents.ref import DocumentRef
from shared.messages import StepMessage
from tests.services_on_fakes import PipelineOnFakes


def uploaded(world: PipelineOnFakes) -> DocumentRef:
    return world.upload("letter.txt", "a letter about billing", event=False)


def once(world: PipelineOnFakes) -> None:
    world.queue_document(uploaded(world))


def twice_at_once(world: PipelineOnFakes) -> None:
    document = uploaded(world)
    world.queue_document(document)
    world.queue_document(document)


def received_before(world: PipelineOnFakes) -> None:
    world.queue_document(uploaded(world))
    world.queues["documents"].receive_unhooked(1, timedelta(0))


def by_reconcile(world: PipelineOnFakes) -> None:
    world.queue_document(uploaded(world), Source.RECONCILE)


def redriven(world: PipelineOnFakes) -> None:
    world.queue_document(uploaded(world), Source.FAILED)


def long_after_its_upload(world: PipelineOnFakes) -> None:
    document = uploaded(world)
    world.clock.advance(LATE)
    world.queue_document(document)


def just_not_late(world: PipelineOnFakes) -> None:
    document = uploaded(world)
    world.clock.advance(LATE - timedelta(seconds=1))
    world.queue_document(document)


DELIVERIES: dict[Callable[[PipelineOnFakes], None], bool] = {
    once: True,
    just_not_late: True,
    twice_at_once: False,
    received_before: False,
    by_reconcile: False,
    redriven: False,
    long_after_its_upload: False,
}


def submitted(world: PipelineOnFakes) -> list[str]:
    """The calls of the submission of what lies in the documents queue."""
    world.services.collector.collect(world.clock() + timedelta(seconds=2))
    world.trace.clear()
    world.deliver_next()
    assert "language.submit" in world.trace
    return world.trace


@pytest.mark.parametrize("deliver", DELIVERIES)
def test_a_classification_is_looked_for_where_the_version_may_have_come_before(
    world: PipelineOnFakes, deliver: Callable[[PipelineOnFakes], None]
) -> None:
    deliver(world)
    assert ("classifications.find" not in submitted(world)) is DELIVERIES[deliver]


def test_a_version_that_this_process_has_collected_is_looked_up(world: PipelineOnFakes) -> None:
    document = uploaded(world)
    world.queue_document(document)
    world.services.collector.collect(world.clock() + timedelta(seconds=2))
    world.run()
    world.queue_document(document)
    world.services.collector.collect(world.clock() + timedelta(seconds=2))
    world.run()
    assert world.extra_submissions() == 0
    assert world.violations() == []


def test_what_another_process_has_collected_is_classified_twice_and_has_one_record(world: PipelineOnFakes) -> None:
    document = uploaded(world)
    world.queue_document(document)
    world.services.collector.collect(world.clock() + timedelta(seconds=2))
    world.run()
    world.start_process()
    world.queue_document(document)
    world.services.collector.collect(world.clock() + timedelta(seconds=2))
    world.run()
    assert world.extra_submissions() == 1
    assert world.violations() == []


def test_a_document_that_is_submitted_again_is_looked_up(world: PipelineOnFakes) -> None:
    planned = BatchDocument(document=uploaded(world), is_first=True, attempt=1)
    batch = plan_batch([planned], world.clock())
    world.batches.start(batch)
    world.trace.clear()
    world.batch_steps.advance(StepMessage(id=batch.id))
    assert "classifications.find" in world.trace


def test_a_batch_that_waited_for_long_is_looked_up(world: PipelineOnFakes) -> None:
    """For a model, or because its process died: its documents may have been classified in another way meanwhile."""
    once(world)
    world.services.collector.collect(world.clock() + timedelta(seconds=2))
    world.clock.advance(LATE)
    world.trace.clear()
    world.deliver_next()
    assert "classifications.find" in world.trace


def test_a_batch_of_an_earlier_release_is_looked_up(world: PipelineOnFakes) -> None:
    stored = BatchDocument(document=uploaded(world)).model_dump(mode="json")
    del stored["is_first"]
    assert not BatchDocument.model_validate(stored).is_first


def test_the_memory_of_versions_has_an_end() -> None:
    recent = Recent()
    assert not recent.has_seen(("first.txt", "1"))
    assert recent.has_seen(("first.txt", "1"))
    for number in range(REMEMBERED):
        assert not recent.has_seen((f"{number}.txt", "1"))
    assert not recent.has_seen(("first.txt", "1"))
