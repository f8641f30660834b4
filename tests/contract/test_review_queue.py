"""The queue of reviews and its decisions, on the fake and on Azurite: names, metadata and conditions."""

from __future__ import annotations

import pytest

from shared.errors import VersionChangedError
from shared.language.authoring_values import LabelledDocument
from shared.models.acceptance import Right
from shared.reviews.decision import KeptText, ReviewDecision
from shared.reviews.decisions import DecisionStore
from shared.reviews.item import item_of
from shared.reviews.labels import AddedLabels
from shared.reviews.queue import ReviewQueue
from shared.storage.ports import BlobStore
from tests.fakes import START, FakeBlobStore, serial_fan_out
from tests.review_world import AUDIT, record

NAMES = {
    "ASCII": "x" * 1_020 + ".txt",
    "another script": "東" * 1_020 + ".txt",
    "emoji": "\U0001f600" * 510 + ".txt",
    "markup": "<b>&\"'%41\u202e.txt",
}


@pytest.fixture
def queue(store: BlobStore) -> ReviewQueue:
    return ReviewQueue(store, DecisionStore(store), serial_fan_out)


def test_names_of_any_length_and_script_come_back_in_the_order_of_confidence(queue: ReviewQueue) -> None:
    records = {n: record(name, billing=0.9 - n / 10) for n, name in enumerate(NAMES.values())}
    _, raised = queue.enqueue(records, again=())
    assert raised == {}
    assert [each.name for each in queue.list_first(20).reviews] == list(reversed(NAMES.values()))
    assert queue.list_first(2).more
    assert [each.name for each in queue.list_first(1, class_name="billing").reviews] == [NAMES["markup"]]


def test_of_two_decisions_on_a_version_one_is_kept_and_its_label_is_read_from_the_listing(
    store: BlobStore, queue: ReviewQueue
) -> None:
    item = item_of(record(NAMES["another script"], decision=AUDIT, billing=0.9))
    assert item is not None
    etag = store.put("reviewed-x.txt", "東京".encode())
    text = KeptText(container="training", location="reviewed-x.txt", etag=etag)
    decision = ReviewDecision(item=item, classes=("Grüße",), by="anna", at=START, text=text)
    stored = queue.decisions.create(decision)
    with pytest.raises(VersionChangedError):
        queue.decisions.create(decision.model_copy(update={"by": "bert"}))
    labels = AddedLabels(queue.decisions, lambda _: store, lambda _: None)
    assert labels("letters") == [LabelledDocument("reviewed-x.txt", "", ("Grüße",))]
    assert queue.decisions.is_still(stored)

    withdrawn = queue.decisions.withdraw(stored, by="anna", at=START)
    assert not queue.decisions.is_still(stored)
    assert labels("letters") == []
    with pytest.raises(VersionChangedError):
        queue.decisions.withdraw(stored, by="bert", at=START)
    assert not queue.decisions.delete(stored)
    assert queue.decisions.delete(withdrawn)


def test_the_log_lists_the_newest_first_and_tells_how_often_the_model_was_right(queue: ReviewQueue) -> None:
    for number in range(3):
        item = item_of(record(f"{number}.txt", decision=AUDIT, billing=0.9))
        assert item is not None
        classes = ("billing",) if number else ("shipping",)
        at = START.replace(hour=number)
        queue.decisions.log(ReviewDecision(item=item, classes=classes, by="anna", at=at))
    assert [line.at.hour for line in queue.decisions.newest("letters", count=2)] == [2, 1]
    since = START.replace(hour=1)
    found = queue.decisions.audited("letters", model="first", since=since, rule=Right.EXACT)
    assert (found.right, found.of, found.listed_all) == (2, 2, True)
    everything = queue.decisions.audited("letters", model="first", since=START.replace(hour=0), rule=Right.EXACT)
    assert (everything.right, everything.of) == (2, 3)


def test_a_text_that_is_copied_for_training_is_a_text_to_whoever_opens_it(store: BlobStore) -> None:
    store.put("reviewed-x.txt", "東京".encode())
    if not isinstance(store, FakeBlobStore):  # which keeps no type of what the app itself writes
        assert store.read("reviewed-x.txt").content_type == "text/plain; charset=utf-8"
