"""What PUT labels accepts, the service imports and trains: every accepted form, on the emulator, under both versions.

The other half, what PUT labels refuses, is tests/unit/models/test_label_cases.py.
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
from shared.operations.operation import OperationState, RetrainRequest
from tests.e2e.operations_world import OperationsWorld, running_world
from tests.unit.models.label_cases import ACCEPTED, BLOBS, DECOMPOSED, Accepted

pytestmark = pytest.mark.e2e

TRAINED = "trained; publishing was not asked for"
VERSIONS = ("2021-preview", "2023-04-01")


@pytest.fixture(params=VERSIONS)
def world(request: pytest.FixtureRequest, azurite: Azurite) -> Iterator[OperationsWorld]:
    with running_world(azurite, request.param, in_memory=True) as running:
        container = running.settings.training_container
        upload(azurite.connection_string, container, BLOBS | {DECOMPOSED: "about billing"})
        running.progress(training="immediate", publishing="immediate", analysis="immediate", imports="immediate")
        yield running


def put(world: OperationsWorld, case: Accepted, *, project: str) -> tuple[int, Any]:
    """Into a project of the case's own."""
    container = world.settings.training_container
    # The preview creates a project only beside a labels file.
    world.adapters.open_container(container).put("labels.json", b'{"intentNames": ["none"], "documents": []}')
    definition = Project(project, case.kind, "en-us", container, "labels.json")
    world.language.send(api_for(world.api_version).create_project(definition))
    status, answer = world.request("put_labels", case.content, project=project)
    return status, answer


def test_every_labels_file_that_is_accepted_is_imported_and_trained(world: OperationsWorld) -> None:
    accepted = {name: case for name, case in ACCEPTED.items() if world.api_version in case.versions}
    stored = world.adapters.open_container(world.settings.training_container)
    ends: dict[tuple[ProjectKind, bytes], tuple[str, OperationState, str | None]] = {}
    for number, (name, case) in enumerate(accepted.items()):
        project = f"accepted{number}"
        status, answer = put(world, case, project=project)
        assert status == 200, (name, answer)
        assert tuple(answer["classes"].values()) == case.counts, name
        labels = case.kind, stored.read("labels.json").data
        if labels in ends:  # several forms of the same labels are stored, and so imported, as the same bytes
            continue
        # Whatever the gate says of so few documents: a model was trained, and evaluated.
        request = RetrainRequest(model="first", publish=False, force=True)
        ended = world.run(world.services.start_operations.retrain(project, request))
        ends[labels] = name, ended.state, ended.reason
    assert len(ends) >= 10, "the cases are no longer different"
    failed = [end for end in ends.values() if end[1:] != (OperationState.SUCCEEDED, TRAINED)]
    assert not failed
