"""Limits of the service that fill or age: models, deployments of the free tier, training configurations. On fakes."""

from __future__ import annotations

from datetime import date
from typing import Any

import httpx
import pytest

from shared.errors import ModelInUseError, ModelUnknownError, UnsupportedOperationError
from shared.language.authoring_values import TrainedModel, TrainingConfig
from shared.language.values import LroStatus
from shared.models.training_configs import choose_training_config
from shared.models.unneeded import MAX_MODELS, oldest
from shared.operations.operation import Operation, OperationState
from tests.fakes import START
from tests.unit.functions.harness import App
from tests.unit.operations.operations_world import OperationsWorld, steps_of
from tests.unit.operations.test_retraining import in_use

DATED = "2023-04-01"


@pytest.fixture
def world() -> OperationsWorld:
    """`first` is in use, of `first`, `second` and `third`."""
    return in_use(OperationsWorld(api_version=DATED))


def history(operation: Operation) -> str:
    return "\n".join(event.what for event in operation.history)


# One deployment


def free_tier(world: OperationsWorld) -> OperationsWorld:
    world.authoring.max_deployments = 1
    return world


@pytest.fixture
def empty() -> OperationsWorld:
    return free_tier(OperationsWorld(api_version=DATED))


def test_the_first_model_of_the_free_tier_is_tried_in_staging_which_then_makes_room(empty: OperationsWorld) -> None:
    ended = empty.publish("first")
    assert ended.state is OperationState.SUCCEEDED
    assert (
        ended.reason
        == "first is in use; published without staging, because the service allows one deployment (tier F0)"
    )
    assert empty.authoring.deployments == {"production": "first"}
    assert [each for each in empty.authoring.changes if not each.startswith("analyze")] == [
        "deploy staging first",
        "delete deployments staging",
        "deploy production first",
    ]
    assert "trial" in steps_of(ended)


def test_the_next_model_of_the_free_tier_goes_straight_into_production_while_submissions_are_held(
    empty: OperationsWorld,
) -> None:
    empty.publish("first")
    empty.upload("a.txt", "about billing")
    ended = empty.publish("second")
    assert (ended.state, empty.label_in_use()) == (OperationState.SUCCEEDED, "second")
    assert "published without staging" in (ended.reason or "")
    assert "no staging and no trial" in history(ended)
    assert steps_of(ended) == ["publish", "hold", "swap", "wait_swap", "switch"]
    assert empty.authoring.deployments == {"production": "second"}
    empty.upload("b.txt", "about shipping")
    empty.run()
    assert empty.violations() == empty.untruthful() == empty.locks() == []


@pytest.mark.parametrize("label", ["first", "second"])
def test_a_crash_at_any_call_of_a_publication_on_the_free_tier_ends_with_the_model_in_production(label: str) -> None:
    def fresh() -> OperationsWorld:
        again = free_tier(OperationsWorld(api_version=DATED))
        if label == "second":
            again.publish("first")
        return again

    whole = fresh()
    whole.start(label)
    before = whole.calls
    whole.run()
    for number in range(1, whole.calls - before + 1):
        for moment in ("before", "after"):
            crashed = fresh()
            operation = crashed.start(label)
            crashed.crash_at = (crashed.calls + number, moment)
            ended = crashed.finish(operation)
            assert (ended.state, crashed.label_in_use()) == (OperationState.SUCCEEDED, label), (number, moment)
            assert crashed.authoring.deployments == {"production": label}
            assert crashed.locks() == []


def test_a_refused_first_deployment_is_no_doubt_about_production(empty: OperationsWorld) -> None:
    def refuse(request: httpx.Request) -> httpx.Response | None:
        is_ours = request.method == "PUT" and request.url.path.endswith("/deployments/production")
        return httpx.Response(400, json={"error": {"code": "QuotaExceeded", "message": "No."}}) if is_ours else None

    empty.authoring.answer = refuse
    ended = empty.publish("first")
    assert ended.state is OperationState.FAILED
    assert "QuotaExceeded" in (ended.reason or "")
    assert "the active model is unchanged" in (ended.reason or "")
    assert "production may hold" not in (ended.reason or "")


