"""A wake drains the documents queue into manifests, in the order that loses nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.documents.ref import DocumentRef
from shared.messages import DocumentMessage, Source
from shared.pipeline.collect import MAX_ROUNDS, collect_documents
from shared.pipeline.manifest import Manifest
from shared.pipeline.manifests import find_manifest, list_open, manifest_id_of
from tests.fakes import START
from tests.faults.disturbed import DisturbedWorld


def send(world: DisturbedWorld, document: DocumentRef, source: Source = Source.EVENT) -> None:
    world.queues["documents"].send(DocumentMessage(container="documents", document=document, source=source))


def queue_letters(world: DisturbedWorld, count: int, size: int = 5) -> list[DocumentRef]:
    documents = [
        DocumentRef(name=f"{number:04}.txt", etag=f'"{number}"', last_modified=START, size=size)
        for number in range(count)
    ]
    for document in documents:
        send(world, document)
    world.trace.clear()
    return documents


def collect(world: DisturbedWorld, *, seconds_after: float = 2) -> list[Manifest]:
    collect_documents(world.pipeline, world.clock() + timedelta(seconds=seconds_after))
    opened = [find_manifest(world.pipeline, manifest_id_of(info)) for info in list_open(world.pipeline)]
    return [each.manifest for each in opened if each]


def test_the_manifest_comes_before_the_job_message_and_the_documents_go_last(world: DisturbedWorld) -> None:
    queue_letters(world, 3)
    collect_documents(world.pipeline, world.clock() + timedelta(seconds=2))
    effects = [call for call in world.trace if call.rpartition(".")[2] in ("create", "send", "delete")]
    assert effects == ["state.create", "jobs-queue.send", *["documents-queue.delete"] * 3]


def test_documents_that_waited_since_before_the_wake_become_a_job(world: DisturbedWorld) -> None:
    documents = queue_letters(world, 3)
    (manifest,) = collect(world)
    assert [each.document for each in manifest.documents] == documents
    assert world.queues["documents"].length() == 0
    assert world.queues["collect"].length() == 0


def test_younger_ones_wait_for_the_next_wake(world: DisturbedWorld) -> None:
    queue_letters(world, 3)
    assert collect(world, seconds_after=-5) == []
    assert world.queues["documents"].length() == 3
    assert world.queues["collect"].length() == 1


def test_a_full_job_does_not_wait(world: DisturbedWorld) -> None:
    queue_letters(world, 25)
    (manifest,) = collect(world, seconds_after=-5)
    assert len(manifest.documents) == 25


def test_an_empty_queue_costs_one_call(world: DisturbedWorld) -> None:
    collect_documents(world.pipeline, world.clock())
    assert world.trace == ["documents-queue.peek"]


def test_a_backlog_beyond_the_rounds_is_left_to_another_wake(world: DisturbedWorld) -> None:
    queue_letters(world, 25 * MAX_ROUNDS + 10)
    assert len(collect(world)) == MAX_ROUNDS
    assert world.queues["documents"].length() == 10
    assert world.queues["collect"].length() == 1


def test_a_collector_works_half_a_minute_and_then_leaves_the_rest_to_another_wake(world: DisturbedWorld) -> None:
    queue_letters(world, 100)

    def slow(name: str) -> None:
        if name == "state.create":
            world.clock.advance(timedelta(seconds=31))

    world.disturb = slow
    assert len(collect(world)) == 1
    assert world.queues["collect"].length() == 1


def test_large_documents_share_a_job_only_as_far_as_they_fit(world: DisturbedWorld) -> None:
    queue_letters(world, 5, size=50_000)
    assert sorted(len(manifest.documents) for manifest in collect(world)) == [1, 2, 2]


def test_a_repeat_in_the_same_batch_is_dropped_with_its_message(world: DisturbedWorld) -> None:
    document = world.upload("a.txt", "text", event=False)
    for _ in range(3):
        send(world, document)
    (manifest,) = collect(world)
    assert len(manifest.documents) == 1
    assert world.queues["documents"].length() == 0


@pytest.mark.parametrize("order", [(Source.EVENT, Source.REDRIVE), (Source.REDRIVE, Source.EVENT)])
def test_somebody_s_wish_outweighs_an_event(world: DisturbedWorld, order: tuple[Source, Source]) -> None:
    document = world.upload("a.txt", "text", event=False)
    for source in order:
        send(world, document, source)
    (manifest,) = collect(world)
    assert [each.source for each in manifest.documents] == [Source.REDRIVE]


def test_a_batch_that_is_planned_already_is_sent_again_without_a_second_manifest(world: DisturbedWorld) -> None:
    documents = queue_letters(world, 3)
    collect(world)
    for document in documents:
        send(world, document)
    assert len(collect(world)) == 1
    assert world.queues["jobs"].length() == 2
    assert world.queues["documents"].length() == 0


def test_when_the_manifest_cannot_be_written_the_documents_stay(world: DisturbedWorld) -> None:
    queue_letters(world, 3)

    def refuse(name: str) -> None:
        if name == "state.create":
            raise OSError("storage does not answer")

    world.disturb = refuse
    with pytest.raises(OSError, match="does not answer"):
        collect_documents(world.pipeline, world.clock() + timedelta(seconds=2))
    assert world.queues["documents"].length() == 3
    assert world.queues["jobs"].length() == 0


def test_a_second_collector_of_the_process_leaves_the_queue_to_the_first(world: DisturbedWorld) -> None:
    queue_letters(world, 30)
    with world.pipeline.wake_debounce.collecting:
        assert collect(world) == []
    assert world.queues["collect"].length() == 1
    assert sum(len(manifest.documents) for manifest in collect(world)) == 30
