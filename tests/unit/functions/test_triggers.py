"""Triggers only translate: a binding's value in, one call of the pipeline."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import azure.functions as func
import pytest
from azure.functions.blob import InputStream
from azure.functions.queue import QueueMessage

from functions import classification, intake, maintenance
from shared.messages import DocumentMessage, JobMessage, WakeMessage
from shared.pipeline.manifests import list_open
from tests.fakes import START
from tests.faults.disturbed import DisturbedWorld
from tests.unit.functions.harness import App


@pytest.fixture
def world() -> DisturbedWorld:
    return DisturbedWorld()


def queued(world: DisturbedWorld) -> list[DocumentMessage]:
    return [DocumentMessage.model_validate_json(each.text or "") for each in world.queues["documents"].peek(32)]


# the blob trigger


def blob(name: str, properties: Any, length: int = 5) -> InputStream:
    return InputStream(
        data=b"", name=name, uri="http://storage", length=length, blob_properties=properties, metadata={}
    )


ETAGS = {"with quotes": '"0x8D"', "without": "0x8D"}


@pytest.mark.parametrize("form", ETAGS)
def test_a_blob_event_becomes_its_version_from_the_metadata_alone(world: DisturbedWorld, form: str) -> None:
    properties = {"ETag": ETAGS[form], "LastModified": "2026-03-01T12:00:00+00:00", "BlobType": 2}
    App(intake.blueprint, world).call("accept_document", blob("documents/folder/a.txt", properties))
    documents = [message.document for message in queued(world)]
    assert [(each.name, each.etag, each.size, each.last_modified) for each in documents] == [
        ("folder/a.txt", '"0x8D"', 5, START)
    ]
    assert not any(call.startswith("documents.") for call in world.trace)


ODD_PROPERTIES: dict[str, Any] = {
    "none": None,
    "an object for the ETag": {"ETag": {"Tag": "0x8D"}, "LastModified": "2026-03-01T12:00:00+00:00"},
    "an empty ETag": {"ETag": "", "LastModified": "2026-03-01T12:00:00+00:00"},
    "no time zone": {"ETag": '"0x8D"', "LastModified": "2026-03-01T12:00:00"},
    "nothing": {},
}


@pytest.mark.parametrize("case", ODD_PROPERTIES)
def test_where_the_metadata_does_not_tell_the_version_one_head_does(world: DisturbedWorld, case: str) -> None:
    document = world.upload("a.txt", "about billing", event=False)
    App(intake.blueprint, world).call("accept_document", blob("documents/a.txt", ODD_PROPERTIES[case]))
    assert [message.document for message in queued(world)] == [document]


def test_a_blob_that_is_gone_before_its_head_is_ignored(world: DisturbedWorld) -> None:
    App(intake.blueprint, world).call("accept_document", blob("documents/a.txt", None))
    assert queued(world) == []


def test_a_blob_of_another_container_is_ignored(world: DisturbedWorld) -> None:
    properties = {"ETag": '"0x8D"', "LastModified": "2026-03-01T12:00:00+00:00"}
    App(intake.blueprint, world).call("accept_document", blob("secrets/a.txt", properties))
    assert queued(world) == []


# queues


def message(body: str, inserted: datetime | None = START) -> QueueMessage:
    return QueueMessage(id="m1", body=body.encode(), insertion_time=inserted)


def test_a_wake_collects_what_was_there_before_it(world: DisturbedWorld) -> None:
    document = world.upload("a.txt", "about billing", event=False)
    world.queues["documents"].send(DocumentMessage(container="documents", document=document))
    App(classification.blueprint, world).call("collect_documents", message(WakeMessage().to_text()))
    assert len(list(list_open(world.pipeline))) == 1


@pytest.mark.parametrize(
    "inserted",
    [START - timedelta(minutes=1), (START - timedelta(minutes=1)).replace(tzinfo=None)],
    ids=["aware", "naive"],
)
def test_a_document_younger_than_the_wake_waits_for_the_next(world: DisturbedWorld, inserted: datetime) -> None:
    document = world.upload("a.txt", "about billing", event=False)
    world.queues["documents"].send(DocumentMessage(container="documents", document=document))
    App(classification.blueprint, world).call("collect_documents", message(WakeMessage().to_text(), inserted))
    assert list(list_open(world.pipeline)) == []
    assert world.queues["collect"].length() == 1


def test_a_wake_without_its_time_counts_from_now(world: DisturbedWorld) -> None:
    assert classification._inserted_on(message("{}", None)) - datetime.now(UTC) < timedelta(minutes=1)


@pytest.mark.parametrize("body", ["", "noise", '{"schema":2}', '{"schema":1,"url":"https://elsewhere.example"}'])
@pytest.mark.parametrize("name", ["collect_documents", "advance_job"])
def test_a_message_that_is_none_of_ours_is_parked_at_its_first_delivery(
    world: DisturbedWorld, name: str, body: str
) -> None:
    App(classification.blueprint, world).call(name, message(body))
    assert world.trace[0] == "state.put"
    parked = [info.name for info in world.stores["state"].list("poison/")]
    assert len(parked) == 1


def test_a_job_message_advances_its_job(world: DisturbedWorld) -> None:
    App(classification.blueprint, world).call("advance_job", message(JobMessage(id="0" * 32).to_text()))
    assert world.trace == ["state.read"]


# timers


def test_reconcile_runs_at_start_and_by_its_schedule(world: DisturbedWorld) -> None:
    services = SimpleNamespace(pipeline=world.pipeline, training=SimpleNamespace())
    blueprint = maintenance.blueprint(services)  # type: ignore[arg-type]
    triggers = {
        each._function.get_function_name(): each._function.get_trigger() for each in blueprint._function_builders
    }
    assert triggers["reconcile"].get_dict_repr()["schedule"] == "%RECONCILE_SCHEDULE%"
    assert triggers["reconcile"].get_dict_repr()["runOnStartup"] is True
    assert triggers["sweep"].get_dict_repr()["schedule"] == "%SWEEP_SCHEDULE%"


def test_the_queue_message_the_worker_gives_is_the_exported_type() -> None:
    assert isinstance(message("{}"), func.QueueMessage)