def test_a_refused_swap_is_no_doubt_about_production_either(world: OperationsWorld) -> None:
    def refuse(request: httpx.Request) -> httpx.Response | None:
        is_swap = request.url.path.endswith("/deployments/:swap")
        return httpx.Response(400, json={"error": {"code": "InvalidRequest", "message": "No."}}) if is_swap else None

    world.authoring.answer = refuse
    ended = world.publish("second")
    assert ended.state is OperationState.FAILED
    assert "the active model is unchanged" in (ended.reason or "")
    assert world.in_use() is not None


def test_another_limit_of_deployments_ends_the_publication_with_its_reason(world: OperationsWorld) -> None:
    """The places are taken by deployments that are not ours, so nothing is deleted and nothing goes unprobed."""
    world.authoring.deployments = {"production": "first", "theirs": "third"}
    world.authoring.max_deployments = 2
    ended = world.publish("second")
    assert ended.state is OperationState.FAILED
    assert "QuotaExceeded" in (ended.reason or "")
    assert world.authoring.deployments == {"production": "first", "theirs": "third"}


# Ten models


def fill(world: OperationsWorld) -> None:
    """`first` is in use, `second` in staging; of the others `third` was trained first."""
    world.authoring.deployments = {"production": "first", "staging": "second"}
    world.authoring.trained = ["first", "second", "third", *(f"m{number}" for number in range(4, MAX_MODELS + 1))]
    world.authoring.max_models = MAX_MODELS


def test_a_retraining_that_finds_no_room_deletes_the_oldest_model_that_nothing_needs(world: OperationsWorld) -> None:
    fill(world)
    ended = world.retrain(model="next")
    assert (ended.state, ended.reason) == (OperationState.SUCCEEDED, "next is in use")
    assert [each for each in world.authoring.changes if each.startswith("delete")] == ["delete models third"]
    assert "train: no room for another model: deletes third, the oldest neither in use nor deployed" in history(ended)


def test_a_retraining_ends_with_the_refusal_when_every_model_is_needed(world: OperationsWorld) -> None:
    fill(world)
    world.authoring.deployments |= {f"d{label}": label for label in world.authoring.trained}
    ended = world.retrain(model="next")
    assert (ended.state, world.label_in_use()) == (OperationState.FAILED, "first")
    assert "QuotaExceeded" in (ended.reason or "")
    assert len(world.authoring.trained) == MAX_MODELS


def test_a_deployment_whose_model_cannot_be_told_keeps_all_models(world: OperationsWorld) -> None:
    fill(world)
    world.authoring.id_end = "-of-another-form"
    ended = world.retrain(model="next")
    assert ended.state is OperationState.FAILED
    assert len(world.authoring.trained) == MAX_MODELS


def test_another_quota_than_that_of_models_deletes_none(world: OperationsWorld) -> None:
    """The hours of training of a month, say: deleting models would not help, and they would go one by one."""
    world.authoring.max_models = len(world.authoring.trained)
    ended = world.retrain(model="next")
    assert ended.state is OperationState.FAILED
    assert world.authoring.trained == ["first", "second", "third"]


def test_a_crash_while_room_is_made_deletes_one_model_and_trains_once(world: OperationsWorld) -> None:
    def fresh() -> OperationsWorld:
        again = in_use(OperationsWorld(api_version=DATED))
        fill(again)
        return again

    whole = fresh()
    operation = whole.start_retraining(model="next")
    whole.run_until(operation, "train")
    before = whole.calls
    whole.run_until(operation, "wait_training")
    for number in range(1, whole.calls - before + 1):
        for moment in ("before", "after"):
            crashed = fresh()
            operation = crashed.start_retraining(model="next")
            crashed.run_until(operation, "train")
            crashed.crash_at = (crashed.calls + number, moment)
            ended = crashed.finish(operation)
            assert ended.reason == "next is in use", (number, moment)
            assert crashed.authoring.count("train next") == 1
            assert [label for label in ("first", "second", "third", "m4") if label in crashed.authoring.trained] == [
                "first",
                "second",
                "m4",
            ]


def model(label: str, day: int | None) -> TrainedModel:
    at = START.replace(day=day) if day else None
    return TrainedModel(label, LroStatus.SUCCEEDED, at, LroStatus.SUCCEEDED, LroStatus.UNKNOWN)


