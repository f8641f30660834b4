"""The crash tests have teeth: six mutants of the protocol, each of which they must catch. Sweep and reconcile are off.

A mutant is told by the external calls whose order it breaks (`Reorder`), not by the code that makes them, so that no
rename and no refactoring can disarm it. Each must have changed the run that it is in, or the test fails.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from shared.documents import inbox, records
from shared.documents.which_stays import Age
from shared.storage.ports import Blob, SentMessage
from tests.faults.world import Reorder, World

DOCUMENTS = 10

# The protocol is the same under every API version; test_crash_points.py runs under each.
pytestmark = pytest.mark.parametrize("api_version", ["2023-04-01"], indirect=True)

SEND_DOCUMENT, DELETE_DOCUMENT = "documents-queue.send", "documents-queue.delete"
SEND_WAKE, SEND_BATCH, CREATE_BATCH = "collect-queue.send", "batches-queue.send", "state.create"

REORDERED = {
    "M1 document messages are deleted before the batch's message is sent": Reorder(
        "collect", SEND_BATCH, frozenset({DELETE_DOCUMENT})
    ),
    "M2 the wake is sent before the document message": Reorder("accept", SEND_DOCUMENT, frozenset({SEND_WAKE})),
    "M4 unripe documents get no fresh wake": Reorder("collect", SEND_WAKE),
    "M5 the batch is created after the rest": Reorder(
        "collect", CREATE_BATCH, frozenset({SEND_BATCH, DELETE_DOCUMENT})
    ),
}


@dataclass
class HastyWorld(World):
    """M3: wakes are visible at once. (The debounce's margin is taken away by the test.)"""

    def __post_init__(self) -> None:
        super().__post_init__()
        collect = self.queues["collect"]
        send = collect.send_raw

        def send_at_once(body: str, *, delay: timedelta = timedelta(0)) -> SentMessage:
            return send(body)

        collect.send_raw = send_at_once  # type: ignore[method-assign]


@dataclass
class CarelessWorld(World):
    """M6: documents are read at whatever version is there. (Their age is not looked at either, see the test.)"""

    def __post_init__(self) -> None:
        super().__post_init__()
        documents = self.stores["documents"]
        read = documents.read

        def read_any_version(name: str, *, etag: str | None = None) -> Blob:
            return read(name)

        documents.read = read_any_version  # type: ignore[method-assign]


def trickle(world: World, count: int = DOCUMENTS) -> None:
    """Uploads that come in small groups, so that wakes, leftovers and new arrivals meet."""
    rhythm = random.Random(world.seed)
    for number in range(count):
        document = world.upload(f"letter-{number:03}.txt", f"letter {number} about billing", event=False)
        later = timedelta(seconds=rhythm.uniform(0, 12))
        world.queues["events"].send_raw(document.model_dump_json(), delay=later)


def burst(world: World) -> None:
    for number in range(DOCUMENTS):
        world.upload(f"letter-{number:03}.txt", f"letter {number} about billing")


def overflow(world: World) -> None:
    """More than one job's worth within the debounce, across a full second of the queue's clock: some stay unripe."""
    world.clock.advance(timedelta(milliseconds=850))
    for number in range(34):
        world.upload(f"letter-{number:03}.txt", f"letter {number} about billing")


def lost_runs(load: Callable[[World], None], make: Callable[..., World] = World) -> int:
    """Runs that lose a document: undisturbed, with a crash at every point, and with a pause at every call."""
    undisturbed = make()
    load(undisturbed)
    undisturbed.run()
    calls = range(1, undisturbed.calls + 1)
    disturbed = [make(crash_at=(number, moment)) for number in calls for moment in ("before", "after")]
    disturbed += [make(pause_at=number) for number in calls]
    return bool(undisturbed.violations()) + sum(loses(world, load) for world in disturbed)


def loses(world: World, load: Callable[[World], None]) -> bool:
    load(world)
    world.run()
    return bool(world.violations())


def all_lost_runs(make: Callable[..., World]) -> int:
    return lost_runs(burst, make) + lost_runs(trickle, make) + loses(make(), overflow)


def stale_runs(make: Callable[..., World] = World) -> int:
    """Runs that keep a stale record, of random ones in which documents are overwritten while they are in flight."""
    return sum(keeps_stale_record(make(seed=seed)) for seed in range(40))


def keeps_stale_record(world: World) -> bool:
    trickle(world, 40)

    def overwrite() -> None:
        if world.random.random() < 0.15:
            number = world.random.randrange(40)
            world.upload(f"letter-{number:03}.txt", f"letter {number}, once more, about shipping")

    moves = iter(range(60))
    world.run(between=lambda: overwrite() if next(moves, None) is not None else None)
    return bool(world.violations())


@pytest.mark.parametrize("name", REORDERED)
def test_a_mutant_that_reorders_the_protocol_is_caught(name: str) -> None:
    worlds: list[World] = []

    def make(**options: object) -> World:
        worlds.append(World(reorder=REORDERED[name], **options))  # type: ignore[arg-type]
        return worlds[-1]

    lost = all_lost_runs(make)
    assert any(world.reordered for world in worlds), "the calls that this mutant reorders no longer occur"
    print(f"\n{name}: {lost} runs lose a document")
    assert lost > 0, "the crash tests would not notice this change of the protocol"


def test_a_mutant_that_wakes_at_once_and_debounces_without_a_margin_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "WAKE_MARGIN", -inbox.WAKE_MARGIN)
    lost = all_lost_runs(HastyWorld)
    print(f"\nM3 the debounce has no margin and the wake no delay: {lost} runs lose a document")
    assert lost > 0


def test_the_mutant_that_keeps_stale_records_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "age_of", lambda _found, _document: Age.OLDER)
    stale = stale_runs(CarelessWorld)
    print(f"\nM6 records are written without checking the source's version: {stale} of 40 runs keep a stale record")
    assert stale > 0


def test_the_real_protocol_loses_nothing_under_the_loads_that_catch_the_mutants() -> None:
    assert all_lost_runs(World) == 0
    assert stale_runs() == 0
