"""Golden documents in a world of operations, and models that read some of them wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shared.models.trial import Trial, TrialStore
from tests.unit.operations.operations_world import CLASSES, OperationsWorld, labels

GOLDEN = 60


def golden_labels(documents: int = GOLDEN, training: int = 20) -> dict[str, Any]:
    """A labels file that says itself which documents are golden: g0.txt and so on."""
    content = labels(training, "Train")
    content["assets"]["documents"] += [
        {
            "location": f"g{number}.txt",
            "language": "en-us",
            "classes": [{"category": CLASSES[number % 2]}],
            "dataset": "Test",
        }
        for number in range(documents)
    ]
    return content


def put_golden(world: OperationsWorld, documents: int = GOLDEN, *, there: int = 0) -> None:
    """`there` of them are in the container already."""
    world.put_labels(golden_labels(documents))
    for number in range(there, documents):
        put_text(world, number, f"document {number}. about {CLASSES[number % 2]}")


def put_text(world: OperationsWorld, number: int, text: str | bytes) -> None:
    data = text.encode() if isinstance(text, str) else text
    world.stores["training"]._write(f"g{number}.txt", data, None, must_be="*")


def wrong_about(*numbers: int) -> Callable[[str], str]:
    """A model that names no class for these documents."""
    starts = tuple(f"document {number}." for number in numbers)
    return lambda text: "nothing" if text.startswith(starts) else text


def tried(world: OperationsWorld, documents: int = GOLDEN) -> OperationsWorld:
    put_golden(world, documents)
    world.authoring.evaluations = {"first": 0.9, "next": 0.9}
    world.authoring.reads["first"] = wrong_about(0, 1)
    world.publish("first")
    world.authoring.changes.clear()
    world.service.submissions.clear()
    world.service.jobs.clear()
    return world


def trial_of(world: OperationsWorld, label: str) -> Trial:
    found = TrialStore(world.stores["state"]).find("letters", label=label)
    assert found is not None
    return found
