"""Which documents share a batch."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.documents.packing import pack
from shared.documents.ref import MAX_CHARACTERS_PER_JOB, MAX_DOCUMENTS_PER_JOB


@dataclass(frozen=True)
class Item:
    number: int
    size: int


def items_of(sizes: list[int]) -> list[Item]:
    return [Item(number, size) for number, size in enumerate(sizes)]


def assert_packed(items: list[Item]) -> None:
    full, rest = pack(items)
    assert sorted(item.number for batch in [*full, rest] for item in batch) == [item.number for item in items]
    for batch in [*full, rest]:
        assert len(batch) <= MAX_DOCUMENTS_PER_JOB
        assert len(batch) == 1 or sum(item.size for item in batch) <= MAX_CHARACTERS_PER_JOB
    assert all(full)
    assert len(rest) < MAX_DOCUMENTS_PER_JOB


PACKED: dict[str, tuple[list[int], list[list[int]], list[int]]] = {
    # sizes -> sizes of the full batches, sizes of the rest
    "nothing": ([], [], []),
    "one": ([1], [], [1]),
    "24 small ones": ([100] * 24, [], [100] * 24),
    "25 small ones are full": ([100] * 25, [[100] * 25], []),
    "a 26th begins the next": ([100] * 26, [[100] * 25], [100]),
    "50 are two": ([0] * 50, [[0] * 25, [0] * 25], []),
    "exactly the characters allowed may still grow": ([100_000, 25_000], [], [100_000, 25_000]),
    "one character more does not fit": ([100_000, 25_001], [[100_000]], [25_001]),
    "an empty one fits a batch without room": ([100_000, 25_000, 0], [], [100_000, 25_000, 0]),
    "what does not fit closes the batch before it": ([100_000, 25_000, 1], [[100_000, 25_000]], [1]),
    "a small one after that does not go back": ([100_000, 30_000, 10], [[100_000]], [30_000, 10]),
    "one of all the characters allowed is no batch of its own": (
        [10, 125_000, 20],
        [[10], [125_000]],
        [20],
    ),
    "one over the limit is, and the rest goes on filling": ([10, 125_001, 20], [[125_001]], [10, 20]),
    "two over the limit": ([125_001, 300_000], [[125_001], [300_000]], []),
}


@pytest.mark.parametrize("case", PACKED)
def test_a_batch_is_full_with_25_documents_or_when_the_next_does_not_fit(case: str) -> None:
    sizes, full_sizes, rest_sizes = PACKED[case]
    full, rest = pack(items_of(sizes))
    assert [[item.size for item in batch] for batch in full] == full_sizes
    assert [item.size for item in rest] == rest_sizes


def test_the_service_takes_25_documents_and_125000_characters_in_a_job() -> None:
    assert (MAX_DOCUMENTS_PER_JOB, MAX_CHARACTERS_PER_JOB) == (25, 125_000)


def test_ten_thousand_random_batches_keep_the_limits_and_lose_nothing() -> None:
    chance = random.Random(17)
    for _ in range(10_000):
        widest = chance.choice((10, 5_000, 60_000, 125_000, 200_000))
        assert_packed(items_of([chance.randint(1, widest) for _ in range(chance.randint(0, 50))]))


@given(st.lists(st.integers(0, 200_000), max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_batch_keeps_the_limits_and_loses_nothing(sizes: list[int]) -> None:
    assert_packed(items_of(sizes))
