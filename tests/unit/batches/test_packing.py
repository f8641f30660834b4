"""Which documents share a job, and which texts share a request."""

from __future__ import annotations

import random
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.batches.packing import pack
from shared.documents.ref import MAX_CHARACTERS_PER_JOB, MAX_DOCUMENTS_PER_JOB


@dataclass(frozen=True)
class Item:
    number: int
    size: int


def items_of(sizes: list[int]) -> list[Item]:
    return [Item(number, size) for number, size in enumerate(sizes)]


def assert_packed(items: list[Item]) -> None:
    full, rest = pack(items)
    assert sorted(item.number for job in [*full, rest] for item in job) == [item.number for item in items]
    for job in [*full, rest]:
        assert len(job) <= MAX_DOCUMENTS_PER_JOB
        assert len(job) == 1 or sum(item.size for item in job) <= MAX_CHARACTERS_PER_JOB
    assert all(full)
    assert len(rest) < MAX_DOCUMENTS_PER_JOB


def test_ten_thousand_random_batches_keep_the_limits_and_lose_nothing() -> None:
    chance = random.Random(17)
    for _ in range(10_000):
        widest = chance.choice((10, 5_000, 60_000, 125_000, 200_000))
        assert_packed(items_of([chance.randint(1, widest) for _ in range(chance.randint(0, 50))]))


@given(st.lists(st.integers(0, 200_000), max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_batch_keeps_the_limits_and_loses_nothing(sizes: list[int]) -> None:
    assert_packed(items_of(sizes))


def test_25_small_documents_are_a_full_job() -> None:
    full, rest = pack(items_of([100] * 26))
    assert [len(job) for job in full] == [25]
    assert len(rest) == 1


def test_a_document_that_does_not_fit_closes_the_job_before_it() -> None:
    full, rest = pack(items_of([100_000, 25_000, 1]))
    assert [[item.size for item in job] for job in full] == [[100_000, 25_000]]
    assert [item.size for item in rest] == [1]


def test_a_document_over_the_limit_is_a_job_of_its_own_and_the_rest_goes_on_filling() -> None:
    full, rest = pack(items_of([10, 125_001, 20]))
    assert [[item.size for item in job] for job in full] == [[125_001]]
    assert [item.size for item in rest] == [10, 20]


def test_nothing_packs_to_nothing() -> None:
    assert pack([]) == ([], [])
