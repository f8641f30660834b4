"""The emulator, asked what it trained on: never a golden document, in either generation of the API and either kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from azurite_process.azurite import Azurite
from language_emulator.classifier.terms import split_terms
from language_emulator.testing.corpus import upload
from shared.language.apis import api_for
from shared.language.authoring_values import LabelledDocument, Project
from shared.language.values import ProjectKind
from shared.models.golden import Split, split
from shared.operations.operation import Operation, OperationState, RetrainRequest
from tests.e2e.operations_world import OperationsWorld, running_world
from tests.unit.operations.operations_world import API_VERSIONS

pytestmark = pytest.mark.e2e

CLASSES = ("billing", "shipping")
WORDS = ("refund invoice charge card tax", "courier parcel depot tracking arrived")
NAMES = [f"golden{number:02}.txt" for number in range(60)]


def text(number: int) -> str:
    """Of its class, with a word of its own that occurs nowhere else."""
    return f"please see about the {WORDS[number % 2]} of {own_word(number)}"


def own_word(number: int) -> str:
    return f"only{'abcdefghij'[number // 10]}{'abcdefghij'[number % 10]}here"


def labels(count: int) -> dict[str, Any]:
    return {
        "intentNames": list(CLASSES),
        "documents": [
            {"location": NAMES[number], "culture": "en-us", "intents": [number % 2]} for number in range(count)
        ],
    }


def sides(count: int) -> Split:
    found = split([LabelledDocument(name, "", ()) for name in NAMES[:count]], percent=20)
    assert found.golden
    return found


@pytest.fixture(params=API_VERSIONS)
def world(request: pytest.FixtureRequest, azurite: Azurite) -> Iterator[OperationsWorld]:
    with running_world(azurite, request.param, in_memory=True) as running:
        container = running.settings.training_container
        upload(azurite.connection_string, container, {name: text(number) for number, name in enumerate(NAMES)})
        running.progress(training="immediate", publishing="immediate", analysis="immediate", imports="immediate")
        yield running


def project(world: OperationsWorld, kind: ProjectKind) -> str:
    container = world.settings.training_container
    world.adapters.open_container(container).put("labels.json", b'{"intentNames": ["none"], "documents": []}')
    definition = Project(kind.value.replace("_", ""), kind, "en-us", container, "labels.json")
    world.language.send(api_for(world.api_version).create_project(definition))
    return definition.name


def retrain(world: OperationsWorld, name: str, *, model: str) -> Operation:
    """The gate has its say elsewhere: with so few documents it would be a coin's."""
    request = RetrainRequest(model=model, publish=False, force=True)
    ended = world.run(world.services.start_operations.retrain(name, request))
    assert ended.state is OperationState.SUCCEEDED, ended.reason
    return ended


def trained_on(world: OperationsWorld, name: str, *, model: str) -> set[str]:
    """The documents whose own word is in the vocabulary of the emulator's classifier."""
    service = world.emulator.service
    classifier = service.analysis._classifiers.find(service.projects.get(name).models[model].guid)
    assert classifier is not None
    terms = set(classifier.features.terms)
    return {NAMES[number] for number in range(len(NAMES)) if terms.intersection(split_terms(own_word(number)))}


def evaluated_on(world: OperationsWorld, name: str, *, model: str) -> set[str]:
    """The documents that the service shows labels and predictions of."""
    return {each.location for each in world.services.projects.list_reviewed(name, label=model)}


@pytest.mark.parametrize("kind", [ProjectKind.MULTI, pytest.param(ProjectKind.SINGLE, marks=pytest.mark.long)])
def test_no_model_is_trained_on_a_golden_document_also_when_labels_are_added(
    world: OperationsWorld, kind: ProjectKind
) -> None:
    name = project(world, kind)
    for count, model in ((40, "first"), (60, "second")):
        status, answer = world.request("put_labels", labels(count), project=name)
        assert status == 200, answer
        ended = retrain(world, name, model=model)
        training, golden = ({each.location for each in side} for side in (sides(count).training, sides(count).golden))
        seen, judged = trained_on(world, name, model=model), evaluated_on(world, name, model=model)
        assert any(f"{count} documents, {len(golden)} of them golden" in line.what for line in ended.history)
        if world.api_version == "2021-preview":  # the service holds a part out by itself
            assert len(seen) >= 0.6 * count
            assert seen | judged <= training
        else:
            assert (seen, judged) == (training, golden)


def test_without_golden_documents_every_document_reaches_the_service(world: OperationsWorld) -> None:
    world.settings = world.settings.model_copy(update={"golden_percent": 0})
    world.restart()
    name = project(world, ProjectKind.MULTI)
    world.request("put_labels", labels(40), project=name)
    retrain(world, name, model="first")
    golden = {each.location for each in sides(40).golden}
    reached = trained_on(world, name, model="first") | evaluated_on(world, name, model="first")
    # All of them, but for the tenth that the preview tests with and does not show.
    assert len(reached) >= (36 if world.api_version == "2021-preview" else 40)
    assert reached & golden
