"""Retraining and publishing where the model in use or the lock cannot be read, or storage refuses for a while."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.errors import OperationRunningError, StateUnreadableError, StorageUnavailableError
from shared.language.authoring_values import Project
from shared.language.values import ProjectKind
from shared.models.active_model import ACTIVE_MODEL
from shared.models.labels import parse_labels
from shared.operations.operation import OperationState, ReclassifyRequest, Step
from tests.unit.operations.operations_world import API_VERSIONS, OperationsWorld, labels

LOCK = "operations/locks/letters.json"
PROJECT = Project("letters", ProjectKind.MULTI, "en-us", "training", "labels.json")
FIRST_STEP = {"2021-preview": Step.SPLIT, "2023-04-01": Step.IMPORT}


@pytest.fixture(params=API_VERSIONS)
def world(request: pytest.FixtureRequest) -> OperationsWorld:
    world = OperationsWorld(api_version=request.param)
    world.authoring.evaluations = {"first": 0.9, "next": 0.95}
    world.publish("first")
    return world


def damage(world: OperationsWorld, name: str = ACTIVE_MODEL) -> None:
    world.stores["state"].write_unhooked(name, b"{")
    world.services.active_model.forget()


def test_publishing_repairs_a_model_in_use_that_cannot_be_read(world: OperationsWorld) -> None:
    damage(world)
    assert world.publish("first").state is OperationState.SUCCEEDED
    assert world.label_in_use() == "first"


def test_the_gate_refuses_a_model_that_cannot_be_compared_and_says_how_to_go_on(world: OperationsWorld) -> None:
    damage(world)
    ended = world.retrain(model="next")
    assert ended.state is OperationState.REFUSED
    assert "models/active.json" in (ended.reason or "")
    assert "or publish next; " in (ended.reason or "")
    assert world.locks() == []
    assert world.publish("next").state is OperationState.SUCCEEDED
    assert world.label_in_use() == "next"


def test_a_forced_retraining_goes_on_without_the_comparison(world: OperationsWorld) -> None:
    damage(world)
    assert world.retrain(model="next", force=True).state is OperationState.SUCCEEDED
    assert world.label_in_use() == "next"


def test_reclassifying_what_is_older_than_the_model_in_use_is_refused_and_no_record_is_sent(
    world: OperationsWorld,
) -> None:
    """Taken for none, every record would be sent again, and each costs."""
    damage(world)
    with pytest.raises(StateUnreadableError):
        world.services.reclassification.start(ReclassifyRequest(older_than_model=True))


def test_an_operation_under_way_takes_its_unreadable_lock_again(world: OperationsWorld) -> None:
    operation = world.start_retraining(model="next")
    damage(world, LOCK)
    assert world.finish(operation).state is OperationState.SUCCEEDED
    assert world.locks() == []


def test_an_unreadable_lock_keeps_others_out_as_long_as_its_operation_runs(world: OperationsWorld) -> None:
    operation = world.start_retraining(model="next")
    damage(world, LOCK)
    world.clock.advance(timedelta(seconds=2))
    with pytest.raises(OperationRunningError, match=operation.id):
        world.start("first")
    assert world.finish(operation).state is OperationState.SUCCEEDED


def test_an_unreadable_lock_of_nobody_keeps_nobody_out(world: OperationsWorld) -> None:
    damage(world, LOCK)
    assert world.publish("first").state is OperationState.SUCCEEDED


def test_a_start_against_an_unreadable_operation_leaves_no_record_behind(world: OperationsWorld) -> None:
    operation = world.start_retraining(model="next")
    damage(world, f"operations/open/{operation.id}.json")
    world.clock.advance(timedelta(seconds=2))
    with pytest.raises(StateUnreadableError):
        world.start("first")
    names = [name for name in world.stores["state"].blobs if name.startswith("operations/open/")]
    assert names == [f"operations/open/{operation.id}.json"]


def test_a_retraining_waits_while_the_stored_labels_cannot_be_read_and_trains_on_no_others(
    world: OperationsWorld,
) -> None:
    damage(world, "labels/letters.json")
    operation = world.start_retraining(model="next")
    world.pass_time(timedelta(hours=1))
    waiting = world.find(operation)
    assert (waiting.state, waiting.step) == (OperationState.RUNNING, FIRST_STEP[world.api_version])
    assert waiting.deferred is not None
    assert waiting.deferred.code == "state_unreadable"
    assert world.authoring.changes.count("train next") == 0
    world.services.projects.labels.put(PROJECT, parse_labels(labels()), service_reads_file=True)
    assert world.finish(operation).state is OperationState.SUCCEEDED


def test_an_operation_waits_while_storage_refuses_and_trains_once(
    world: OperationsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = world.start_retraining(model="next")
    state = world.stores["state"]
    replace = state.replace
    end = world.clock() + timedelta(minutes=30)

    def refuse(name: str, data: bytes, *, etag: str, metadata: dict[str, str] | None = None) -> str:
        if world.clock() < end:
            raise StorageUnavailableError("403")
        return replace(name, data, etag=etag, metadata=metadata)

    monkeypatch.setattr(state, "replace", refuse)
    assert world.finish(operation).state is OperationState.SUCCEEDED
    assert world.clock() > end
    assert world.authoring.changes.count("train next") == 1
    assert world.poison == []
