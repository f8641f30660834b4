"""What one document raises in a step, by a bug of ours, is not its neighbours': whatever the call it raises in."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from shared.batches import collector
from shared.batches.batch import Outcome
from shared.concurrency import ThreadFanOut, each_apart
from shared.errors import LanguageUnavailableError
from tests.fakes import FakeBlobStore
from tests.faults.disturbed import DisturbedWorld, Wire
from tests.faults.world import MODEL

BAD = "letter-0002.txt"
# The store and the call in which the bad document meets a bug, by step.
PLACES = {
    "reading its classification": ("classifications", "find"),
    "reading its text": ("documents", "read"),
    "writing its classification": ("classifications", "create"),
}


@pytest.fixture(autouse=True)
def every_version_may_have_come_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that its classification is looked for, which is one of the places."""
    monkeypatch.setattr(collector, "is_first", lambda _: False)


def break_at(store: FakeBlobStore, call: str, error: Callable[[], Exception], *, times: int = 1_000) -> list[int]:
    """Every call about the bad document raises, `times` times; counts them."""
    real, met = getattr(store, call), [0]

    def broken(name: str, *args: Any, **options: Any) -> Any:
        if name.startswith(BAD) and met[0] < times:
            met[0] += 1
            raise error()
        return real(name, *args, **options)

    setattr(store, call, broken)
    return met


def a_bug() -> Exception:
    return ValueError("a bug of ours")


def settled(world: DisturbedWorld, count: int = 4) -> dict[str, str]:
    """How each document ended, by name."""
    ends = {}
    for number in range(count):
        name = f"letter-{number:04}.txt"
        failure = world.failure(name)
        ends[name] = "classified" if world.classification(name) else failure.code.value if failure else "nothing"
    return ends


GOOD = {f"letter-{number:04}.txt": "classified" for number in (0, 1, 3)}


@pytest.mark.parametrize("place", PLACES)
def test_a_document_that_meets_a_bug_fails_alone_and_after_five_tries(
    place: str, caplog: pytest.LogCaptureFixture
) -> None:
    world = DisturbedWorld(poison_is_a_bug=False)
    store, call = PLACES[place]
    met = break_at(world.stores[store], call, a_bug)
    world.upload_letters(4)
    world.run()
    assert settled(world) == GOOD | {BAD: "poisoned"}
    assert world.open_batches() == 0
    assert met[0] >= 1 + 5, "once among its neighbours, five times alone"
    assert len(world.dead_letters()) == len(world.poison) == 1
    assert f"document_set_apart name={BAD}" in caplog.text
    assert {record.levelno for record in caplog.records if "document_set_apart" in record.message} == {logging.ERROR}
    assert "a bug of ours" not in caplog.text


@pytest.mark.parametrize("place", PLACES)
def test_a_document_that_meets_a_bug_once_is_classified_alone(place: str) -> None:
    world = DisturbedWorld()
    store, call = PLACES[place]
    break_at(world.stores[store], call, a_bug, times=1)
    world.upload_letters(4)
    world.run()
    assert settled(world) == GOOD | {BAD: "classified"}
    assert world.violations() == []
    assert sorted(world.outcomes(), key=str) == [Outcome.CLASSIFIED] * 4 + [Outcome.RESUBMITTED]
    assert world.dead_letters() == []


def test_the_neighbours_are_submitted_once_although_one_goes_on_alone() -> None:
    world = DisturbedWorld()
    break_at(world.stores["documents"], "read", a_bug, times=1)
    world.upload_letters(4)
    world.run()
    assert world.extra_submissions() == 0


def test_a_step_that_is_deferred_later_does_not_begin_again_with_what_went_on_alone() -> None:
    """The service is down: each try of the batch must not make another batch of the document that met a bug."""
    world = DisturbedWorld(poison_is_a_bug=False)
    met = break_at(world.stores["documents"], "read", a_bug)
    world.upload_letters(4)
    refused = [0]

    def refuse(request: httpx.Request) -> httpx.Response | None:
        refused[0] += 1
        return httpx.Response(503) if request.method == "POST" and refused[0] <= 20 else None

    Wire(world, refuse)
    world.run()
    assert settled(world) == GOOD | {BAD: "poisoned"}
    assert met[0] == 1 + 5
    assert len(world.dead_letters()) == 1


def test_when_all_documents_raise_alike_none_is_the_cause_and_the_step_fails_as_a_whole() -> None:
    world = DisturbedWorld(poison_is_a_bug=False)
    real, down = world.stores["documents"].read, [True]

    def broken(name: str, **options: Any) -> Any:
        if down[0]:
            raise ValueError("a bug of ours")
        return real(name, **options)

    world.stores["documents"].read = broken  # type: ignore[method-assign]
    world.upload_letters(4)

    def repaired() -> None:
        down[0] = world.max_dequeue < 3

    world.run(between=repaired)
    assert world.violations() == []
    assert [len(batch.documents) for batch in world.closed_batches()] == [4]
    assert world.failure_codes() == []


def test_what_the_service_or_storage_cannot_do_now_defers_the_batch_as_a_whole() -> None:
    world = DisturbedWorld()
    break_at(world.stores["documents"], "read", lambda: LanguageUnavailableError("later"), times=3)
    world.upload_letters(4)
    world.run()
    assert world.outcomes() == [Outcome.CLASSIFIED] * 4
    assert world.max_dequeue == 1


# dead letters


def give_up(world: DisturbedWorld) -> None:
    """What the last dead letter of a batch does."""
    world.model.model = None
    world.upload_letters(4)
    world._deliver_until(world.clock() + timedelta(minutes=5))
    (name,) = [name for name in world.stores["state"].blobs if name.startswith("batches/open/")]
    stored = world.services.batches.store.find(name.rpartition("/")[2].removesuffix(".json"))
    assert stored is not None
    dead_letters = world.services.batch_dead_letters
    dead_letters.close(dead_letters.give_up(stored, "it was given up on").stored)


def test_a_dead_letter_ends_its_batch_although_a_record_cannot_be_written(caplog: pytest.LogCaptureFixture) -> None:
    world = DisturbedWorld()
    break_at(world.stores["failures"], "create", lambda: UnicodeEncodeError("latin-1", "\u20ac", 0, 1, "not latin-1"))
    give_up(world)
    assert settled(world) == dict.fromkeys(GOOD, "poisoned") | {BAD: "nothing"}
    assert world.open_batches() == 0
    assert f"record_not_written name={BAD}" in caplog.text


def test_a_document_without_a_record_is_found_by_reconcile_once_the_cause_is_gone() -> None:
    world = DisturbedWorld()
    break_at(world.stores["failures"], "create", a_bug, times=1)
    give_up(world)
    world.clock.advance(timedelta(hours=1))
    world.model.model = MODEL
    world.reconcile()
    world.run()
    assert world.violations() == []


# the fan-out


def test_results_and_what_was_raised_keep_the_order_of_the_items() -> None:
    def odd(number: int) -> int:
        if number % 2:
            raise ValueError(number)
        return number * 10

    fan_out = ThreadFanOut(4)
    results, raised = each_apart(fan_out, odd, range(6))
    fan_out.close()
    assert results == [0, 20, 40]
    assert [(item, str(error)) for item, error in raised] == [(1, "1"), (3, "3"), (5, "5")]
