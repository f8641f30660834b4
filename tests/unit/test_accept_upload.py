"""An upload event is accepted as the version that is there now."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from shared.documents.events import Upload, parse_events
from shared.documents.ref import FailureCode
from shared.messages import DocumentMessage
from shared.pipeline.accept import accept_upload
from shared.pipeline.poison import bury_event
from tests.faults.world import World

EVENTS = Path(__file__).parent.parent / "events"


def accepted(world: World) -> list[DocumentMessage]:
    waiting = world.queues["documents"].peek(32)
    return [DocumentMessage.model_validate_json(message.text or "") for message in waiting]


def test_the_version_that_is_there_is_accepted_with_the_facts_of_one_head() -> None:
    world = World()
    document = world.upload("2026/march/note.txt", "Dear all,", event=False)
    accept_upload(world.pipeline, Upload(container="documents", name=document.name, etag=document.etag))
    assert [message.document for message in accepted(world)] == [document]
    assert world.queues["collect"].length() == 1


def test_a_late_event_of_an_older_version_accepts_the_current_one(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    first = world.upload("note.txt", "one", event=False)
    second = world.upload("note.txt", "two", event=False)
    with caplog.at_level(logging.INFO):
        accept_upload(world.pipeline, Upload(container="documents", name="note.txt", etag=first.etag))
    assert [message.document for message in accepted(world)] == [second]
    assert "event_superseded" in caplog.text


def test_a_blob_deleted_since_its_event_is_ignored() -> None:
    world = World()
    document = world.upload("note.txt", "one", event=False)
    world.remove("note.txt")
    accept_upload(world.pipeline, Upload(container="documents", name="note.txt", etag=document.etag))
    assert accepted(world) == []


@pytest.mark.parametrize("name", ["other_container", "blob_deleted", "subscription_validation"])
def test_events_that_are_not_for_us_cost_no_storage_call(name: str) -> None:
    world = World()
    for upload in parse_events((EVENTS / f"{name}.json").read_bytes()):
        accept_upload(world.pipeline, upload)
    assert world.calls == 0


def test_a_blob_that_is_no_txt_is_ignored() -> None:
    world = World()
    accept_upload(world.pipeline, Upload(container="documents", name="picture.png", etag='"0x1"'))
    assert world.calls == 0


def test_an_event_the_host_gave_up_on_becomes_a_failure_record() -> None:
    world = World()
    world.upload("letter.txt", "Dear all,", event=False)
    bury_event(world.pipeline, "m1", (EVENTS / "event_grid.json").read_text(encoding="utf-8"))
    failure = world.failure("letter.txt")
    assert failure is not None
    assert failure.code == FailureCode.POISONED
    assert "poison/events/m1.json" in failure.message
    assert world.stores["state"].find("poison/events/m1.json") is not None


def test_a_poisoned_body_that_is_no_event_is_kept() -> None:
    world = World()
    bury_event(world.pipeline, "m2", "not an event")
    assert world.stores["state"].find("poison/events/m2.json") is not None
