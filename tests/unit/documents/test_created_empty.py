"""Some writers create a blob empty and fill it a moment later. Neither a record nor an alert comes of the moment."""

from __future__ import annotations

import json
import logging
from datetime import timedelta

import pytest

from shared.batches.batch import Outcome
from shared.documents.events import Upload
from shared.documents.messages import Source
from shared.documents.ref import FILLED_WITHIN
from tests.services_on_fakes import PipelineOnFakes

NAME = "letter.txt"
A_SECOND = timedelta(seconds=1)


def test_an_empty_blob_waits_without_a_record_a_message_or_a_warning(
    world: PipelineOnFakes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        world.upload(NAME, b"")
        world.run()
    assert world.failure(NAME) is None
    assert world.trace == []
    assert "document_waits" in caplog.text
    assert {record.levelno for record in caplog.records} == {logging.INFO}


def test_filled_a_moment_later_it_is_classified_and_nothing_else_is_seen(world: PipelineOnFakes) -> None:
    world.upload(NAME, b"")
    world.clock.advance(A_SECOND)
    filled = world.upload(NAME, "about billing")
    world.run()
    record = world.classification(NAME)
    assert record is not None
    assert record.document == filled
    assert "failures.create" not in world.trace


@pytest.mark.parametrize("content", [b"", b"about billing"], ids=["still empty", "filled"])
def test_without_another_event_reconcile_finds_it_after_the_grace(world: PipelineOnFakes, content: bytes) -> None:
    world.upload(NAME, b"")
    world.run()
    if content:
        world.upload(NAME, content, event=False)
    world.clock.advance(world.settings.grace)
    world.services.reconcile()
    world.run()
    assert world.violations() == []
    assert world.failure_codes() == ([] if content else ["empty"])


def test_with_a_grace_of_nothing_reconcile_waits_all_the_same() -> None:
    world = PipelineOnFakes(changes={"pipeline_grace_minutes": 0})
    world.upload(NAME, b"", event=False)
    world.clock.advance(A_SECOND)
    assert (world.services.reconcile().sent, world.failure(NAME)) == (0, None)
    world.clock.advance(FILLED_WITHIN)
    world.services.reconcile()
    assert world.failure_codes() == ["empty"]


@pytest.mark.parametrize("source", [each for each in Source if each is not Source.REDRIVE])
@pytest.mark.parametrize(("age", "codes"), [(FILLED_WITHIN - A_SECOND, []), (FILLED_WITHIN, ["empty"])])
def test_after_a_minute_it_is_empty_whoever_sends_it(
    world: PipelineOnFakes, source: Source, age: timedelta, codes: list[str]
) -> None:
    document = world.upload(NAME, b"", event=False)
    world.clock.advance(age)
    world.services.inbox.accept("documents", document, source=source)
    assert world.failure_codes() == codes
    assert world.queued_documents() == []


def test_a_person_who_sends_it_again_is_not_made_to_wait(world: PipelineOnFakes) -> None:
    world.upload(NAME, b"", event=False)
    assert world.services.inbox.classify_again(NAME) is not None
    assert world.failure_codes() == ["empty"]


def test_a_late_event_of_its_queue_ends_an_empty_blob(world: PipelineOnFakes) -> None:
    document = world.upload(NAME, b"", event=False)
    world.clock.advance(FILLED_WITHIN)
    world.services.inbox.take_in_upload(Upload(container="documents", name=NAME, etag=document.etag))
    assert world.failure_codes() == ["empty"]


@pytest.mark.parametrize(("age", "codes"), [(timedelta(0), []), (FILLED_WITHIN, ["empty"])], ids=["young", "old"])
def test_one_that_proves_empty_only_when_it_is_read_waits_and_its_neighbour_does_not(
    world: PipelineOnFakes, age: timedelta, codes: list[str]
) -> None:
    """A message may say another size than the blob has."""
    empty = world.upload(NAME, b"", event=False)
    world.upload("neighbour.txt", "about billing")
    world.queue_document(empty.model_copy(update={"size": 5}))
    world.clock.advance(age)
    world.services.inbox.wake()
    world.run()
    assert world.classification("neighbour.txt") is not None
    assert world.failure_codes() == codes
    expected = Outcome.FAILED if codes else Outcome.NOT_FILLED
    (batch,) = world.closed_batches()
    assert [each.outcome for each in batch.documents] == [expected, Outcome.CLASSIFIED]
    world.clock.advance(world.settings.grace)
    world.services.reconcile()
    assert world.failure_codes() == ["empty"]


def test_status_says_what_an_empty_document_waits_for(world: PipelineOnFakes) -> None:
    world.upload(NAME, b"")
    world.run()
    status = world.services.document_report(NAME)
    assert status is not None
    assert status.state == "waiting"
    assert "empty" in json.dumps(status.why)