def test_the_oldest_is_the_one_trained_first_and_one_without_a_time_goes_last() -> None:
    listed = [model("c", None), model("b", 9), model("a", 3), model("d", 1)]
    needed: set[str | None] = {"d"}
    for next_one in (listed[2], listed[1], listed[0]):
        assert oldest(listed, needed=needed) == next_one
        needed.add(next_one.label)
    assert oldest(listed, needed={"a", "b", "c", "d"}) is None


def test_a_model_is_deleted_over_http_when_its_name_confirms_it(world: OperationsWorld) -> None:
    app = App(world)

    def delete(**query: str) -> tuple[int, dict[str, Any]]:
        return app.request("delete_model", method="DELETE", query=query, project="letters", model="third")[:2]

    code, problem = delete()
    assert (code, problem["title"]) == (409, "Confirmation needed")
    assert delete(confirm="third") == (200, {"model": "third", "deleted": True})
    assert "third" not in world.authoring.trained


def test_a_model_that_is_needed_or_unknown_is_not_deleted(world: OperationsWorld) -> None:
    delete, api = world.services.unneeded_models.delete, world.services.projects.api
    world.authoring.deployments["staging"] = "second"
    with pytest.raises(ModelInUseError, match="'first' is in use"):
        delete(api, "letters", label="first")
    with pytest.raises(ModelInUseError, match="deployment 'staging' holds model 'second'"):
        delete(api, "letters", label="second")
    with pytest.raises(ModelUnknownError):
        delete(api, "letters", label="fourth")
    assert world.authoring.trained == ["first", "second", "third"]


def test_no_model_is_deleted_while_an_operation_runs(world: OperationsWorld) -> None:
    world.start_retraining(model="next")
    app = App(world)
    code, problem, _ = app.request(
        "delete_model", method="DELETE", query={"confirm": "third"}, project="letters", model="third"
    )
    assert (code, problem["title"]) == (409, "An operation is running")


def test_the_preview_says_that_it_deletes_no_models() -> None:
    world = in_use(OperationsWorld(api_version="2021-preview"))
    with pytest.raises(UnsupportedOperationError, match="cannot delete a model"):
        world.services.unneeded_models.delete(world.services.projects.api, "letters", label="third")


# Training configurations

TODAY = date(2026, 3, 1)
OLD, NEW, NEWER = (
    TrainingConfig("2022-05-01", date(2025, 10, 28)),
    TrainingConfig("2024-11-15", date(2026, 9, 1)),
    TrainingConfig("2025-11-01", None),
)
CHOICES = {
    "the newest": ([NEW, NEWER, OLD], "2025-11-01"),
    "not an expired one": ([OLD, NEW], "2024-11-15"),
    "not one that expires today": ([TrainingConfig("2026-01-01", TODAY), NEW], "2024-11-15"),
    "an expired one where there is no other": ([OLD], "2022-05-01"),
    "none": ([], None),
}


@pytest.mark.parametrize("case", CHOICES)
def test_the_training_configuration_is_the_newest_that_has_not_expired(case: str) -> None:
    listed, chosen = CHOICES[case]
    found = choose_training_config(listed, today=TODAY)
    assert (found.version if found else None) == chosen


def trained_with(world: OperationsWorld) -> str:
    """The configuration that the service was asked to train with."""
    asked: list[str] = []

    def note(request: httpx.Request) -> None:
        if request.url.path.endswith("/:train"):
            asked.append(httpx.Response(200, content=request.content).json()["trainingConfigVersion"])

    world.authoring.answer = note
    assert world.retrain(model="next").state is OperationState.SUCCEEDED
    (config,) = asked
    return config


def test_a_retraining_asks_the_service_for_its_configurations(world: OperationsWorld) -> None:
    world.authoring.configs = {"2022-05-01": "2025-10-28", "2024-11-15": "2099-09-01"}
    assert trained_with(world) == "2024-11-15"


def test_a_service_that_lists_none_gets_the_documented_configuration(world: OperationsWorld) -> None:
    assert trained_with(world) == "2022-05-01"


def test_the_setting_outweighs_the_list(world: OperationsWorld) -> None:
    world.authoring.configs = {"2024-11-15": "2099-09-01"}
    world.change_settings(language_training_config="2023-01-01")
    assert trained_with(world) == "2023-01-01"
