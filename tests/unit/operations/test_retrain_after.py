"""A retraining starts by itself after enough decisions, once, and not while another runs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.operations.operation import OperationState, Retrain
from tests.review_world import ReviewWorld, decide_all


@pytest.fixture(autouse=True)
def _everything_is_reviewed(monkeypatch: pytest.MonkeyPatch) -> None:
    decide_all(monkeypatch)


def world_with(decisions: int) -> ReviewWorld:
    return ReviewWorld(changes={"retrain_after_decisions": decisions})


def decide(world: ReviewWorld, count: int, begin: int = 0) -> None:
    for number in range(begin, begin + count):
        world.services.reviews.decide(world.classified(f"{number}.txt"), ("billing",), skip=False, by="anna")
        world.clock.advance(timedelta(seconds=1))


def retrainings(world: ReviewWorld) -> list[str]:
    listed = world.services.operations.list("letters")
    return [each.id for each in listed if each.facts and each.facts.kind == "retrain"]


def test_as_many_decisions_as_were_asked_for_start_a_retraining_and_one_fewer_does_not() -> None:
    world = world_with(3)
    decide(world, 2)
    world.services.sweep()
    assert retrainings(world) == []
    decide(world, 1, begin=2)
    world.services.sweep()
    world.services.sweep()
    (operation_id,) = retrainings(world)
    found = world.services.operations.find(operation_id)
    assert isinstance(found, Retrain)
    assert found.request.publish


def test_decisions_are_counted_from_the_last_retraining_whatever_became_of_it() -> None:
    world = world_with(2)
    decide(world, 2)
    world.services.sweep()
    world.authoring.fails["train"] = [{"code": "InternalServerError", "message": "x"}]
    world.run()
    (first,) = retrainings(world)
    ended = world.services.operations.find(first)
    assert ended is not None
    assert ended.state is OperationState.FAILED
    decide(world, 1, begin=2)
    world.services.sweep()
    assert retrainings(world) == [first]
    decide(world, 1, begin=3)
    world.services.sweep()
    assert len(retrainings(world)) == 2


def test_while_an_operation_runs_none_starts() -> None:
    world = world_with(1)
    decide(world, 1)
    running = world.start("second")
    world.services.sweep()
    assert retrainings(world) == []
    world.finish(running)
    world.services.sweep()
    assert len(retrainings(world)) == 1


def test_skipping_and_undone_decisions_do_not_count() -> None:
    world = world_with(2)
    decide(world, 1)
    world.services.reviews.decide(world.classified("skipped.txt"), (), skip=True, by="anna")
    review_id = world.classified("undone.txt")
    world.services.reviews.decide(review_id, ("billing",), skip=False, by="anna")
    world.services.reviews.undo(review_id, by="anna")
    world.services.sweep()
    assert retrainings(world) == []


def test_by_default_none_starts_and_nothing_is_listed() -> None:
    world = world_with(0)
    decide(world, 3)
    world.begin()
    world.services.sweep.retrain()
    assert world.calls == 0
