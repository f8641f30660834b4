"""Documents matched with their records, from sorted listings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.documents.listings import by_record_name, match_records
from shared.documents.ref import record_name
from shared.storage.ports import BlobInfo
from tests.fakes import utf16

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def listing(names: Iterable[str]) -> list[BlobInfo]:
    """As storage lists them."""
    return [BlobInfo(name, '"0x1"', NOW, 1) for name in sorted(set(names), key=utf16)]


def matched(documents: Iterable[str], *records: Iterable[str]) -> dict[str, list[str | None]]:
    pairs = match_records(listing(documents), *(listing(names) for names in records))
    return {document.name: [record.name if record else None for record in found] for document, found in pairs}


def naive(documents: Iterable[str], *records: Iterable[str]) -> dict[str, list[str | None]]:
    sets = [set(names) for names in records]
    return {
        name: [record_name(name) if record_name(name) in names else None for names in sets] for name in set(documents)
    }


TRAPS = {
    "a name that begins with another": ["a.txt", "a.txt.b.txt"],
    "three of them": ["a.txt", "a.txt!.txt", "a.txt.b.txt", "a.txt.b.txt.txt", "a.txt.k.txt", "a.txt~.txt"],
    "folders": ["a.txt", "a.txt/b.txt", "a/b.txt", "a-b.txt"],
    "an emoji before full-width letters": ["\uff21.txt", "\U0001f600.txt", "z.txt"],
    "an emoji inside a name": ["a.txt\uff21.txt", "a.txt\U0001f600.txt", "a.txt"],
    "half of a surrogate pair": ["a\ud800.txt", "a\ud800.txt\udc00.txt", "z.txt"],
    "long names with one beginning": ["x" * 980 + f"{number:036}.txt" for number in range(20)],
    "long names beyond ASCII": ["\u6587" * 955 + chr(0x6587 + number) * 60 + ".txt" for number in range(-9, 9)],
    "a long name after its shorter like": [
        "\u6587" * 1_000 + ".txt",
        "\u6587" * 1_016 + ".txt",
        "\u6587" * 1_020 + ".txt",
    ],
}


@pytest.mark.parametrize("case", TRAPS)
def test_every_document_finds_its_record_although_the_suffix_changes_the_order(case: str) -> None:
    names = TRAPS[case]
    records = [record_name(name) for name in names]
    assert matched(names, records) == {name: [record_name(name)] for name in names}


@pytest.mark.parametrize("case", TRAPS)
def test_record_names_come_out_in_the_order_of_the_listing(case: str) -> None:
    names = [name for name, _ in by_record_name(listing(TRAPS[case]))]
    assert names == sorted(names, key=utf16)


ALPHABET = st.sampled_from(["a", "b", ".", ".txt", ".json", "/", "-", "~", "\u00e9", "\uff21", "\U0001f600"])
SHORT = st.lists(ALPHABET, max_size=6).map("".join)
LONG = st.builds(
    lambda head, tail: head * 470 + tail, st.sampled_from(["ab", "\u6587\u6587"]), SHORT.map(lambda tail: tail * 14)
)
NAMES = st.lists(st.one_of(SHORT, LONG).map(lambda name: name[:1_020] + ".txt"), max_size=25)


@given(NAMES, st.randoms(use_true_random=False))
@settings(max_examples=400, deadline=None)
def test_any_listings_match_like_a_dictionary_would(names: list[str], chance: object) -> None:
    def some() -> list[str]:
        return [record_name(name) for name in names if chance.random() < 0.6]  # type: ignore[attr-defined]

    classifications, failures = [*some(), "left-over.txt.json"], some()
    assert matched(names, classifications, failures) == naive(names, classifications, failures)


def test_records_of_deleted_documents_are_passed_over() -> None:
    assert matched(["b.txt"], ["a.txt.json", "b.txt.json", "c.txt.json"]) == {"b.txt": ["b.txt.json"]}


def test_no_documents_match_nothing() -> None:
    assert matched([], ["a.txt.json"]) == {}


def most_held(names: list[str]) -> int:
    """How many documents the buffer holds at most: read from the listing but not yet given out."""
    read = 0

    def counted() -> Iterator[BlobInfo]:
        nonlocal read
        for info in listing(names):
            read += 1
            yield info

    most = 0
    for given_out, _ in enumerate(by_record_name(counted())):
        most = max(most, read - given_out)
    return most


def test_ten_thousand_names_are_matched_in_the_memory_of_two() -> None:
    assert most_held([f"letters/{number:05}.txt" for number in range(10_000)]) <= 2


def test_the_buffer_holds_only_names_that_the_next_one_begins_with() -> None:
    names = [f"{number:04}.txt" for number in range(5_000)] + [f"{number:04}.txt.more.txt" for number in range(5_000)]
    assert most_held(names) <= 3
