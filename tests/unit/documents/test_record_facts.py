"""What a listing shows of a record: metadata, typed, and each member readable on its own."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.documents.record_schema import RecordFacts
from tests.fakes import START

WHOLE = RecordFacts(
    etag='"0x8D"',
    modified=START,
    size=5,
    batch="b1",
    planned=START,
    model="Briefe f\u00fcr M\u00e4rz 50%",
    code="empty",
)
METADATA = {
    "etag": '"0x8D"',
    "modified": "2026-03-01T12:00:00Z",
    "size": "5",
    "batch": "b1",
    "planned": "2026-03-01T12:00:00Z",
    "model": "Briefe%20f%C3%BCr%20M%C3%A4rz%2050%25",
    "code": "empty",
}


def test_facts_are_written_as_ascii_and_read_back_as_themselves() -> None:
    assert WHOLE.to_metadata() == METADATA
    assert RecordFacts.read(METADATA) == WHOLE


def test_members_without_a_value_are_left_out_and_read_back_as_none() -> None:
    assert RecordFacts(etag='"1"').to_metadata() == {"etag": '"1"'}
    assert RecordFacts.read({"etag": '"1"'}) == RecordFacts(etag='"1"')
    assert RecordFacts.read({}) == RecordFacts()


UNREADABLE = {
    "modified": ["yesterday", "2026-03-01T12:00:00", "\x00"],
    "planned": ["yesterday", "2026-03-01T12:00:00"],
    "size": ["big", "5.5", "0x5"],
}


@pytest.mark.parametrize("member", UNREADABLE)
def test_a_member_that_cannot_be_read_is_none_and_takes_no_other_with_it(member: str) -> None:
    for value in UNREADABLE[member]:
        assert RecordFacts.read(METADATA | {member: value}) == WHOLE.model_copy(update={member: None}), value


def test_several_members_that_cannot_be_read_are_none_each() -> None:
    read = RecordFacts.read(METADATA | {"modified": "?", "planned": "?", "size": "?"})
    assert read == WHOLE.model_copy(update={"modified": None, "planned": None, "size": None})


@pytest.mark.parametrize("member", METADATA)
def test_an_empty_member_is_none(member: str) -> None:
    assert RecordFacts.read(METADATA | {member: ""}) == WHOLE.model_copy(update={member: None})


def test_metadata_of_others_are_ignored() -> None:
    assert RecordFacts.read(METADATA | {"colour": "red", "hdi_isfolder": "true"}) == WHOLE


def test_a_time_of_another_zone_is_the_same_moment() -> None:
    read = RecordFacts.read({"modified": "2026-03-01T14:00:00+02:00"})
    assert read.modified == datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(("etag", "about"), [('"0x8D"', True), ("0x8D", False), ('"0x8d"', False), ("", False)])
def test_facts_are_about_the_version_of_their_etag_and_no_other(etag: str, about: bool) -> None:
    assert WHOLE.is_about(etag) is about


def test_facts_without_an_etag_are_about_no_version() -> None:
    assert not RecordFacts().is_about('"0x8D"')
