"""The sweep over what waits: it goes on where it left off, and removes only what has no version any more."""

from __future__ import annotations

import pytest

from shared.documents.record_schema import Decision
from shared.reviews import sweep
from shared.reviews.sweep import SWEEP_PLACE
from tests.review_world import TO_REVIEW, ReviewWorld, decide_all


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> ReviewWorld:
    decide_all(monkeypatch)
    return ReviewWorld()


def test_items_of_versions_that_are_gone_are_removed_and_the_others_stay(world: ReviewWorld) -> None:
    kept = world.classified("kept.txt")
    for name in ("deleted.txt", "overwritten.txt"):
        world.classified(name)
    world.remove("deleted.txt")
    world.upload("overwritten.txt", "about shipping", event=False)
    world.sweep_reviews()
    assert world.open_ids() == [kept]


def test_an_item_is_removed_once_another_model_has_classified_its_version(
    world: ReviewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.classified()
    world.publish("second")
    decide_all(monkeypatch, TO_REVIEW.model_copy(update={"decision": Decision.ACCEPTED}))
    world.services.inbox.classify_again("a.txt")
    world.run()
    world.sweep_reviews()
    assert world.open_ids() == []


def test_an_item_whose_record_may_still_be_written_is_left_alone(world: ReviewWorld) -> None:
    review_id = world.classified()
    world.stores["classifications"]._delete("a.txt.json", None)
    world.services.sweep.reviews()
    assert world.open_ids() == [review_id]
    world.sweep_reviews()
    assert world.open_ids() == []


def test_one_sweep_looks_at_few_and_the_next_goes_on(world: ReviewWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "LOOKED_AT", 2)
    for number in range(5):
        world.classified(f"{number}.txt")
        world.remove(f"{number}.txt")
    world.clock.advance(2 * sweep.SETTLED_AFTER)
    left = []
    for _ in range(4):
        world.services.sweep.reviews()
        left.append(len(world.open_ids()))
    assert left == [3, 1, 0, 0]


def test_a_place_that_cannot_be_read_begins_again(world: ReviewWorld) -> None:
    world.classified()
    world.remove("a.txt")
    world.stores["state"].write_unhooked(SWEEP_PLACE, b"noise")
    world.sweep_reviews()
    assert world.open_ids() == []


def test_the_sweep_of_the_app_includes_it(world: ReviewWorld) -> None:
    world.classified()
    world.remove("a.txt")
    world.clock.advance(2 * sweep.SETTLED_AFTER)
    world.services.sweep()
    assert world.open_ids() == []
