"""An upload event is accepted as the version that is there now."""

from __future__ import annotations

import itertools
import logging
from pathlib import Path

import pytest

from shared.documents.events import Upload, parse_events
from shared.documents.ref import FailureCode
from tests.services_on_fakes import PipelineOnFakes

EVENTS = Path(__file__).parents[2] / "events"


def test_the_version_that_is_there_is_accepted_with_the_facts_of_one_head(world: PipelineOnFakes) -> None:
    document = world.upload("2026/march/note.txt", "Dear all,", event=False)
    upload = Upload(container="documents", name=document.name, etag=document.etag)
    assert world.services.inbox.take_in_upload(upload)
    assert [message.document for message in world.queued_documents()] == [document]
    assert world.trace == ["documents.find", "documents-queue.send"]


def test_a_late_event_of_an_older_version_accepts_the_current_one(
    world: PipelineOnFakes, caplog: pytest.LogCaptureFixture
) -> None:
    first = world.upload("note.txt", "one", event=False)
    second = world.upload("note.txt", "two", event=False)
    with caplog.at_level(logging.INFO):
        world.services.inbox.take_in_upload(Upload(container="documents", name="note.txt", etag=first.etag))
    assert [message.document for message in world.queued_documents()] == [second]
    assert "event_superseded" in caplog.text


def test_a_blob_deleted_since_its_event_is_ignored(world: PipelineOnFakes) -> None:
    document = world.upload("note.txt", "one", event=False)
    world.remove("note.txt")
    world.services.inbox.take_in_upload(Upload(container="documents", name="note.txt", etag=document.etag))
    assert world.queued_documents() == []


@pytest.mark.parametrize("name", ["other_container", "blob_deleted", "subscription_validation"])
def test_events_that_are_not_for_us_cost_no_storage_call(world: PipelineOnFakes, name: str) -> None:
    for upload in parse_events((EVENTS / f"{name}.json").read_bytes()).uploads:
        world.services.inbox.take_in_upload(upload)
    assert world.calls == 0


def test_an_upload_that_cannot_be_accepted_takes_no_other_with_it(world: PipelineOnFakes) -> None:
    letters = [world.upload(f"{number}.txt", "Dear all,", event=False) for number in range(3)]
    number = itertools.count()

    def refuse_the_second(name: str) -> None:
        if name == "documents.find" and next(number) == 1:
            raise OSError("storage does not answer")

    world.disturb = refuse_the_second
    uploads = [Upload(container="documents", name=each.name, etag=each.etag) for each in letters]
    with pytest.raises(OSError, match="does not answer"):
        world.services.intake.accept_uploads(uploads)
    (batch,) = world.open()
    assert [each.document for each in batch.record.documents] == [letters[0], letters[2]]


def test_a_blob_that_is_no_txt_is_ignored(world: PipelineOnFakes) -> None:
    world.services.inbox.take_in_upload(Upload(container="documents", name="picture.png", etag='"0x1"'))
    assert world.calls == 0


def test_an_event_that_cannot_be_accepted_again_becomes_a_failure_record(world: PipelineOnFakes) -> None:
    world.upload("letter.txt", "Dear all,", event=False)

    def bug(name: str) -> None:
        if name == "documents-queue.send":
            raise ZeroDivisionError

    world.disturb = bug
    world.services.document_dead_letters.handle_event(
        "m1", body=(EVENTS / "event_grid.json").read_text(encoding="utf-8")
    )
    failure = world.failure("letter.txt")
    assert failure is not None
    assert failure.code == FailureCode.POISONED
    assert "dead-letters/events/m1.json" in failure.message
    assert world.state.find("dead-letters/events/m1.json") is not None


def test_of_several_uploads_given_up_on_each_has_its_own_end(world: PipelineOnFakes) -> None:
    world.upload("letter.txt", "Dear all,", event=False)
    world.upload("2026/march/note.txt", "Dear all,", event=False)
    number = itertools.count()

    def refuse_the_first(name: str) -> None:
        if name == "documents.find" and next(number) == 0:
            raise OSError("storage does not answer")

    world.disturb = refuse_the_first
    body = (EVENTS / "event_grid_array.json").read_text(encoding="utf-8")
    with pytest.raises(OSError, match="does not answer"):
        world.services.document_dead_letters.handle_event("m1", body=body)
    sent = [message.document.name for message in world.queued_documents()]
    ended = [name for name in ("letter.txt", "2026/march/note.txt") if world.failure(name) or name in sent]
    assert ended == ["2026/march/note.txt"]


def test_a_body_given_up_on_that_is_no_event_is_kept(world: PipelineOnFakes) -> None:
    world.services.document_dead_letters.handle_event("m2", body="not an event")
    assert world.state.find("dead-letters/events/m2.json") is not None
