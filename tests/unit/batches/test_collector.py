"""A wake drains the documents queue into batches, in the order that loses nothing."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from shared.batches.batch import Batch
from shared.batches.collector import MAX_ROUNDS, is_ripe
from shared.documents.messages import Source
from shared.documents.ref import DocumentRef
from shared.errors import StorageUnavailableError
from shared.storage.ports import QueuedMessage
from tests.fakes import START
from tests.services_on_fakes import PipelineOnFakes


def queue_letters(world: PipelineOnFakes, count: int, size: int = 5) -> list[DocumentRef]:
    documents = [
        DocumentRef(name=f"{number:04}.txt", etag=f'"{number}"', last_modified=START, size=size)
        for number in range(count)
    ]
    for document in documents:
        world.queue_document(document)
    world.trace.clear()
    return documents


def collect(world: PipelineOnFakes, *, seconds_after: float = 2) -> list[Batch]:
    world.services.collector.collect(world.clock() + timedelta(seconds=seconds_after))
    return [each.record for each in world.open()]


def test_the_batch_comes_before_its_message_and_the_documents_go_last(world: PipelineOnFakes) -> None:
    queue_letters(world, 3)
    world.services.collector.collect(world.clock() + timedelta(seconds=2))
    effects = [call for call in world.trace if call.rpartition(".")[2] in ("create", "send", "delete")]
    assert effects == ["state.create", "batches-queue.send", *["documents-queue.delete"] * 3]


def test_documents_that_waited_since_before_the_wake_become_a_batch(world: PipelineOnFakes) -> None:
    documents = queue_letters(world, 3)
    (batch,) = collect(world)
    assert [each.document for each in batch.documents] == documents
    assert world.queues["documents"].length() == 0
    assert world.queues["collect"].length() == 0


def test_younger_ones_wait_for_the_next_wake(world: PipelineOnFakes) -> None:
    queue_letters(world, 3)
    assert collect(world, seconds_after=-5) == []
    assert world.queues["documents"].length() == 3
    assert world.queues["collect"].length() == 1


def test_a_full_batch_does_not_wait(world: PipelineOnFakes) -> None:
    queue_letters(world, 25)
    (batch,) = collect(world, seconds_after=-5)
    assert len(batch.documents) == 25


def test_an_empty_queue_costs_one_call(world: PipelineOnFakes) -> None:
    world.services.collector.collect(world.clock())
    assert world.trace == ["documents-queue.peek"]


def test_a_backlog_beyond_the_rounds_is_left_to_another_wake(world: PipelineOnFakes) -> None:
    queue_letters(world, 25 * MAX_ROUNDS + 10)
    assert len(collect(world)) == MAX_ROUNDS
    assert world.queues["documents"].length() == 10
    assert world.queues["collect"].length() == 1


def test_a_collector_works_half_a_minute_and_then_leaves_the_rest_to_another_wake(world: PipelineOnFakes) -> None:
    queue_letters(world, 100)

    def slow(name: str) -> None:
        if name == "state.create":
            world.clock.advance(timedelta(seconds=31))

    world.disturb = slow
    assert len(collect(world)) == 1
    assert world.queues["collect"].length() == 1


def test_large_documents_share_a_batch_only_as_far_as_they_fit(world: PipelineOnFakes) -> None:
    queue_letters(world, 5, size=50_000)
    assert sorted(len(batch.documents) for batch in collect(world)) == [1, 2, 2]


def test_a_repeat_in_the_same_batch_is_dropped_with_its_message(world: PipelineOnFakes) -> None:
    document = world.upload("a.txt", "text", event=False)
    for _ in range(3):
        world.queue_document(document)
    (batch,) = collect(world)
    assert len(batch.documents) == 1
    assert world.queues["documents"].length() == 0


@pytest.mark.parametrize("order", [(Source.EVENT, Source.REDRIVE), (Source.REDRIVE, Source.EVENT)])
def test_a_request_to_classify_again_outweighs_an_event(world: PipelineOnFakes, order: tuple[Source, Source]) -> None:
    document = world.upload("a.txt", "text", event=False)
    for source in order:
        world.queue_document(document, source)
    (batch,) = collect(world)
    assert [each.source for each in batch.documents] == [Source.REDRIVE]


def test_a_batch_that_is_open_already_gets_another_message_and_no_second_record(world: PipelineOnFakes) -> None:
    documents = queue_letters(world, 3)
    collect(world)
    for document in documents:
        world.queue_document(document)
    assert len(collect(world)) == 1
    assert world.queues["batches"].length() == 2
    assert world.queues["documents"].length() == 0


def test_when_the_batch_cannot_be_written_the_documents_stay(world: PipelineOnFakes) -> None:
    queue_letters(world, 3)

    def refuse(name: str) -> None:
        if name == "state.create":
            raise OSError("storage does not answer")

    world.disturb = refuse
    with pytest.raises(OSError, match="does not answer"):
        world.services.collector.collect(world.clock() + timedelta(seconds=2))
    assert world.queues["documents"].length() == 3
    assert world.queues["batches"].length() == 0


@pytest.mark.parametrize("call", ["state.create", "documents-queue.receive", "documents-queue.delete"])
def test_when_storage_refuses_the_wake_is_replaced_by_one_that_finds_the_documents(
    world: PipelineOnFakes, call: str
) -> None:
    queue_letters(world, 3)

    def refuse(name: str) -> None:
        if name == call:
            raise StorageUnavailableError("403")

    world.disturb = refuse
    world.services.collector.collect(world.clock() + timedelta(seconds=2))
    visible = world.queues["collect"].next_visible()
    assert visible is not None
    assert visible > world.clock() + world.services.collector.visibility, "before, what was received would be hidden"
    world.disturb = None
    world.run()
    assert world.queues["documents"].length() == 0
    assert len(world.outcomes()) == 3


def test_a_second_collector_of_the_process_leaves_the_queue_to_the_first(world: PipelineOnFakes) -> None:
    queue_letters(world, 3)
    assert world.services.collector.turn.begin(world.clock())
    assert collect(world) == []
    assert world.trace == []


def test_the_first_looks_once_more_for_a_wake_that_came_after_its_last_look(world: PipelineOnFakes) -> None:
    """The documents that came meanwhile are ripe for that wake, and it needs no message of its own."""
    queue_letters(world, 3)
    late = DocumentRef(name="late.txt", etag='"late"', last_modified=START, size=5)

    def wake_meanwhile(name: str) -> None:
        if name == "state.create":
            world.disturb = None
            world.clock.advance(timedelta(seconds=3))
            world.queue_document(late)
            collect(world)

    world.disturb = wake_meanwhile
    batches = collect(world)
    assert sorted(each.document.name for batch in batches for each in batch.documents)[-1] == "late.txt"
    assert world.queues["documents"].length() == 0
    assert world.queues["collect"].length() == 0


def test_a_wake_before_the_last_look_costs_nothing(world: PipelineOnFakes) -> None:
    queue_letters(world, 3)

    def wake_meanwhile(name: str) -> None:
        if name == "documents-queue.receive":
            world.disturb = None
            collect(world)

    world.disturb = wake_meanwhile
    collect(world)
    assert world.trace.count("documents-queue.peek") == 2
    assert world.queues["collect"].length() == 0


def test_wakes_left_beyond_half_a_minute_are_answered_by_a_fresh_one(world: PipelineOnFakes) -> None:
    queue_letters(world, 3)

    def wake_late(name: str) -> None:
        if name == "state.create":
            world.clock.advance(timedelta(seconds=31))
            collect(world)

    world.disturb = wake_late
    collect(world)
    assert world.queues["collect"].length() == 1
    assert world.services.collector.turn.begin(world.clock())


def test_after_a_collector_that_failed_the_next_one_works(world: PipelineOnFakes) -> None:
    queue_letters(world, 3)

    def refuse(name: str) -> None:
        if name == "documents-queue.peek":
            collect(world)
            raise OSError("storage does not answer")

    world.disturb = refuse
    with pytest.raises(OSError, match="does not answer"):
        collect(world)
    world.disturb = None
    assert sum(len(batch.documents) for batch in collect(world)) == 3


# ripe


def peeked(count: int, *, waited_since: datetime = START) -> list[QueuedMessage]:
    """The oldest comes last, as it may after a message was hidden and came back."""
    moments = [*[START + timedelta(hours=1)] * (count - 1), waited_since][:count]
    return [QueuedMessage("m", "", "", inserted_on=moment, dequeue_count=0) for moment in moments]


A_SECOND = timedelta(seconds=1)
RIPE: dict[str, tuple[int, int, timedelta, bool, bool]] = {
    # messages seen, documents held, the wake after the oldest message, in a burst -> ripe
    "nothing is there": (0, 0, A_SECOND, False, False),
    "nothing is there to join a full batch but one": (0, 24, A_SECOND, False, False),
    "it waited since before the wake": (1, 0, A_SECOND, False, True),
    "it came in the second of the wake": (1, 0, timedelta(0), False, True),
    "it came after the wake": (1, 0, -A_SECOND, False, False),
    "in a burst, it waited since before the wake": (1, 0, A_SECOND, True, True),
    "in a burst, it came in the second of the wake": (1, 0, timedelta(0), True, False),
    "24 are no full batch": (24, 0, -A_SECOND, False, False),
    "25 are one": (25, 0, -A_SECOND, False, True),
    "24 with those that are held are none": (4, 20, -A_SECOND, False, False),
    "25 with those that are held are one": (5, 20, -A_SECOND, True, True),
}


@pytest.mark.parametrize("case", RIPE)
def test_a_full_batch_or_a_document_that_waited_since_before_the_wake_is_ripe(case: str) -> None:
    count, held, woken_after, is_burst, expected = RIPE[case]
    messages = peeked(count)
    assert is_ripe(messages, held=held, woken_at=START + woken_after, is_burst=is_burst) is expected
