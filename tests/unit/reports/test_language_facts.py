"""What health says of the Language service: the API version, and until when its deployment and training work."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from shared.language.values import ModelRef, ProjectKind
from shared.models.active_model import ActiveModelRecord
from tests.services_on_fakes import PipelineOnFakes
from tests.unit.language.wire import load_samples
from tests.unit.operations.operations_world import OperationsWorld

TODAY = date(2026, 3, 1)
CONFIG = "2024-11-15"


@pytest.fixture
def world() -> OperationsWorld:
    """The first model is in production; the service has two training configurations, one of them expired."""
    world = OperationsWorld(api_version="2023-04-01")
    world.authoring.configs = {"2022-05-01": "2025-10-28", CONFIG: "2026-03-31"}
    world.authoring.deployments["production"] = "first"
    world.authoring.expires = date(2026, 6, 1)
    model = ModelRef(project="letters", kind=ProjectKind.MULTI, reference="production", label="first")
    noted = date(2026, 4, 1)
    record = ActiveModelRecord(model=model, api_version="2023-04-01", published=world.clock(), expires=noted)
    world.services.active_model.switch(record)
    return world


def facts(world: PipelineOnFakes | OperationsWorld) -> dict[str, Any]:
    found: dict[str, Any] = world.services.health().to_members()["language"]
    return found


def test_deployment_and_training_configuration_are_told_with_the_days_left(world: OperationsWorld) -> None:
    assert facts(world) == {
        "project": "letters",
        "api_version": "2023-04-01",
        "note": None,
        # Extended by the service since it was published.
        "deployment": {"name": "production", "expires": "2026-06-01", "days_left": 92},
        "training_config": {"name": CONFIG, "expires": "2026-03-31", "days_left": 30},
    }


def test_without_an_answer_of_the_service_what_was_noted_at_publication_counts(world: OperationsWorld) -> None:
    world.authoring.deployments.clear()
    assert facts(world)["deployment"] == {"name": "production", "expires": "2026-04-01", "days_left": 31}


def test_a_pinned_configuration_is_told_with_its_own_day(world: OperationsWorld) -> None:
    world.change_settings(language_training_config="2022-05-01")
    expired = (date(2025, 10, 28) - TODAY).days
    assert facts(world)["training_config"] == {"name": "2022-05-01", "expires": "2025-10-28", "days_left": expired}
    assert expired < 0


def test_a_pinned_configuration_that_the_service_does_not_list_has_no_day(world: OperationsWorld) -> None:
    world.change_settings(language_training_config="2030-01-01")
    assert facts(world)["training_config"] == {"name": "2030-01-01", "expires": None, "days_left": None}


def test_before_the_first_model_only_the_training_is_told(world: OperationsWorld) -> None:
    world.services.active_model.remove("letters")
    assert facts(world)["deployment"] is None
    assert facts(world)["training_config"]["name"] == CONFIG


def asked(world: OperationsWorld, path: str) -> list[str]:
    """The requests to addresses that end so, from now on."""
    found: list[str] = []

    def note(request: httpx.Request) -> None:
        if request.url.path.endswith(path):
            found.append(request.url.path)

    world.authoring.answer = note
    return found


@pytest.mark.parametrize("path", ["/training-config-versions", "/deployments"])
def test_the_service_is_asked_once_an_hour(world: OperationsWorld, path: str) -> None:
    found = asked(world, path)
    for _ in range(5):
        facts(world)
    assert len(found) == 1
    world.clock.advance(timedelta(hours=1))
    world.authoring.expires = date(2027, 1, 1)
    assert facts(world)["deployment"]["expires"] == "2027-01-01"
    assert len(found) == 2


def test_days_left_go_down_without_asking(world: OperationsWorld) -> None:
    world.clock.now = world.clock.now.replace(hour=23, minute=30)
    found = asked(world, "/deployments")
    assert facts(world)["deployment"]["days_left"] == 92
    world.clock.advance(timedelta(minutes=45))
    assert facts(world)["deployment"]["days_left"] == 91
    assert len(found) == 1


def test_a_service_that_does_not_answer_is_told_and_asked_again(world: OperationsWorld) -> None:
    def refuse(request: httpx.Request) -> httpx.Response | None:
        is_list = request.url.path.endswith(("/training-config-versions", "/deployments"))
        return httpx.Response(429, headers={"Retry-After": "5"}) if is_list else None

    world.authoring.answer = refuse
    health = world.services.health()
    assert health.parts["language"].healthy
    assert (health.language.deployment, health.language.training_config) == (None, None)
    world.authoring.answer = lambda _: None
    world.clock.advance(timedelta(seconds=6))
    assert facts(world)["training_config"]["name"] == CONFIG


def test_the_2021_preview_says_that_azure_most_likely_no_longer_answers_it() -> None:
    found = facts(OperationsWorld(api_version="2021-preview"))
    assert "most likely no longer answers" in found.pop("note")
    assert found == {
        "project": "letters",
        "api_version": "2021-preview",
        "deployment": None,
        "training_config": None,
    }


@pytest.mark.parametrize(("side", "version"), [("ga_2023", "2023-04-01"), ("preview_2021", "2021-preview")])
def test_an_api_version_that_the_service_does_not_answer_is_not_taken_for_a_missing_project(
    side: str, version: str
) -> None:
    world = OperationsWorld(api_version=version)
    world.authoring.answer = lambda _: load_samples(side)["version_unknown"].answer()
    part = world.services.health().parts["language"]
    assert not part.healthy
    assert "set LANGUAGE_API to one that it does" in (part.problem or "")
