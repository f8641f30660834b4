"""The net under lost events: what is sent again, what is left alone, and what a pass costs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.documents.messages import DocumentMessage, Source
from shared.documents.reconcile import read_totals
from shared.documents.ref import record_name
from shared.documents.walk import Totals
from shared.errors import StorageUnavailableError
from tests.services_on_fakes import PipelineOnFakes

GRACE = timedelta(minutes=15)


def sent(world: PipelineOnFakes) -> list[DocumentMessage]:
    messages = world.queues["documents"].peek(32)
    return [DocumentMessage.model_validate_json(message.text or "") for message in messages]


def sent_names(world: PipelineOnFakes) -> list[str]:
    return [message.document.name for message in sent(world)]


def test_a_document_without_a_record_is_sent_again_after_the_grace(world: PipelineOnFakes) -> None:
    document = world.upload("lost.txt", "text", event=False)
    world.clock.advance(GRACE)
    totals = world.services.reconcile()
    assert [(each.document, each.source) for each in sent(world)] == [(document, Source.RECONCILE)]
    assert world.queues["collect"].length() == 1
    assert (totals.documents, totals.missing, totals.sent) == (1, 1, 1)


def test_a_younger_document_is_left_to_its_event(world: PipelineOnFakes) -> None:
    world.upload("young.txt", "text", event=False)
    world.clock.advance(GRACE - timedelta(seconds=1))
    totals = world.services.reconcile()
    assert sent_names(world) == []
    assert (totals.missing, totals.sent) == (1, 0)


def test_the_grace_is_a_setting() -> None:
    world = PipelineOnFakes(changes={"pipeline_grace_minutes": 0})
    world.upload("lost.txt", "text", event=False)
    world.clock.advance(timedelta(seconds=1))
    world.services.reconcile()
    assert sent_names(world) == ["lost.txt"]


def test_documents_with_a_record_of_their_version_are_done(world: PipelineOnFakes) -> None:
    world.upload("good.txt", "about billing")
    world.upload("empty.txt", " ")
    world.run()
    world.clock.advance(GRACE)
    totals = world.services.reconcile()
    assert sent_names(world) == []
    assert (totals.documents, totals.classified, totals.failed, totals.missing) == (2, 1, 1, 0)


def test_a_newer_version_whose_event_was_lost_is_sent(world: PipelineOnFakes) -> None:
    world.upload("letter.txt", "about billing")
    world.run()
    newer = world.upload("letter.txt", "about shipping", event=False)
    world.clock.advance(GRACE)
    world.services.reconcile()
    assert [each.document for each in sent(world)] == [newer]


def test_documents_of_an_open_batch_are_left_to_it(world: PipelineOnFakes) -> None:
    world.service.reads_before_done = 1_000_000
    world.upload("running.txt", "about billing")
    world.deliver_until(world.clock() + GRACE)
    world.upload("lost.txt", "about billing", event=False)
    world.deliver_until(world.clock() + GRACE)
    world.services.reconcile()
    assert sent_names(world) == ["lost.txt"]


def test_an_overwritten_document_is_not_hidden_by_the_open_batch_of_its_older_version(world: PipelineOnFakes) -> None:
    world.service.reads_before_done = 1_000_000
    world.upload("letter.txt", "about billing")
    world.deliver_until(world.clock() + GRACE)
    newer = world.upload("letter.txt", "about shipping", event=False)
    world.deliver_until(world.clock() + GRACE)
    world.services.reconcile()
    assert [each.document for each in sent(world)] == [newer]


def test_open_batches_are_read_only_when_something_is_missing(world: PipelineOnFakes) -> None:
    world.upload("letter.txt", "about billing")
    world.run()
    world.clock.advance(GRACE)
    world.trace.clear()
    world.services.reconcile()
    assert "state.list" not in world.trace


def test_blobs_that_are_no_documents_are_not_counted(world: PipelineOnFakes) -> None:
    world.upload("picture.png", "text", event=False)
    world.clock.advance(GRACE)
    assert world.services.reconcile().documents == 0


def test_the_trap_of_the_appended_suffix_costs_no_repeat(world: PipelineOnFakes) -> None:
    for name in ("a.txt", "a.txt.b.txt", "a.txt!.txt", "\uff21.txt", "\U0001f600.txt"):
        world.upload(name, f"{name} about billing")
    world.run()
    world.clock.advance(GRACE)
    assert world.services.reconcile().missing == 0


# the backlog


def test_documents_that_may_still_wait_in_the_queue_are_left_alone(world: PipelineOnFakes) -> None:
    """The oldest message is younger than these documents' events may be."""
    waiting = world.upload("waiting.txt", "text", event=False)
    world.queues["documents"].send(DocumentMessage(container="documents", document=waiting))
    world.upload("perhaps-waiting.txt", "text", event=False)
    world.clock.advance(GRACE * 2)
    world.services.reconcile()
    assert sent_names(world) == ["waiting.txt"]


