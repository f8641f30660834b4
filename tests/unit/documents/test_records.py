"""The terminal records: one for each document, of its newest version, whatever the order of the writes."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.documents import failure_names
from shared.documents.failure_names import LISTED_FOR
from shared.documents.record_schema import BatchReference, ClassConfidence, ClassificationRecord, Timings
from shared.documents.ref import DocumentRef, FailureCode
from tests.fakes import START
from tests.faults.world import MODEL
from tests.services_on_fakes import PipelineOnFakes

NAME = "letter.txt"


def record_of(
    document: DocumentRef, *, batch: str = "b1", planned_minutes: int = 0, name: str = "a"
) -> ClassificationRecord:
    planned = START + timedelta(minutes=planned_minutes)
    return ClassificationRecord(
        document=document,
        project="letters",
        kind=MODEL.kind,
        model=MODEL,
        api_version="2021-preview",
        classes=[ClassConfidence(name=name, confidence=0.9)],
        warnings=[],
        batch=BatchReference(id=batch, jobs=["job-1"], attempt=0),
        timings=Timings(uploaded=document.last_modified, planned=planned, submitted=planned, completed=None),
    )


def write(world: PipelineOnFakes, record: ClassificationRecord, *, found_etag: str | None = None) -> None:
    world.services.records.write_classifications({0: record}, {0: found_etag})


def classify(
    world: PipelineOnFakes, document: DocumentRef, *, found_etag: str | None = None, **changes: object
) -> None:
    write(world, record_of(document, **changes), found_etag=found_etag)  # type: ignore[arg-type]


def fail(world: PipelineOnFakes, document: DocumentRef) -> bool:
    return world.services.records.write_failure(document, FailureCode.REFUSED, "refused", batch="b2")


def two_versions(world: PipelineOnFakes, seconds_between: int) -> tuple[DocumentRef, DocumentRef]:
    older = world.upload(NAME, "one", event=False)
    world.clock.advance(timedelta(seconds=seconds_between))
    return older, world.upload(NAME, "two", event=False)


def terminal(world: PipelineOnFakes) -> list[tuple[str, str]]:
    found = []
    if (classification := world.classification(NAME)) is not None:
        found.append(("classified", classification.document.etag))
    if (failure := world.failure(NAME)) is not None:
        found.append(("failed", failure.document.etag))
    return found


WRITES = [("older", "classified"), ("older", "failed"), ("newer", "classified"), ("newer", "failed")]
ORDERS = [order for length in range(1, 5) for order in itertools.permutations(WRITES, length)]


@pytest.mark.parametrize("seconds_between", [0, 1], ids=["same second", "a second apart"])
def test_one_record_of_the_newest_version_is_left_whatever_the_order_of_writes(seconds_between: int) -> None:
    for order in ORDERS:
        world = PipelineOnFakes()
        older, newer = two_versions(world, seconds_between)
        for version, kind in order:
            document = older if version == "older" else newer
            (classify if kind == "classified" else fail)(world, document)
        version = "newer" if any(each == "newer" for each, _ in order) else "older"
        kind = "classified" if (version, "classified") in order else "failed"
        etag = newer.etag if version == "newer" else older.etag
        assert terminal(world) == [(kind, etag)], order


def test_the_first_write_is_one_call(world: PipelineOnFakes) -> None:
    document = world.upload(NAME, "one", event=False)
    write(world, record_of(document))
    assert world.trace == ["classifications.create", "failures.list"]


def test_a_record_found_at_planning_is_replaced_in_one_call(world: PipelineOnFakes) -> None:
    older, newer = two_versions(world, 1)
    classify(world, older)
    found = world.stores["classifications"].find(f"{NAME}.json")
    assert found is not None
    world.trace.clear()
    write(world, record_of(newer), found_etag=found.etag)
    assert world.trace == ["classifications.replace"], "what has a failure record was listed a moment ago"
    assert terminal(world) == [("classified", newer.etag)]


def test_a_failure_of_an_older_version_that_comes_late_is_told_so(world: PipelineOnFakes) -> None:
    older, newer = two_versions(world, 1)
    assert fail(world, newer)
    assert not fail(world, older)


def test_in_equal_seconds_the_source_is_asked(world: PipelineOnFakes) -> None:
    older, newer = two_versions(world, 0)
    classify(world, newer)
    world.trace.clear()
    write(world, record_of(older))
    assert "documents.find" in world.trace
    assert terminal(world) == [("classified", newer.etag)]


def test_in_different_seconds_the_source_is_not_asked(world: PipelineOnFakes) -> None:
    older, newer = two_versions(world, 1)
    classify(world, newer)
    world.trace.clear()
    write(world, record_of(older))
    assert "documents.find" not in world.trace


def test_a_second_pass_of_the_same_batch_leaves_the_bytes(world: PipelineOnFakes) -> None:
    document = world.upload(NAME, "one", event=False)
    classify(world, document)
    before = world.stores["classifications"].read(f"{NAME}.json")
    classify(world, document)
    assert world.stores["classifications"].read(f"{NAME}.json") == before


@pytest.mark.parametrize(("planned_minutes", "winner"), [(5, "b"), (-5, "a")], ids=["later", "earlier"])
def test_of_two_batches_with_the_same_version_the_later_planned_one_stays(
    world: PipelineOnFakes, planned_minutes: int, winner: str
) -> None:
    document = world.upload(NAME, "one", event=False)
    classify(world, document, name="a")
    classify(world, document, batch="b9", planned_minutes=planned_minutes, name="b")
    record = world.classification(NAME)
    assert record is not None
    assert [each.name for each in record.classes] == [winner]


def test_a_record_that_vanished_since_planning_is_created_again(world: PipelineOnFakes) -> None:
    document = world.upload(NAME, "one", event=False)
    classify(world, document, found_etag='"gone"')
    assert terminal(world) == [("classified", document.etag)]


def test_the_metadata_names_the_version_and_the_batch(world: PipelineOnFakes) -> None:
    document = world.upload(NAME, "one", event=False)
    classify(world, document)
    found = world.stores["classifications"].find(f"{NAME}.json")
    assert found is not None
    assert found.metadata["etag"] == document.etag
    assert found.metadata["modified"] == "2026-03-01T12:00:00Z"
    assert found.metadata["batch"] == "b1"


def test_metadata_is_ascii_whatever_the_model_is_called(world: PipelineOnFakes) -> None:
    document = world.upload(NAME, "one", event=False)
    record = record_of(document).model_copy(update={"model": MODEL.model_copy(update={"label": "Briefe für März"})})
    write(world, record)
    found = world.stores["classifications"].find(f"{NAME}.json")
    assert found is not None
    assert all(value.isascii() for value in found.metadata.values())


def write_all(world: PipelineOnFakes, documents: list[DocumentRef], **options: Any) -> None:
    records = {index: record_of(document) for index, document in enumerate(documents)}
    world.services.records.write_classifications(records, {}, **options)


def test_only_failure_records_that_are_there_are_looked_at(world: PipelineOnFakes) -> None:
    documents = [world.upload(f"letters/{number}.txt", "text", event=False) for number in range(25)]
    for document in documents[:3]:
        fail(world, document)
    world.trace.clear()
    write_all(world, documents)
    assert [world.trace.count(f"failures.{call}") for call in ("list", "find", "delete")] == [1, 3, 3]
    assert world.stores["failures"].blobs == {}


def test_what_has_a_failure_record_is_listed_once_a_minute_for_all_batches(world: PipelineOnFakes) -> None:
    for number in range(120):
        write_all(world, [world.upload(f"{number}.txt", "text", event=False)])
        world.clock.advance(timedelta(seconds=1))
    assert world.trace.count("failures.list") <= 3
    assert world.trace.count("failures.find") == 0


def test_a_failure_record_of_this_process_is_known_at_once(world: PipelineOnFakes) -> None:
    write_all(world, [world.upload("another.txt", "text", event=False)])
    document = world.upload(NAME, "one", event=False)
    fail(world, document)
    write_all(world, [document])
    assert terminal(world) == [("classified", document.etag)]


def test_a_failure_record_is_known_although_it_is_written_while_the_names_are_listed(world: PipelineOnFakes) -> None:
    """Its name was noted before the listing, which could not see it yet."""
    document = world.upload(NAME, "one", event=False)

    def list_meanwhile(call: str) -> None:
        if call == "failures.create":
            world.disturb = None
            write_all(world, [world.upload("another.txt", "text", event=False)])

    world.disturb = list_meanwhile
    fail(world, document)
    write_all(world, [document])
    assert terminal(world) == [("classified", document.etag)]


def another_process_fails(world: PipelineOnFakes, document: DocumentRef) -> None:
    records = world.services.records
    replace(records).write_failure(document, FailureCode.REFUSED, "refused", batch="b2")


def test_a_failure_record_of_another_process_is_known_within_a_minute(world: PipelineOnFakes) -> None:
    write_all(world, [world.upload("another.txt", "text", event=False)])
    document = world.upload(NAME, "one", event=False)
    another_process_fails(world, document)
    world.clock.advance(LISTED_FOR)
    write_all(world, [document])
    assert terminal(world) == [("classified", document.etag)]


def test_one_that_is_not_known_yet_is_removed_by_reconcile(world: PipelineOnFakes) -> None:
    write_all(world, [world.upload("another.txt", "text", event=False)])
    document = world.upload(NAME, "one", event=False)
    another_process_fails(world, document)
    write_all(world, [document])
    assert terminal(world) == [("classified", document.etag), ("failed", document.etag)], "the price of not asking"
    world.services.reconcile()
    assert terminal(world) == [("classified", document.etag)]


def test_the_failure_record_of_what_was_redriven_is_looked_for_in_any_case(world: PipelineOnFakes) -> None:
    """Someone redrives what has just failed, and another process classifies it."""
    write_all(world, [world.upload("another.txt", "text", event=False)])
    document = world.upload(NAME, "one", event=False)
    another_process_fails(world, document)
    write_all(world, [document], redriven={0})
    assert terminal(world) == [("classified", document.etag)]


def test_names_beyond_what_is_listed_are_looked_up_one_by_one(
    world: PipelineOnFakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failure_names, "MAX_LISTED", 100)
    first, last = (world.upload(name, "text", event=False) for name in ("a.txt", "z.txt"))
    for number in range(200):
        world.stores["failures"].write_unhooked(f"b{number:04}.txt.json", b"{}", {"etag": '"1"'})
    write_all(world, [first])
    another_process_fails(world, last)
    world.trace.clear()
    write_all(world, [first, last])
    assert world.failure("z.txt") is None
    assert world.trace.count("failures.find") == 1


def test_writing_for_no_document_asks_nothing(world: PipelineOnFakes) -> None:
    world.services.records.write_classifications({}, {})
    assert world.trace == []
