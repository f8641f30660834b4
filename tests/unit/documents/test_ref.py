"""Names of documents and of their records."""

from __future__ import annotations

import pytest

from shared.documents.ref import MAX_BLOB_NAME, is_document_name, record_name


@pytest.mark.parametrize("name", ["a.txt", "A.TXT", "x/y.tXt", ".txt", "a b#%?.txt"])
def test_a_name_that_ends_in_txt_in_any_case_is_a_document(name: str) -> None:
    assert is_document_name(name)


@pytest.mark.parametrize("name", ["a.txt.json", "txt", "a.text", "", "a.txt/"])
def test_any_other_name_is_no_document(name: str) -> None:
    assert not is_document_name(name)


@pytest.mark.parametrize("length", [5, 1_000, 1_018, 1_019, 1_020, 1_023, 1_024])
@pytest.mark.parametrize("letter", ["a", "\u00e9", "\U0001f600"], ids=["ascii", "accent", "emoji"])
def test_every_record_name_is_a_possible_blob_name_that_begins_like_the_document(length: int, letter: str) -> None:
    name = letter * (length - 4) + ".txt"
    record = record_name(name)
    assert len(record) <= MAX_BLOB_NAME
    assert record.endswith(".json")
    assert record.startswith(name[:950])


def test_long_names_that_differ_only_at_their_end_have_records_of_their_own() -> None:
    names = [("a" * 1_000 + f"{number:020}.txt")[-1_024:] for number in range(1_000)]
    assert len({record_name(name) for name in names}) == 1_000


def test_a_short_name_keeps_its_whole_self() -> None:
    assert record_name("x/y.txt") == "x/y.txt.json"
