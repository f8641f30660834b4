"""GET /api/documents/{name}: where one document is, and why."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.world import MODEL
from tests.services_on_fakes import LONG_RUNNING, PipelineOnFakes

NO_RECORD = "no record yet; it waits for its event, its batch or the next reconcile"


def found(world: PipelineOnFakes, name: str) -> dict[str, Any]:
    status = world.services.document_report(name)
    assert status is not None
    return status.to_members()


def test_a_document_of_which_there_is_neither_blob_nor_record_has_no_status(world: PipelineOnFakes) -> None:
    assert world.services.document_report("nowhere.txt") is None


def test_a_document_that_has_just_been_uploaded_waits(world: PipelineOnFakes) -> None:
    document = world.upload("letter.txt", "about billing", event=False)
    assert found(world, "letter.txt") == {
        "name": "letter.txt",
        "state": "waiting",
        "why": NO_RECORD,
        "etag": document.etag,
        "last_modified": "2026-03-01T12:00:00Z",
        "size": 13,
        "batch": None,
        "classification": None,
        "failure": None,
    }


def test_a_document_goes_from_waiting_over_its_batch_to_classified(world: PipelineOnFakes) -> None:
    world.model.model = None
    document = world.upload("letter.txt", "about billing")
    world.deliver_for(minutes=1)
    batch = world.the_open_one().record
    status = found(world, "letter.txt")
    why = "no model is in use: publish one, or set LANGUAGE_MODEL"
    assert status["batch"] == {"id": batch.id, "state": "planned", "waiting": why}
    assert (status["state"], status["why"]) == ("planned", why)
    world.model.model = MODEL
    world.service.reads_before_done = LONG_RUNNING
    world.deliver_for(minutes=10)
    status = found(world, "letter.txt")
    assert (status["state"], status["why"]) == ("submitted", f"in batch {batch.id}")
    world.service.reads_before_done = 1
    world.run()
    status = found(world, "letter.txt")
    record = world.classification("letter.txt")
    assert record is not None
    assert status["classification"] == record.model_dump(mode="json", by_alias=True)
    assert status["classification"]["schema"] == 1
    assert [each["name"] for each in status["classification"]["classes"]] == ["billing"]
    assert (status["state"], status["why"], status["batch"], status["failure"], status["etag"]) == (
        "classified",
        "this version is classified",
        None,
        None,
        document.etag,
    )


def test_a_failed_document_says_why(world: PipelineOnFakes) -> None:
    world.upload("letter.txt", bytes(range(256)))
    world.run()
    status = found(world, "letter.txt")
    assert (status["state"], status["failure"]["code"]) == ("failed", "binary")
    assert status["why"] == status["failure"]["message"]
    assert status["classification"] is None


@pytest.mark.parametrize("first", ["about billing", " "], ids=["classified", "failed"])
def test_a_newer_version_waits_although_the_older_has_a_record(world: PipelineOnFakes, first: str) -> None:
    world.upload("letter.txt", first)
    world.run()
    world.upload("letter.txt", "about shipping", event=False)
    status = found(world, "letter.txt")
    assert status["state"] == "waiting"
    assert status["why"].startswith("an older version has a record")


def test_a_newer_version_is_not_found_in_the_batch_of_the_older(world: PipelineOnFakes) -> None:
    world.service.reads_before_done = LONG_RUNNING
    world.upload("letter.txt", "about billing")
    world.deliver_for(minutes=1)
    world.upload("letter.txt", "about shipping", event=False)
    assert found(world, "letter.txt")["batch"] is None


def test_a_deleted_document_keeps_its_record(world: PipelineOnFakes) -> None:
    world.upload("letter.txt", "about billing")
    world.run()
    world.remove("letter.txt")
    status = found(world, "letter.txt")
    assert (status["state"], status["etag"], status["size"]) == ("deleted", None, None)
    assert status["classification"] is not None


def test_a_blob_that_is_no_document_is_ignored(world: PipelineOnFakes) -> None:
    world.upload("picture.png", "about billing", event=False)
    assert found(world, "picture.png")["state"] == "ignored"


@pytest.mark.parametrize("name", ["../state/models/active", "..", "./letter.txt", "a/../../state/x"])
def test_a_name_that_climbs_out_of_the_container_is_unknown(world: PipelineOnFakes, name: str) -> None:
    assert world.services.document_report(name) is None


# again


def test_classify_again_sends_the_current_version_whatever_record_it_has(world: PipelineOnFakes) -> None:
    world.upload("letter.txt", "about billing")
    world.run()
    assert world.services.inbox.classify_again("letter.txt") is not None
    world.run()
    assert sum(world.service.submissions.values()) == 2
    assert world.violations() == []


def test_classify_again_knows_when_there_is_no_such_document(world: PipelineOnFakes) -> None:
    assert world.services.inbox.classify_again("nowhere.txt") is None
