"""Triggers only translate: a binding's value in, one call of the pipeline."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import azure.functions as func
import pytest
from azure.functions.blob import InputStream
from azure.functions.queue import QueueMessage

from functions import steps
from shared.batches.intake import LONGEST_LINGER
from shared.documents.messages import WALK, WakeMessage
from shared.documents.walk import Walk
from shared.messages import StepMessage
from tests.fakes import START
from tests.services_on_fakes import PipelineOnFakes
from tests.unit.functions.harness import App


@pytest.fixture
def world() -> PipelineOnFakes:
    """With a linger that no invocation waits for, so that what a trigger accepts is seen in its queue."""
    return PipelineOnFakes(changes={"pipeline_linger_seconds": 2 * LONGEST_LINGER.total_seconds()})


# the blob trigger


def blob(name: str, properties: Any, length: int | None = 5) -> InputStream:
    return InputStream(
        data=b"", name=name, uri="http://storage", length=length, blob_properties=properties, metadata={}
    )


ETAGS = {"with quotes": '"0x8D"', "without": "0x8D"}


@pytest.mark.parametrize("form", ETAGS)
def test_a_blob_event_becomes_its_version_from_the_metadata_alone(world: PipelineOnFakes, form: str) -> None:
    properties = {"ETag": ETAGS[form], "LastModified": "2026-03-01T12:00:00+00:00", "BlobType": 2}
    App(world).call("accept_document", blob("documents/folder/a.txt", properties))
    documents = [message.document for message in world.queued_documents()]
    assert [(each.name, each.etag, each.size, each.last_modified) for each in documents] == [
        ("folder/a.txt", '"0x8D"', 5, START)
    ]
    assert not any(call.startswith("documents.") for call in world.trace)


ODD_PROPERTIES: dict[str, Any] = {
    "none": None,
    "an object for the ETag": {"ETag": {"Tag": "0x8D"}, "LastModified": "2026-03-01T12:00:00+00:00"},
    "an empty ETag": {"ETag": "", "LastModified": "2026-03-01T12:00:00+00:00"},
    "no time zone": {"ETag": '"0x8D"', "LastModified": "2026-03-01T12:00:00"},
    "an ETag that no header can hold": {"ETag": '"\u20ac"', "LastModified": "2026-03-01T12:00:00+00:00"},
    "the year 1": {"ETag": '"0x8D"', "LastModified": "0001-01-01T00:00:00+00:00"},
    "nothing": {},
}


@pytest.mark.parametrize("case", ODD_PROPERTIES)
def test_where_the_metadata_does_not_tell_the_version_one_head_does(world: PipelineOnFakes, case: str) -> None:
    document = world.upload("a.txt", "about billing", event=False)
    App(world).call("accept_document", blob("documents/a.txt", ODD_PROPERTIES[case]))
    assert [message.document for message in world.queued_documents()] == [document]


def test_where_the_length_is_missing_the_blob_is_not_taken_for_an_empty_one(world: PipelineOnFakes) -> None:
    document = world.upload("a.txt", "about billing", event=False)
    properties = {"ETag": document.etag, "LastModified": "2026-03-01T12:00:00+00:00"}
    App(world).call("accept_document", blob("documents/a.txt", properties, length=None))
    assert [message.document for message in world.queued_documents()] == [document]


def test_a_blob_that_is_gone_before_its_head_is_ignored(world: PipelineOnFakes) -> None:
    App(world).call("accept_document", blob("documents/a.txt", None))
    assert world.queued_documents() == []


def test_a_blob_of_another_container_is_ignored(world: PipelineOnFakes) -> None:
    properties = {"ETag": '"0x8D"', "LastModified": "2026-03-01T12:00:00+00:00"}
    App(world).call("accept_document", blob("secrets/a.txt", properties))
    assert world.queued_documents() == []


# queues


def message(body: str, inserted: datetime | None = START) -> QueueMessage:
    return QueueMessage(id="m1", body=body.encode(), insertion_time=inserted)


def test_a_wake_collects_what_was_there_before_it(world: PipelineOnFakes) -> None:
    document = world.upload("a.txt", "about billing", event=False)
    world.queue_document(document)
    App(world).call("collect_documents", message(WakeMessage().to_text()))
    assert world.classified() == ["a.txt.json"]


@pytest.mark.parametrize(
    "inserted",
    [START - timedelta(minutes=1), (START - timedelta(minutes=1)).replace(tzinfo=None)],
    ids=["aware", "naive"],
)
def test_a_document_younger_than_the_wake_waits_for_the_next(world: PipelineOnFakes, inserted: datetime) -> None:
    document = world.upload("a.txt", "about billing", event=False)
    world.queue_document(document)
    App(world).call("collect_documents", message(WakeMessage().to_text(), inserted))
    assert world.open() == []
    assert world.queues["collect"].length() == 1


def test_a_wake_without_its_time_counts_from_now(world: PipelineOnFakes) -> None:
    assert steps._inserted_on(message("{}", None)) - datetime.now(UTC) < timedelta(minutes=1)


@pytest.mark.parametrize("body", ["", "noise", '{"schema":2}', '{"schema":1,"url":"https://elsewhere.example"}'])
@pytest.mark.parametrize("name", ["collect_documents", "advance_batch"])
def test_a_message_that_is_none_of_ours_is_a_dead_letter_at_its_first_delivery(
    world: PipelineOnFakes, name: str, body: str
) -> None:
    App(world).call(name, message(body))
    assert world.trace[0] == "state.put"
    assert len(world.dead_letters()) == 1


EVENT = {
    "type": "Microsoft.Storage.BlobCreated",
    "subject": "/blobServices/default/containers/documents/blobs/a.txt",
    "data": {"eTag": "0x1", "url": "https://letters.blob.core.windows.net/documents/a.txt"},
}
NO_EVENTS = ["", "noise", "[" * 100_000, json.dumps(EVENT | {"data": {"eTag": "\u20ac"}})]


@pytest.mark.parametrize("body", NO_EVENTS, ids=["nothing", "text", "deep", "forged"])
def test_an_event_that_cannot_be_read_is_a_dead_letter_at_its_first_delivery(world: PipelineOnFakes, body: str) -> None:
    App(world).call("accept_event", message(body))
    assert world.trace == ["state.put"]
    assert world.dead_letters() == ["dead-letters/events/m1.json"]


def test_a_message_with_an_event_that_cannot_be_read_is_kept_and_its_other_uploads_accepted(
    world: PipelineOnFakes,
) -> None:
    document = world.upload("a.txt", "about billing", event=False)
    App(world).call("accept_event", message(json.dumps([{**EVENT, "data": None}, EVENT])))
    assert len(world.dead_letters()) == 1
    assert [each.document for each in world.queued_documents()] == [document]


def test_a_step_message_advances_its_batch(world: PipelineOnFakes) -> None:
    App(world).call("advance_batch", message(StepMessage(id="0" * 32).to_text()))
    assert world.trace == ["state.read"]


def test_a_message_of_a_walk_goes_on_with_reconcile(world: PipelineOnFakes) -> None:
    world.services.reconcile.walks.store.create(Walk.begin(world.clock(), earlier_sent=None))
    world.trace.clear()
    App(world).call("advance_operation", message(StepMessage(id=WALK).to_text()))
    assert "documents.list" in world.trace
    assert "status/totals.json" in world.state.blobs


# timers


def test_timers_run_by_their_schedules_and_not_at_every_start(world: PipelineOnFakes) -> None:
    """On Flex Consumption the timers' instance starts for each tick; what a tick missed runs at the start by itself."""
    app = App(world)
    for name, schedule in (("reconcile", "%RECONCILE_SCHEDULE%"), ("sweep", "%SWEEP_SCHEDULE%")):
        trigger = app.trigger_of(name)
        assert trigger["schedule"] == schedule
        assert not trigger.get("runOnStartup")
        assert trigger.get("useMonitor", True), "without its stored schedule a timer forgets what it missed"


def test_the_queue_message_the_worker_gives_is_the_exported_type() -> None:
    assert isinstance(message("{}"), func.QueueMessage)
