"""The crash tests have teeth: six one-change mutants of the protocol, each of which they must catch.

A mutant is the real module's source with one replacement, executed in its place. Sweep and reconcile are off.
"""

from __future__ import annotations

import importlib
import inspect
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from types import ModuleType

import pytest

from tests.faults.world import World

DOCUMENTS = 10


@dataclass(frozen=True)
class Mutant:
    """`old` must occur once in the module; `names` are what other modules use of it."""

    module: str
    old: str
    new: str


SEND_JOB = "    pipeline.jobs_queue.send(JobMessage(id=manifest.id))\n"
DELETE_DOCUMENTS = "    pipeline.fan_out(pipeline.documents_queue.delete, messages)\n"
CREATE_MANIFEST = "    create_manifest(pipeline, manifest)\n"
SEND_DOCUMENT = "    pipeline.documents_queue.send(message)\n"
SEND_WAKE = "    send_wake(pipeline)\n"

MUTANTS = {
    "M1 document messages are deleted before the job message is sent": [
        Mutant("shared.pipeline.collect", SEND_JOB + DELETE_DOCUMENTS, DELETE_DOCUMENTS + SEND_JOB)
    ],
    "M2 the wake is sent before the document message": [
        Mutant("shared.pipeline.accept", SEND_DOCUMENT + SEND_WAKE, SEND_WAKE + SEND_DOCUMENT)
    ],
    "M3 the debounce has no margin and the wake no delay": [
        Mutant("shared.pipeline.wake", "self._visible_at >= now + MARGIN", "self._visible_at >= now - MARGIN"),
        Mutant(
            "shared.pipeline.accept",
            "pipeline.collect_queue.send(WakeMessage(), delay=pipeline.settings.linger)",
            "pipeline.collect_queue.send(WakeMessage())",
        ),
    ],
    "M4 unripe documents get no fresh wake": [
        Mutant("shared.pipeline.collect", "    if waiting:\n", "    if waiting and False:\n")
    ],
    "M5 the manifest is created after the rest": [
        Mutant(
            "shared.pipeline.collect",
            CREATE_MANIFEST + SEND_JOB + DELETE_DOCUMENTS,
            SEND_JOB + DELETE_DOCUMENTS + CREATE_MANIFEST,
        )
    ],
}

STALE = [
    Mutant(
        "shared.pipeline.records",
        "    return _is_older_or_same(pipeline, info, document)\n\n\ndef _is_older",
        "    return True\n\n\ndef _is_older",
    ),
    Mutant(
        "shared.pipeline.submit",
        "pipeline.documents.read(document.name, etag=document.etag)",
        "pipeline.documents.read(document.name)",
    ),
]


@contextmanager
def applied(mutants: list[Mutant]) -> Iterator[None]:
    """Every module of the pipeline sees the mutants' functions; everything is restored afterwards."""
    restore: list[tuple[ModuleType, dict[str, object]]] = []
    try:
        for mutant in mutants:
            module = importlib.import_module(mutant.module)
            restore.append((module, dict(vars(module))))
            source = inspect.getsource(module)
            assert source.count(mutant.old) == 1, f"{mutant.module} no longer holds:\n{mutant.old}"
            exec(compile(source.replace(mutant.old, mutant.new), mutant.module, "exec"), vars(module))
            _rebind(module, restore)
        yield
    finally:
        for module, names in reversed(restore):
            vars(module).clear()
            vars(module).update(names)


def _rebind(mutated: ModuleType, restore: list[tuple[ModuleType, dict[str, object]]]) -> None:
    """`from x import f` copied the original into the using modules; give them the mutant."""
    for name in ("accept", "collect", "jobs", "submit", "follow", "replan", "poison"):
        user = importlib.import_module(f"shared.pipeline.{name}")
        restore.append((user, dict(vars(user))))
        for key, value in list(vars(user).items()):
            if getattr(value, "__module__", None) == mutated.__name__ and hasattr(mutated, key):
                setattr(user, key, getattr(mutated, key))
    jobs = importlib.import_module("shared.pipeline.jobs")
    steps = {"submit_job": jobs.submit_job, "follow_job": jobs.follow_job}
    jobs._STEPS = {state: steps[step.__name__] for state, step in jobs._STEPS.items()}
    world = importlib.import_module("tests.faults.world")
    restore.append((world, dict(vars(world))))
    if mutated.__name__ == "shared.pipeline.wake":
        world.WakeDebounce = mutated.WakeDebounce


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


def lost_runs(load: Callable[[World], None]) -> int:
    """Runs that lose a document: undisturbed, with a crash at every point, and with a pause at every call."""
    undisturbed = World()
    load(undisturbed)
    undisturbed.run()
    calls = range(1, undisturbed.calls + 1)
    disturbed = [World(crash_at=(number, moment)) for number in calls for moment in ("before", "after")]
    disturbed += [World(pause_at=number) for number in calls]
    return bool(undisturbed.violations()) + sum(loses(world, load) for world in disturbed)


def loses(world: World, load: Callable[[World], None]) -> bool:
    load(world)
    world.run()
    return bool(world.violations())


def stale_runs() -> int:
    """Runs that keep a stale record, of random ones in which documents are overwritten while they are in flight."""
    return sum(keeps_stale_record(seed) for seed in range(40))


def keeps_stale_record(seed: int) -> bool:
    world = World(seed=seed)
    trickle(world, 40)

    def overwrite() -> None:
        if world.random.random() < 0.15:
            number = world.random.randrange(40)
            world.upload(f"letter-{number:03}.txt", f"letter {number}, once more, about shipping")

    moves = iter(range(60))
    world.run(between=lambda: overwrite() if next(moves, None) is not None else None)
    return bool(world.violations())


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_that_loses_documents_is_caught(name: str) -> None:
    with applied(MUTANTS[name]):
        lost = lost_runs(burst) + lost_runs(trickle) + loses(World(), overflow)
    print(f"\n{name}: {lost} runs lose a document")
    assert lost > 0, "the crash tests would not notice this change of the protocol"


def test_the_mutant_that_keeps_stale_records_is_caught() -> None:
    with applied(STALE):
        stale = stale_runs()
    print(f"\nM6 records are written without checking the source's version: {stale} of 40 runs keep a stale record")
    assert stale > 0


def test_the_real_protocol_loses_nothing_under_the_loads_that_catch_the_mutants() -> None:
    assert lost_runs(burst) == 0
    assert lost_runs(trickle) == 0
    assert lost_runs(overflow) == 0
    assert stale_runs() == 0
