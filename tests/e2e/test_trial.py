"""The trial and the paired gate on the emulator: a worse model is refused, and each request to the service is counted.

Both generations of the API, single and multi label. That nothing is lost when the process dies is in tests/faults.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from azurite_process.azurite import Azurite
from language_emulator.testing.corpus import upload
from shared.language.apis import api_for
from shared.language.authoring_values import Project
from shared.language.values import ProjectKind
from shared.models.active_model import ACTIVE_MODEL
from shared.models.gate import Verdict
from shared.models.trial import TrialStore
from shared.operations.operation import Operation, OperationState, PublishingRecord, Retrain
from tests.e2e.operations_world import OperationsWorld, running_world
from tests.unit.operations.operations_world import API_VERSIONS

pytestmark = pytest.mark.e2e

CLASSES = ("billing", "shipping")
WORDS = ("refund invoice charge card tax", "courier parcel depot tracking arrived")
GOLDEN, TRAINING = 55, 30
# Three batches, each of them seen running once, and finished once: on two pages where 25 results need them.
SUBMISSIONS = 3
POLLS = {"2021-preview": 2 * SUBMISSIONS + 2, "2023-04-01": 2 * SUBMISSIONS}


def classes(number: int, kind: ProjectKind) -> list[int]:
    return [0, 1] if kind is ProjectKind.MULTI and number % 5 == 0 else [number % 2]


def texts(kind: ProjectKind) -> dict[str, str]:
    names = [f"golden{number}.txt" for number in range(GOLDEN)] + [f"train{number}.txt" for number in range(TRAINING)]
    return {
        name: f"letter {number} about the " + " and the ".join(WORDS[each] for each in classes(number, kind))
        for side in (names[:GOLDEN], names[GOLDEN:])
        for number, name in enumerate(side)
    }


def labels(kind: ProjectKind, *, spoiled: bool = False) -> dict[str, Any]:
    """`spoiled`: the documents to train on have each other's classes; the golden ones keep their own."""

    def entry(name: str, number: int, dataset: str) -> dict[str, Any]:
        given = [number % 2] if spoiled and dataset == "Train" else classes(number, kind)
        given = [1 - each for each in given] if spoiled and dataset == "Train" else given
        return {"location": name, "culture": "en-us", "intents": given, "dataset": dataset}

    return {
        "intentNames": list(CLASSES),
        "documents": [entry(f"golden{number}.txt", number, "Test") for number in range(GOLDEN)]
        + [entry(f"train{number}.txt", number, "Train") for number in range(TRAINING)],
    }


@pytest.fixture(params=[ProjectKind.SINGLE, pytest.param(ProjectKind.MULTI, marks=pytest.mark.long)])
def kind(request: pytest.FixtureRequest) -> ProjectKind:
    return ProjectKind(request.param)


@pytest.fixture(params=API_VERSIONS)
def world(request: pytest.FixtureRequest, azurite: Azurite, kind: ProjectKind) -> Iterator[OperationsWorld]:
    """An untrained project of the kind, with golden documents, and no model in use."""
    with running_world(azurite, request.param, in_memory=True) as running:
        container = running.settings.training_container
        upload(azurite.connection_string, container, texts(kind))
        running.control("POST", "reset")
        running.progress(training="immediate", publishing="immediate", imports="immediate", analysis="after 1 reads")
        running.adapters.open_container(container).put("labels.json", b'{"intentNames": ["none"], "documents": []}')
        definition = Project(running.project, kind, "en-us", container, "labels.json")
        running.language.send(api_for(running.api_version).create_project(definition))
        running.state.delete(ACTIVE_MODEL)
        running.plain.active_model.forget()
        put_labels(running, kind)
        yield running


def put_labels(world: OperationsWorld, kind: ProjectKind, *, spoiled: bool = False) -> None:
    projects = world.plain.projects
    projects.put_labels(projects.get(world.project), labels(kind, spoiled=spoiled))


def asked(world: OperationsWorld) -> tuple[int, int]:
    """Analyze jobs submitted and looked at since the last time."""
    counts = world.control("GET", "requests")["operations"]
    world.control("DELETE", "requests")
    return tuple(sum(counts.get(each, {}).values()) for each in ("submit_analysis", "get_analysis"))


def retrained(operation: Operation) -> Retrain:
    assert isinstance(operation, Retrain)
    return operation


def test_a_worse_model_is_refused_on_the_same_documents_and_every_request_is_counted(
    world: OperationsWorld, kind: ProjectKind
) -> None:
    first = retrained(world.run(world.retrain(model="first")))
    assert (first.state, world.active_label()) == (OperationState.SUCCEEDED, "first"), first.reason
    assert asked(world) == (SUBMISSIONS, POLLS[world.api_version])

    put_labels(world, kind, spoiled=True)
    in_use = world.plain.active_model.find()
    spoiled = retrained(world.run(world.retrain(model="spoiled")))
    assert (spoiled.state, world.plain.active_model.find()) == (OperationState.REFUSED, in_use)
    # The active model has answered all of them before.
    assert asked(world) == (SUBMISSIONS, POLLS[world.api_version])
    assert spoiled.gate is not None
    assert (spoiled.gate.passed, spoiled.gate.documents) == (False, GOLDEN)
    assert spoiled.gate.verdict is not Verdict.UNPAIRED
    assert spoiled.gate.difference is not None
    assert spoiled.gate.difference < -0.2
    assert {loss.name for loss in spoiled.gate.losses} == set(CLASSES)
    assert "lost" in (spoiled.reason or "")
    if world.api_version == "2023-04-01":
        assert world.deployments() == {"staging": "spoiled", "production": "first"}

    put_labels(world, kind)
    again = retrained(world.run(world.retrain(model="again")))
    assert (again.state, world.active_label()) == (OperationState.SUCCEEDED, "again"), again.reason
    asked(world)
    back = world.run(world.publish("first"))
    assert (back.state, world.active_label()) == (OperationState.SUCCEEDED, "first")
    # Nothing is left to ask it, so it is asked whether it classifies.
    assert asked(world) == (1, 2)
    assert isinstance(back, PublishingRecord)
    for label in ("first", "spoiled", "again"):
        trial = TrialStore(world.state).find(world.project, label=label)
        assert trial is not None
        assert (trial.kind, len(trial.answered)) == (kind, GOLDEN)
