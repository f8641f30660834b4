"""The queue of what waits for review: its order, what a listing shows, and which records have an item."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from shared.documents.record_schema import (
    ClassConfidence,
    Decision,
)
from shared.errors import BlobUnreadableError
from shared.reviews.decision import ReviewDecision
from shared.reviews.decisions import DecisionStore
from shared.reviews.item import ListedReview, Reason, item_of, open_name
from shared.reviews.queue import ReviewQueue
from tests.fakes import START, FakeBlobStore, VirtualClock, serial_fan_out
from tests.review_world import AUDIT, TO_REVIEW, record

T = TypeVar("T")

ACCEPTED = TO_REVIEW.model_copy(update={"decision": Decision.ACCEPTED})


@pytest.fixture
def queue() -> ReviewQueue:
    state = FakeBlobStore("state", VirtualClock())
    return ReviewQueue(state, DecisionStore(state), serial_fan_out)


def names(queue: ReviewQueue, limit: int = 200) -> list[str]:
    return [each.name for each in queue.list_first(limit).reviews]


def test_the_least_sure_come_first_by_their_least_sure_class_and_one_without_a_class_before_all(
    queue: ReviewQueue,
) -> None:
    records = [
        record("sure.txt", billing=0.9),
        record("unsure.txt", billing=0.3),
        record("mixed.txt", billing=0.99, shipping=0.31),
        record("none.txt"),
    ]
    queue.enqueue(dict(enumerate(records)), again=())
    assert names(queue) == ["none.txt", "unsure.txt", "mixed.txt", "sure.txt"]
    assert [each.confidence for each in queue.list_first(200).reviews] == [None, 0.3, 0.31, 0.9]


def test_audits_lie_evenly_among_what_is_not_sure_whatever_their_own_confidence() -> None:
    low = [item_of(record(f"{n}.txt", decision=AUDIT, billing=0.55)) for n in range(400)]
    high = [item_of(record(f"{n}.txt", decision=AUDIT, billing=0.99)) for n in range(400)]
    ranks = [int(each.id[:5]) / 100_000 for each in low if each]
    assert [each.id for each in low if each] == [each.id for each in high if each], "the order does not tell how sure"
    assert max(ranks) < 0.5
    assert [sum(tenth / 20 <= rank < (tenth + 1) / 20 for rank in ranks) > 15 for tenth in range(10)] == [True] * 10


ITEMS = {
    "no acceptance": (None, None),
    "accepted": (ACCEPTED, None),
    "review": (TO_REVIEW, Reason.REVIEW),
    "an audit that says review": (AUDIT, Reason.AUDIT),
    "an audit that says accepted": (AUDIT.model_copy(update={"decision": Decision.ACCEPTED}), Reason.AUDIT),
    "nothing is promised": (TO_REVIEW.model_copy(update={"threshold": None}), Reason.REVIEW),
}


@pytest.mark.parametrize("case", ITEMS)
def test_one_write_for_what_a_person_is_to_look_at_and_none_for_the_rest(case: str) -> None:
    calls: list[str] = []

    def noted(name: str, effect: Callable[[], T]) -> T:
        calls.append(name)
        return effect()

    state = FakeBlobStore("state", VirtualClock(), noted)
    queue = ReviewQueue(state, DecisionStore(state), serial_fan_out)
    decision, reason = ITEMS[case]
    kept, raised = queue.enqueue({0: record(decision=decision, billing=0.6)}, again=())
    assert (set(kept), raised) == ({0}, {})
    assert calls == (["state.put"] if reason else [])
    assert [each.reason for each in queue.list_first(20).reviews] == ([reason] if reason else [])


def test_writing_an_item_twice_is_the_same_blob() -> None:
    state = FakeBlobStore("state", VirtualClock())
    queue = ReviewQueue(state, DecisionStore(state), serial_fan_out)
    queue.enqueue({0: record(billing=0.6)}, again=())
    before = {name: (each.data, each.info.metadata) for name, each in state.blobs.items()}
    queue.enqueue({0: record(billing=0.6)}, again=())
    assert {name: (each.data, each.info.metadata) for name, each in state.blobs.items()} == before


def test_a_page_of_the_list_is_one_call_and_says_whether_there_is_more(queue: ReviewQueue) -> None:
    queue.enqueue({n: record(f"{n}.txt", billing=n / 10) for n in range(5)}, again=())
    assert names(queue, 2) == ["0.txt", "1.txt"]
    assert queue.list_first(2).more
    assert not queue.list_first(5).more


def test_a_class_filters_by_what_the_model_named(queue: ReviewQueue) -> None:
    queue.enqueue(
        {
            0: record("a.txt", billing=0.1),
            1: record("b.txt", shipping=0.2),
            2: record("c.txt", billing=0.3, shipping=0.3),
        },
        again=(),
    )
    found = queue.list_first(1, class_name="shipping")
    assert [each.name for each in found.reviews] == ["b.txt"]
    assert found.more
    assert not queue.list_first(2, class_name="shipping").more
    assert queue.list_first(2, class_name="tax").reviews == []


LONG = {
    "1,024 ASCII characters": "x" * 1_020 + ".txt",
    "1,024 of another script": "東" * 1_020 + ".txt",
    "markup": "<script>alert(1)</script>&\"'.txt",
    "right to left": "\u202eevil\u202c.txt",
    "percent": "100%41 .txt",
}


@pytest.mark.parametrize("case", LONG)
def test_any_name_is_listed_as_it_is_whether_the_metadata_hold_it_or_not(queue: ReviewQueue, case: str) -> None:
    of_class = ClassConfidence(name="Grüße % <b>", confidence=0.5)
    queue.enqueue({0: record(LONG[case]).model_copy(update={"classes": [of_class]})}, again=())
    (listed,) = queue.list_first(20).reviews
    assert listed.name == LONG[case]
    assert [(each.name, each.confidence) for each in listed.classes] == [("Grüße % <b>", 0.5)]
    assert isinstance(queue.state, FakeBlobStore)
    (stored,) = queue.state.blobs.values()
    assert all(value.isascii() and value.isprintable() for value in stored.info.metadata.values())
    assert sum(len(name) + len(value) for name, value in stored.info.metadata.items()) < 8 * 1024


def test_an_item_that_cannot_be_read_does_not_hide_the_others(queue: ReviewQueue) -> None:
    queue.enqueue({0: record("東" * 1_000 + ".txt", billing=0.1), 1: record("b.txt", billing=0.2)}, again=())
    assert isinstance(queue.state, FakeBlobStore)
    first = min(queue.state.blobs)
    queue.state.write_unhooked(first, b"noise")
    assert names(queue) == ["b.txt"]


def test_metadata_that_are_not_ours_are_no_item() -> None:
    assert ListedReview.read("00000-x", {}) is None
    assert ListedReview.read("00000-x", {"name": "a", "model": "m", "classes": "noise"}) is None


def test_an_item_in_the_archive_tier_is_replaced(queue: ReviewQueue) -> None:
    queue.enqueue({0: record(billing=0.6)}, again=())
    assert isinstance(queue.state, FakeBlobStore)
    (name,) = queue.state.blobs
    queue.state.archive(name)
    _, raised = queue.enqueue({0: record(billing=0.6)}, again=())
    assert raised == {}
    assert names(queue) == ["a.txt"]


def test_an_item_that_can_be_neither_replaced_nor_removed_keeps_only_its_own_record_back(
    queue: ReviewQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = item_of(record("held.txt", billing=0.6))
    assert held is not None
    put = FakeBlobStore.put

    def refuse(self: FakeBlobStore, name: str, data: bytes, **options: Any) -> str:
        if name == open_name(held.id):
            raise BlobUnreadableError("a legal hold keeps it as it is")
        return put(self, name, data, **options)

    monkeypatch.setattr(FakeBlobStore, "put", refuse)
    kept, raised = queue.enqueue({0: record("held.txt", billing=0.6), 1: record("b.txt", billing=0.6)}, again=())
    assert (set(kept), set(raised)) == ({1}, {0})


def test_a_version_that_is_classified_again_keeps_what_was_decided(queue: ReviewQueue) -> None:
    item = item_of(record(billing=0.6))
    assert item is not None
    decision = ReviewDecision(item=item, classes=("shipping",), by="anna", at=START)
    queue.decisions.create(decision)
    kept, _ = queue.enqueue({0: record(billing=0.7)}, again={0})
    assert kept[0].review == decision.review
    assert names(queue) == []
    kept, _ = queue.enqueue({0: record(etag='"0x2"', billing=0.7)}, again={0})
    assert kept[0].review is None
    assert names(queue) == ["a.txt"]
