"""The emulator's limits, met by real retrainings: one deployment on the free tier, ten models in a project."""

from __future__ import annotations

import pytest

from azurite_process.azurite import Azurite
from shared.errors import ModelInUseError
from shared.models.unneeded import MAX_MODELS
from shared.operations.operation import OperationState
from tests.e2e.operations_world import running_world

pytestmark = pytest.mark.e2e

DATED = "2023-04-01"


def test_the_free_tier_publishes_into_its_one_deployment(azurite: Azurite) -> None:
    with running_world(azurite, DATED, in_memory=True, deployments_per_project=1) as world:
        for label in ("one", "other"):
            ended = world.run(world.retrain(model=label, force=True))
            assert ended.state is OperationState.SUCCEEDED, ended.reason
            assert "published without staging" in (ended.reason or "")
            assert world.deployments() == {"production": label}
            assert world.active_label() == label


def test_an_eleventh_model_takes_the_place_of_the_oldest_that_nothing_needs(azurite: Azurite) -> None:
    with running_world(azurite, DATED, in_memory=True) as world:
        world.run(world.retrain(model="m0", force=True))
        for number in range(1, MAX_MODELS):
            assert world.run(world.retrain(model=f"m{number}", publish=False)).state is OperationState.SUCCEEDED
        ended = world.run(world.retrain(model="next", publish=False))
        assert ended.state is OperationState.SUCCEEDED, ended.reason
        assert any("deletes m1, the oldest" in event.what for event in ended.history)
        assert any("with configuration 2022-05-01" in event.what for event in ended.history)
        projects = world.services.projects
        left = {model.label for model in projects.list_models(world.project)}
        assert left == {"m0", "next", *(f"m{number}" for number in range(2, MAX_MODELS))}
        with pytest.raises(ModelInUseError):
            world.services.unneeded_models.delete(projects.api, world.project, label="m0")
        world.services.unneeded_models.delete(projects.api, world.project, label="m2")
        assert "m2" not in {model.label for model in projects.list_models(world.project)}
