"""Reviews lose and double nothing: a crash at every call, two reviewers, the sweep, and new versions at every call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shared.documents.records import Records
from shared.errors import ReviewDecidedError, ReviewOutdatedError
from shared.reviews.decision import ReviewDecision
from shared.reviews.decisions import DecisionStore, StoredDecision
from shared.reviews.queue import ReviewQueue
from tests.fakes import serial_fan_out
from tests.faults.world import World
from tests.review_world import ReviewWorld, decide_all

# Reviews know no API version; what they begin with is the same under each.
pytestmark = pytest.mark.parametrize("api_version", ["2023-04-01"], indirect=True)

TEXT = "about billing"
MOMENTS = ("before", "after")


@pytest.fixture(autouse=True)
def _everything_is_reviewed(monkeypatch: pytest.MonkeyPatch) -> None:
    decide_all(monkeypatch)


def decide(world: ReviewWorld, review_id: str, *classes: str, by: str = "anna") -> None:
    world.services.reviews.decide(review_id, classes or ("billing",), skip=False, by=by)


def skip(world: ReviewWorld, review_id: str) -> None:
    world.services.reviews.decide(review_id, (), skip=True, by="anna")


def undo(world: ReviewWorld, review_id: str) -> None:
    world.services.reviews.undo(review_id, by="anna")


def decided(world: ReviewWorld, review_id: str) -> None:
    decide(world, review_id)


Act = Callable[[ReviewWorld, str], None]

# What is done, and what was done before it.
ACTS: dict[str, tuple[Act, list[Act], str]] = {
    "a decision": (decide, [], "decided"),
    "skipping": (skip, [], "skipped"),
    "undoing a decision": (undo, [decide], "open"),
    "undoing a skip": (undo, [skip], "open"),
    "a decision after an undone one": (decide, [decide, undo], "decided"),
}


def prepared(name: str) -> tuple[ReviewWorld, str, Act]:
    act, before, _ = ACTS[name]
    world = ReviewWorld()
    review_id = world.put_waiting("a.txt", TEXT)
    for each in before:
        each(world, review_id)
    world.begin()
    return world, review_id, act


def calls_of(name: str) -> int:
    world, review_id, act = prepared(name)
    act(world, review_id)
    calls = world.calls
    assert world.state_of("a.txt", TEXT) == ACTS[name][2]
    return calls


def test_no_crash_between_the_results_and_the_closed_batch_leaves_a_record_without_its_item() -> None:
    def run(world: World) -> None:
        for number in range(2):
            world.upload(f"letter-{number}.txt", f"letter {number} about billing")
        world.run()

    def published() -> ReviewWorld:
        world = ReviewWorld()
        world.publish("first")
        world.begin()
        return world

    undisturbed = published()
    run(undisturbed)
    for number in range(1, undisturbed.calls + 1):
        for moment in MOMENTS:
            world = published()
            world.crash_at = (number, moment)
            run(world)
            assert world.crashes == 1
            assert world.violations() == [], f"crash {number} {moment}"
            for each in range(2):
                assert world.state_of(f"letter-{each}.txt", "") == "open", f"crash {number} {moment}"


def moments_without_an_item(world: ReviewWorld) -> int:
    """Moments, between two calls of a run, at which a record says review and nothing waits."""
    found = 0
    perform = world._perform

    def watched(effect: Callable[[], Any]) -> Any:
        nonlocal found
        try:
            return perform(effect)
        finally:
            record = world.classification("a.txt")
            found += record is not None and not world.open_ids()

    world.publish("first")
    world._perform = watched  # type: ignore[method-assign]
    world.upload("a.txt", TEXT)
    world.run()
    assert world.classification("a.txt") is not None
    return found


def test_at_no_moment_does_a_record_say_review_and_nothing_waits() -> None:
    """A batch may be given up at any moment, and nothing else looks for items that are missing."""
    assert moments_without_an_item(ReviewWorld()) == 0


@pytest.mark.parametrize("name", ACTS)
def test_a_repeat_after_a_crash_at_any_call_ends_as_if_there_had_been_none(name: str) -> None:
    for number in range(1, calls_of(name) + 1):
        for moment in MOMENTS:
            world, review_id, act = prepared(name)
            with world.crashing(number, moment):
                act(world, review_id)
            assert world.crashes == 1
            act(world, review_id)
            assert world.state_of("a.txt", TEXT) == ACTS[name][2], f"crash {number} {moment}"


@pytest.mark.parametrize("name", ACTS)
def test_the_sweep_makes_whole_what_a_crash_at_any_call_has_left(name: str) -> None:
    ends = set()
    for number in range(1, calls_of(name) + 1):
        for moment in MOMENTS:
            world, review_id, act = prepared(name)
            with world.crashing(number, moment):
                act(world, review_id)
            world.sweep_reviews()
            ends.add(world.state_of("a.txt", TEXT))
    assert ends <= {"open", "decided", "skipped"}
    assert ACTS[name][2] in ends, "from the one write on that decides, nothing goes back"


def undo_and_decide(world: ReviewWorld, review_id: str) -> None:
    undo(world, review_id)
    decide(world, review_id, "shipping", by="bert")


def look(world: ReviewWorld, review_id: str) -> None:
    world.services.reviews.show(review_id)


OTHERS: dict[str, Act] = {
    "another decides": lambda world, review_id: decide(world, review_id, "shipping", by="bert"),
    "another decides the same": lambda world, review_id: decide(world, review_id, by="bert"),
    "another skips": skip,
    "another undoes": undo,
    "another undoes and decides": undo_and_decide,
    "the sweep": lambda world, _: world.sweep_reviews(),
    "another looks at it": look,
}


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("name", ACTS)
def test_two_at_once_leave_one_answer_and_nothing_by_halves(name: str, other: str) -> None:
    for number in range(1, calls_of(name) + 1):
        world, review_id, act = prepared(name)

        def meanwhile(world: ReviewWorld = world, review_id: str = review_id) -> None:
            quietly(lambda: OTHERS[other](world, review_id))

        world.meanwhile, world.meanwhile_at = meanwhile, number
        quietly(lambda act=act, world=world, review_id=review_id: act(world, review_id))  # type: ignore[misc]
        world.sweep_reviews()
        world.state_of("a.txt", TEXT)


def quietly(act: Callable[[], object]) -> None:
    """What another makes impossible is refused, and nothing else is."""
    try:
        act()
    except (ReviewDecidedError, ReviewOutdatedError):
        return


def attempt(world: ReviewWorld, review_id: str, classes: str, by: str) -> str:
    """Empty where it was decided, else what the reviewer is told."""
    try:
        decide(world, review_id, classes, by=by)
    except (ReviewDecidedError, ReviewOutdatedError) as error:
        return str(error)
    return ""


def test_of_two_reviewers_the_second_is_shown_what_the_first_decided() -> None:
    for number in range(1, calls_of("a decision") + 1):
        world, review_id, _ = prepared("a decision")
        told: dict[str, str] = {}

        def bert(world: ReviewWorld = world, review_id: str = review_id, told: dict[str, str] = told) -> None:
            told["bert"] = attempt(world, review_id, "shipping", "bert")

        world.meanwhile, world.meanwhile_at = bert, number
        told["anna"] = attempt(world, review_id, "billing", "anna")
        (decision,) = world.decisions()
        (loser,) = [each for each in told.values() if each]
        assert told[decision.by] == ""
        assert f"decided as {decision.classes[0]!r} by {decision.by!r}" in loser
        assert world.state_of("a.txt", TEXT) == "decided"


def test_a_document_overwritten_at_any_call_of_a_decision_keeps_each_text_with_its_own_label() -> None:
    refused = 0
    for number in range(1, calls_of("a decision") + 1):
        world, review_id, _ = prepared("a decision")
        world.meanwhile, world.meanwhile_at = lambda world=world: world.upload("a.txt", "about shipping"), number
        told = attempt(world, review_id, "billing", "anna")
        refused += "was overwritten at" in told
        world.publish("first")
        world.run()
        world.sweep_reviews()
        assert world.violations() == []
        assert world.state_of("a.txt", "about shipping") == "open", "the new version was not decided"
        for label in world.services.added_labels("letters"):
            assert world.stores["training"].blobs[label.location].data == TEXT.encode()
            assert label.classes == ("billing",)
    assert refused > 0


# Mutants: the order of writes, each of which one of the proofs above must catch.


def loses(name: str, *others: str) -> bool:
    """Whether a crash at some call leaves what the sweep does not make whole, or two at once leave a half."""
    try:
        test_the_sweep_makes_whole_what_a_crash_at_any_call_has_left(name)
        for other in others:
            test_two_at_once_leave_one_answer_and_nothing_by_halves(name, other)
    except AssertionError as error:
        print(error)
        return True
    return False


def test_a_mutant_that_removes_the_item_before_it_decides_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    real = DecisionStore.create

    def remove_first(self: DecisionStore, decision: ReviewDecision) -> StoredDecision:
        self._state.delete(f"reviews/open/{decision.item.id}.json")
        return real(self, decision)

    monkeypatch.setattr(DecisionStore, "create", remove_first)
    assert loses("a decision")


def test_a_mutant_that_does_not_look_whether_a_decision_was_withdrawn_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(DecisionStore, "is_still", lambda *_: True)
    assert loses("a decision", "another undoes")


def test_a_mutant_that_removes_whatever_item_is_there_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def remove(self: ReviewQueue, review_id: str, *, etag: str) -> bool:
        return self.state.delete(f"reviews/open/{review_id}.json")

    monkeypatch.setattr(ReviewQueue, "remove", remove)
    assert loses("a decision", "another undoes")


def test_a_mutant_that_undoes_without_saying_so_first_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DecisionStore, "withdraw", lambda _self, stored, **_: stored)
    assert loses("undoing a decision", "the sweep")


def test_a_mutant_that_writes_items_after_their_records_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    enqueue, write = ReviewQueue.enqueue, Records.write_classifications

    def write_then_enqueue(self: Records, records: Any, found: Any, **options: Any) -> dict[int, Exception]:
        raised = write(self, records, found, **options)
        queue = ReviewQueue(world.stores["state"], world.services.reviews.decisions, serial_fan_out)
        enqueue(queue, records, again=())
        return raised

    monkeypatch.setattr(ReviewQueue, "enqueue", lambda _self, records, **_: (dict(records), {}))
    monkeypatch.setattr(Records, "write_classifications", write_then_enqueue)
    world = ReviewWorld()
    assert moments_without_an_item(world) > 0
