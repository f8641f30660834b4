"""The manifest's id, its outcomes, and its history."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from pydantic import ValidationError

from shared.documents.ref import DocumentRef
from shared.messages import Source
from shared.pipeline.manifest import (
    JobState,
    Manifest,
    Outcome,
    PlannedDocument,
    document_index,
    manifest_id,
    plan_manifest,
    text_id,
)
from tests.fakes import START


def planned(name: str, etag: str = '"1"', **changes: object) -> PlannedDocument:
    document = DocumentRef(name=name, etag=etag, last_modified=START, size=5)
    return PlannedDocument(document=document).model_copy(update=changes)


BATCH = [planned(f"letter-{number}.txt", f'"{number}"') for number in range(25)]


def test_the_id_does_not_depend_on_the_order_of_the_batch() -> None:
    shuffled = random.Random(1).sample(BATCH, len(BATCH))
    assert manifest_id(shuffled) == manifest_id(BATCH)


def test_the_id_is_the_same_in_every_release() -> None:
    """A redeploy in mid-flight must find what the release before it has planned."""
    assert manifest_id(BATCH[:2]) == "2ef95c07e1e0611b3f9c5d3d9f67f0b6"


def test_the_id_does_not_depend_on_who_sent_the_document() -> None:
    assert manifest_id([planned("a.txt", source=Source.RECONCILE)]) == manifest_id([planned("a.txt")])


DIFFERENT = {
    "another name": [planned("b.txt")],
    "another version": [planned("a.txt", '"2"')],
    "another attempt": [planned("a.txt", attempt=1)],
    "one more document": [planned("a.txt"), planned("b.txt")],
    "no document": [],
    "a name that looks like two": [planned("a.txt', '\"1\"', 0), ('b.txt")],
}


@pytest.mark.parametrize("case", DIFFERENT)
def test_the_id_differs_for_another_batch(case: str) -> None:
    assert manifest_id(DIFFERENT[case]) != manifest_id([planned("a.txt")])


def test_a_planned_manifest_is_sorted_and_due_within_the_allowance() -> None:
    manifest = plan_manifest(list(reversed(BATCH)), START)
    assert [each.document.name for each in manifest.documents] == sorted(each.document.name for each in BATCH)
    assert manifest.state is JobState.PLANNED
    assert START < manifest.due <= START + timedelta(minutes=10)


def test_a_manifest_reads_back_as_itself() -> None:
    manifest = plan_manifest(BATCH, START).evolve(START, "looked at", waiting="no model")
    assert Manifest.model_validate_json(manifest.model_dump_json(by_alias=True)) == manifest


def test_a_manifest_of_another_schema_is_refused() -> None:
    text = plan_manifest(BATCH, START).model_dump_json(by_alias=True).replace('"schema":1', '"schema":2')
    with pytest.raises(ValidationError):
        Manifest.model_validate_json(text)


def test_open_documents_keep_their_index_when_others_have_ended() -> None:
    manifest = plan_manifest(BATCH[:3], START)
    manifest = manifest.model_copy(update={"documents": manifest.with_outcomes({1: Outcome.DELETED})})
    assert [index for index, _ in manifest.open_documents] == [0, 2]


def test_the_history_keeps_its_newest_fifty_lines() -> None:
    manifest = plan_manifest(BATCH, START)
    for number in range(60):
        manifest = manifest.evolve(START, f"line {number}")
    assert [event.what for event in manifest.events] == [f"line {number}" for number in range(10, 60)]


@pytest.mark.parametrize(("index", "part", "text"), [(0, None, "0"), (24, None, "24"), (3, 12, "3.12")])
def test_a_text_id_leads_back_to_its_document(index: int, part: int | None, text: str) -> None:
    assert text_id(index, part) == text
    assert document_index(text) == index


def test_the_metadata_tells_listings_what_they_need() -> None:
    manifest = plan_manifest(BATCH, START).model_copy(update={"waiting": "no model"})
    assert manifest.metadata() == {
        "state": "planned",
        "documents": "25",
        "created": START.isoformat(),
        "due": manifest.due.isoformat(),
        "waiting": "yes",
    }