def test_documents_older_than_the_backlog_by_the_grace_are_sent(world: PipelineOnFakes) -> None:
    world.upload("lost.txt", "text", event=False)
    world.clock.advance(GRACE)
    waiting = world.upload("waiting.txt", "text", event=False)
    world.queues["documents"].send(DocumentMessage(container="documents", document=waiting))
    world.clock.advance(GRACE)
    world.services.reconcile()
    assert sent_names(world) == ["waiting.txt", "lost.txt"]


def test_nothing_is_sent_while_what_the_last_pass_sent_is_waiting(world: PipelineOnFakes) -> None:
    world.upload("lost.txt", "text", event=False)
    world.clock.advance(GRACE)
    for _ in range(5):
        world.services.reconcile()
        world.clock.advance(timedelta(minutes=5))
    assert sent_names(world) == ["lost.txt"]


def test_the_next_pass_sends_again_once_the_queue_was_drained(world: PipelineOnFakes) -> None:
    world.upload("lost.txt", "text", event=False)
    world.clock.advance(GRACE)
    world.services.reconcile()
    world.queues["documents"].clear()
    world.clock.advance(timedelta(minutes=5))
    world.services.reconcile()
    assert sent_names(world) == ["lost.txt"]


# cost


@pytest.mark.parametrize(("missing", "list_calls"), [(0, 6), (7, 7)])
def test_ten_thousand_blobs_cost_a_call_for_each_5000_of_a_listing(missing: int, list_calls: int) -> None:
    """Documents, classifications and failures; and the open batches once, when something is missing."""
    world = PipelineOnFakes()
    total = 9_999
    for number in range(total):
        document = world.upload(f"letter-{number:05}.txt", "x", event=False)
        if number >= missing:
            store = world.stores["classifications" if number % 2 else "failures"]
            store.write_unhooked(record_name(document.name), b"{}", {"etag": document.etag})
    world.clock.advance(GRACE)
    totals = world.services.reconcile()
    calls = [name.rpartition(".") for name in world.trace]
    assert totals.missing == totals.sent == missing
    assert sum(what == "list" for *_, what in calls) <= list_calls
    # One message for each missing document, one wake, one peek; the totals are read and written, and the walk's record
    # is looked for, created, read, saved after the first page, and deleted.
    assert len(calls) <= list_calls + missing + 1 + 1 + 2 + 5


# totals


def test_the_totals_are_kept_for_the_status_page(world: PipelineOnFakes) -> None:
    assert read_totals(world.state) is None
    totals = world.services.reconcile()
    assert read_totals(world.state) == totals


def test_totals_of_a_newer_release_are_read_without_what_is_unknown(world: PipelineOnFakes) -> None:
    body = Totals(as_of=world.clock(), documents=1, classified=1, failed=0, missing=0, sent=0).model_dump_json(
        by_alias=True
    )
    world.state.put("status/totals.json", body.replace("{", '{"later":1,', 1).encode())
    found = read_totals(world.state)
    assert found is not None
    assert found.documents == 1


def test_documents_of_a_batch_that_cannot_be_read_are_planned_in_another_one(world: PipelineOnFakes) -> None:
    """Of the very same documents: their batch's id would be the same, and it is taken."""
    for number in range(2):
        world.upload(f"{number}.txt", "about billing")
    world.deliver_events()
    while not world.open_batches():
        world.deliver_next()
    [name] = [each for each in world.state.blobs if each.startswith("batches/open/")]
    world.state.write_unhooked(name, b"cut")
    for _ in range(3):
        world.deliver_until(world.clock() + timedelta(minutes=20))
        world.reconcile()
    world.deliver_until(world.clock() + timedelta(minutes=20))
    assert world.violations() == []
    assert world.classified() == ["0.txt.json", "1.txt.json"]


def test_a_walk_that_storage_ends_goes_on_where_it_was_and_sends_nothing_twice(world: PipelineOnFakes) -> None:
    world.reconcile()
    for number in range(4):
        world.upload(f"{number}.txt", "about billing", event=False)
    world.clock.advance(timedelta(hours=1))

    def end(call: str) -> None:
        if call == "documents-queue.send" and world.trace.count(call) % 3 == 0:
            raise StorageUnavailableError("403 on the queue")

    world.disturb = end
    for _ in range(3):
        world.services.reconcile()
    assert sorted(each.document.name for each in world.queued_documents()) == [f"{number}.txt" for number in range(4)]
