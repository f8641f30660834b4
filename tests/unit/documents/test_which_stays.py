"""The truth table of which_stays.py, each row on both sides of its bounds."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from shared.documents.record_schema import RecordFacts
from shared.documents.ref import DocumentRef
from shared.documents.which_stays import Age, age_of, replaces_same_version
from tests.fakes import START

DOCUMENT = DocumentRef(name="letter.txt", etag='"2"', last_modified=START, size=5)
INSTANT = timedelta(microseconds=1)

AGES: dict[str, tuple[RecordFacts, Age]] = {
    "the same version": (RecordFacts(etag='"2"', modified=START), Age.SAME),
    "the same version, whatever its time": (RecordFacts(etag='"2"', modified=START + timedelta(days=9)), Age.SAME),
    "the same version without a time": (RecordFacts(etag='"2"'), Age.SAME),
    "another, modified an instant earlier": (RecordFacts(etag='"1"', modified=START - INSTANT), Age.OLDER),
    "another, modified days earlier": (RecordFacts(etag='"1"', modified=START - timedelta(days=9)), Age.OLDER),
    "another that does not say when": (RecordFacts(etag='"1"'), Age.OLDER),
    "nothing is known of it": (RecordFacts(), Age.OLDER),
    "no ETag, the same second": (RecordFacts(modified=START), Age.SAME_SECOND),
    "another, modified an instant later": (RecordFacts(etag='"3"', modified=START + INSTANT), Age.NEWER),
    "another in the same second": (RecordFacts(etag='"3"', modified=START), Age.SAME_SECOND),
    "an ETag that differs by its quotes": (RecordFacts(etag="2", modified=START), Age.SAME_SECOND),
}


@pytest.mark.parametrize("case", AGES)
def test_a_record_s_version_is_older_newer_the_same_or_of_the_same_second(case: str) -> None:
    found, age = AGES[case]
    assert age_of(found, DOCUMENT) is age


def facts(batch: str | None, planned: datetime | None) -> RecordFacts:
    return RecordFacts(etag='"2"', batch=batch, planned=planned)


SAME_VERSION: dict[str, tuple[RecordFacts, RecordFacts, bool]] = {
    # ours, found -> ours replaces it
    "of the same batch": (facts("b1", START), facts("b1", START), False),
    "of the same batch, whatever its time": (facts("b1", START), facts("b1", START - timedelta(days=1)), False),
    "both of no batch": (facts(None, None), facts(None, None), False),
    "planned an instant later": (facts("b1", START), facts("b2", START + INSTANT), False),
    "planned at the same moment": (facts("b1", START), facts("b2", START), True),
    "planned an instant earlier": (facts("b1", START), facts("b2", START - INSTANT), True),
    "without a planning time": (facts("b1", START), facts("b2", None), True),
    "ours without a planning time": (facts("b1", None), facts("b2", START), False),
    "both without a planning time": (facts("b1", None), facts("b2", None), True),
    "the other of no batch": (facts("b1", START), facts(None, START - INSTANT), True),
}


@pytest.mark.parametrize("case", SAME_VERSION)
def test_of_two_records_about_one_version_the_later_planned_batch_s_stays(case: str) -> None:
    ours, found, replaces = SAME_VERSION[case]
    assert replaces_same_version(ours, found) is replaces
