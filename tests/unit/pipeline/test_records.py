"""The terminal records: one for each document, of its newest version, whatever the order of the writes."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest

from shared.documents.ref import DocumentRef, FailureCode
from shared.pipeline.record_schema import ClassificationRecord, ClassRecord, JobRecord, Timings
from shared.pipeline.records import clear_failures, write_classification, write_failure
from tests.fakes import START
from tests.faults.disturbed import DisturbedWorld
from tests.faults.world import MODEL

NAME = "letter.txt"


def record_of(
    document: DocumentRef, *, job: str = "j1", planned_minutes: int = 0, name: str = "a"
) -> ClassificationRecord:
    planned = START + timedelta(minutes=planned_minutes)
    return ClassificationRecord(
        document=document,
        project="letters",
        kind=MODEL.kind,
        model=MODEL,
        api_version="2021-preview",
        classes=[ClassRecord(name=name, confidence=0.9)],
        warnings=[],
        job=JobRecord(id=job, analyze_jobs=["job-1"], attempt=0),
        timings=Timings(uploaded=document.last_modified, planned=planned, submitted=planned, completed=None),
    )


def classify(world: DisturbedWorld, document: DocumentRef, *, found_etag: str | None = None, **changes: object) -> bool:
    record = record_of(document, **changes)  # type: ignore[arg-type]
    written = write_classification(world.pipeline, record, found_etag=found_etag)
    clear_failures(world.pipeline, [document])
    return written


def fail(world: DisturbedWorld, document: DocumentRef) -> bool:
    return write_failure(world.pipeline, document, FailureCode.REFUSED, "refused", job="j2")


def two_versions(world: DisturbedWorld, seconds_between: int) -> tuple[DocumentRef, DocumentRef]:
    older = world.upload(NAME, "one", event=False)
    world.clock.advance(timedelta(seconds=seconds_between))
    return older, world.upload(NAME, "two", event=False)


def terminal(world: DisturbedWorld) -> list[tuple[str, str]]:
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
        world = DisturbedWorld()
        older, newer = two_versions(world, seconds_between)
        for version, kind in order:
            document = older if version == "older" else newer
            (classify if kind == "classified" else fail)(world, document)
        version = "newer" if any(each == "newer" for each, _ in order) else "older"
        kind = "classified" if (version, "classified") in order else "failed"
        etag = newer.etag if version == "newer" else older.etag
        assert terminal(world) == [(kind, etag)], order


def test_the_first_write_is_one_call(world: DisturbedWorld) -> None:
    document = world.upload(NAME, "one", event=False)
    assert write_classification(world.pipeline, record_of(document), found_etag=None)
    assert world.trace == ["classifications.create"]


def test_a_record_found_at_planning_is_replaced_in_one_call(world: DisturbedWorld) -> None:
    older, newer = two_versions(world, 1)
    classify(world, older)
    found = world.stores["classifications"].find(f"{NAME}.json")
    assert found is not None
    world.trace.clear()
    assert write_classification(world.pipeline, record_of(newer), found_etag=found.etag)
    assert world.trace == ["classifications.replace"]
    assert terminal(world) == [("classified", newer.etag)]


def test_an_older_version_that_comes_late_is_told_so(world: DisturbedWorld) -> None:
    older, newer = two_versions(world, 1)
    assert classify(world, newer)
    assert not classify(world, older)


def test_in_equal_seconds_the_source_is_asked(world: DisturbedWorld) -> None:
    older, newer = two_versions(world, 0)
    classify(world, newer)
    world.trace.clear()
    assert not write_classification(world.pipeline, record_of(older), found_etag=None)
    assert "documents.find" in world.trace


def test_in_different_seconds_the_source_is_not_asked(world: DisturbedWorld) -> None:
    older, newer = two_versions(world, 1)
    classify(world, newer)
    world.trace.clear()
    write_classification(world.pipeline, record_of(older), found_etag=None)
    assert "documents.find" not in world.trace


def test_a_second_pass_of_the_same_job_leaves_the_bytes_and_says_it_is_done(world: DisturbedWorld) -> None:
    document = world.upload(NAME, "one", event=False)
    classify(world, document)
    before = world.stores["classifications"].read(f"{NAME}.json")
    assert classify(world, document)
    assert world.stores["classifications"].read(f"{NAME}.json") == before


@pytest.mark.parametrize(("planned_minutes", "winner"), [(5, "b"), (-5, "a")], ids=["later", "earlier"])
def test_of_two_jobs_with_the_same_version_the_later_planned_one_stays(
    world: DisturbedWorld, planned_minutes: int, winner: str
) -> None:
    document = world.upload(NAME, "one", event=False)
    classify(world, document, name="a")
    assert classify(world, document, job="j9", planned_minutes=planned_minutes, name="b")
    record = world.classification(NAME)
    assert record is not None
    assert [each.name for each in record.classes] == [winner]


def test_a_record_that_vanished_since_planning_is_created_again(world: DisturbedWorld) -> None:
    document = world.upload(NAME, "one", event=False)
    assert classify(world, document, found_etag='"gone"')
    assert terminal(world) == [("classified", document.etag)]


def test_the_metadata_names_the_version_and_the_job(world: DisturbedWorld) -> None:
    document = world.upload(NAME, "one", event=False)
    classify(world, document)
    found = world.stores["classifications"].find(f"{NAME}.json")
    assert found is not None
    assert found.metadata["etag"] == document.etag
    assert found.metadata["modified"] == document.last_modified.isoformat()
    assert found.metadata["job"] == "j1"


def test_metadata_is_ascii_whatever_the_model_is_called(world: DisturbedWorld) -> None:
    document = world.upload(NAME, "one", event=False)
    record = record_of(document).model_copy(update={"model": MODEL.model_copy(update={"label": "Briefe für März"})})
    write_classification(world.pipeline, record, found_etag=None)
    found = world.stores["classifications"].find(f"{NAME}.json")
    assert found is not None
    assert all(value.isascii() for value in found.metadata.values())


def test_failure_records_of_a_whole_job_are_cleared_with_one_listing(world: DisturbedWorld) -> None:
    documents = [world.upload(f"letters/{number}.txt", "text", event=False) for number in range(25)]
    for document in documents[:3]:
        fail(world, document)
    world.trace.clear()
    clear_failures(world.pipeline, documents)
    assert world.trace.count("failures.list") == 1
    assert world.trace.count("failures.delete") == 3
    assert world.stores["failures"]._blobs == {}


def test_failure_records_beyond_the_first_page_are_looked_up_by_name(world: DisturbedWorld) -> None:
    first, last = (world.upload(name, "text", event=False) for name in ("a.txt", "z.txt"))
    fail(world, last)
    for number in range(5_000):
        world.stores["failures"]._write(f"b{number:04}.txt.json", b"{}", {"etag": '"1"'}, must_be="*")
    clear_failures(world.pipeline, [first, last])
    assert world.failure("z.txt") is None


def test_clearing_for_no_document_asks_nothing(world: DisturbedWorld) -> None:
    clear_failures(world.pipeline, [])
    assert world.trace == []
