"""A batch's id, its outcomes, its facts in a listing, and its history."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from pydantic import ValidationError

from shared.batches.batch import (
    Batch,
    BatchDocument,
    BatchState,
    Outcome,
    batch_id,
    plan_batch,
)
from shared.documents.messages import Source
from shared.documents.ref import DocumentRef
from shared.documents.texts import document_index, text_id
from tests.fakes import START


def planned(name: str, etag: str = '"1"', **changes: object) -> BatchDocument:
    document = DocumentRef(name=name, etag=etag, last_modified=START, size=5)
    return BatchDocument(document=document).model_copy(update=changes)


DOCUMENTS = [planned(f"letter-{number}.txt", f'"{number}"') for number in range(25)]


def test_the_id_does_not_depend_on_the_order_of_the_documents() -> None:
    shuffled = random.Random(1).sample(DOCUMENTS, len(DOCUMENTS))
    assert batch_id(shuffled) == batch_id(DOCUMENTS)


def test_the_id_is_the_same_in_every_release() -> None:
    """A redeploy in mid-flight must find what the release before it has planned."""
    assert batch_id(DOCUMENTS[:2]) == "2ef95c07e1e0611b3f9c5d3d9f67f0b6"


def test_the_id_does_not_depend_on_who_sent_the_document() -> None:
    assert batch_id([planned("a.txt", source=Source.RECONCILE)]) == batch_id([planned("a.txt")])


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
    assert batch_id(DIFFERENT[case]) != batch_id([planned("a.txt")])


def test_a_planned_batch_is_sorted_and_due_within_the_allowance() -> None:
    batch = plan_batch(list(reversed(DOCUMENTS)), START)
    assert [each.document.name for each in batch.documents] == sorted(each.document.name for each in DOCUMENTS)
    assert batch.state is BatchState.PLANNED
    assert START < batch.due <= START + timedelta(minutes=10)


def test_a_batch_reads_back_as_itself() -> None:
    batch = plan_batch(DOCUMENTS, START).evolve(START, "looked at", waiting="no model")
    assert Batch.model_validate_json(batch.model_dump_json(by_alias=True)) == batch


def test_a_batch_of_another_schema_is_refused() -> None:
    text = plan_batch(DOCUMENTS, START).model_dump_json(by_alias=True).replace('"schema":1', '"schema":2')
    with pytest.raises(ValidationError):
        Batch.model_validate_json(text)


def test_open_documents_keep_their_index_when_others_have_ended() -> None:
    batch = plan_batch(DOCUMENTS[:3], START)
    batch = batch.model_copy(update={"documents": batch.with_outcomes({1: Outcome.DELETED})})
    assert [index for index, _ in batch.open_documents] == [0, 2]


def test_the_history_keeps_its_newest_fifty_lines() -> None:
    batch = plan_batch(DOCUMENTS, START)
    for number in range(60):
        batch = batch.evolve(START, f"line {number}")
    assert [event.what for event in batch.history] == [f"line {number}" for number in range(10, 60)]


@pytest.mark.parametrize(
    ("index", "part", "text"), [(0, None, "2ef95c07.0"), (24, None, "2ef95c07.24"), (3, 12, "2ef95c07.3.12")]
)
def test_a_text_id_leads_back_to_its_document(index: int, part: int | None, text: str) -> None:
    assert text_id(batch_id(DOCUMENTS[:2]), index, part=part) == text
    assert document_index(text) == index


@pytest.mark.parametrize(("text", "index"), [("0", 0), ("24", 24), ("3.12", 3)])
def test_text_ids_of_jobs_that_an_earlier_release_submitted_are_still_read(text: str, index: int) -> None:
    assert document_index(text) == index


def test_no_two_batches_share_a_text_id() -> None:
    first, second = batch_id(DOCUMENTS[:2]), batch_id(DOCUMENTS[2:4])
    assert text_id(first, 0) != text_id(second, 0)


def test_the_metadata_tells_listings_what_they_need() -> None:
    batch = plan_batch(DOCUMENTS, START).model_copy(update={"waiting": "no model"})
    assert batch.facts().to_metadata() == {
        "state": "planned",
        "documents": "25",
        "created": "2026-03-01T12:00:00Z",
        "due": "2026-03-01T12:10:00Z",
        "waiting": "True",
    }
