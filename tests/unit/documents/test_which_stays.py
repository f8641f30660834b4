"""Of two records of one document, which one stays: every row of the module's table, and every bound."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.documents.record_schema import RecordFacts
from shared.documents.ref import DocumentRef
from shared.documents.which_stays import Age, age_of, replaces_same_version

NOON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
DOCUMENT = DocumentRef(name="a.txt", etag='"0x2"', last_modified=NOON, size=1)

AGES: dict[str, tuple[str | None, datetime | None, Age]] = {
    # the found record's ETag and modified time -> its age beside DOCUMENT
    "the same version": ('"0x2"', NOON, Age.SAME),
    "the same version that says another time": ('"0x2"', NOON + SECOND, Age.SAME),
    "the same version that does not say when": ('"0x2"', None, Age.SAME),
    "another version of a second before": ('"0x1"', NOON - SECOND, Age.OLDER),
    "another version of the same second": ('"0x1"', NOON, Age.SAME_SECOND),
    "another version of a second after": ('"0x3"', NOON + SECOND, Age.NEWER),
    "another version that does not say when": ('"0x1"', None, Age.OLDER),
    "a version that is not named, of the same second": (None, NOON, Age.SAME_SECOND),
    "a record without facts": (None, None, Age.OLDER),
}


@pytest.mark.parametrize("case", AGES)
def test_the_version_and_then_the_time_say_how_old_a_record_is(case: str) -> None:
    etag, modified, age = AGES[case]
    assert age_of(RecordFacts(etag=etag, modified=modified), DOCUMENT) is age


REPLACEMENTS: dict[str, tuple[tuple[str | None, datetime | None], tuple[str | None, datetime | None], bool]] = {
    # batch and planning time of ours, and of the record found -> ours replaces it
    "the same batch": (("one", NOON), ("one", NOON), False),
    "the same batch, planned later": (("one", NOON + SECOND), ("one", NOON), False),
    "a later batch": (("two", NOON + SECOND), ("one", NOON), True),
    "a batch of the same time": (("two", NOON), ("one", NOON), True),
    "an earlier batch": (("two", NOON - SECOND), ("one", NOON), False),
    "a batch replaces what does not say when it was planned": (("two", NOON), ("one", None), True),
    "a failure replaces a failure": ((None, None), ("one", None), True),
    "a failure does not replace a classification": (("two", None), ("one", NOON), False),
    "two failures without a batch": ((None, None), (None, None), False),
}


@pytest.mark.parametrize("case", REPLACEMENTS)
def test_of_two_records_about_one_version_the_later_planned_one_stays(case: str) -> None:
    (our_batch, our_time), (batch, time), replaces = REPLACEMENTS[case]
    ours, found = RecordFacts(batch=our_batch, planned=our_time), RecordFacts(batch=batch, planned=time)
    assert replaces_same_version(ours, found) is replaces
