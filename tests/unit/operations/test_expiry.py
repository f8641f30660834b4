"""When the deployment in use expires: the log line that the alert reads, and what the status shows."""

from __future__ import annotations

import logging
from datetime import date, timedelta

import pytest

from shared.language.values import ModelRef, ProjectKind
from shared.models.active_model import ActiveModelRecord
from tests.fake_language import language_error
from tests.fakes import START
from tests.unit.operations.operations_world import OperationsWorld

MODEL = ModelRef(project="letters", kind=ProjectKind.MULTI, reference="production", label="first")


def reported(expires: date | None, caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the sweep tells of the deployment in use."""
    services = OperationsWorld(api_version="2023-04-01").services
    services.active_model.switch(
        ActiveModelRecord(model=MODEL, api_version="2023-04-01", published=START, expires=expires)
    )
    with caplog.at_level(logging.INFO, logger="pigeonhole.metrics"):
        services.sweep()
    lines = [record.getMessage() for record in caplog.records if record.name == "pigeonhole.metrics"]
    return [line for line in lines if not line.startswith(("pipeline_metrics", "events_waiting"))]


def test_the_days_that_are_left_are_told(caplog: pytest.LogCaptureFixture) -> None:
    lines = reported((START + timedelta(days=20)).date(), caplog)
    assert lines == ["deployment_expires days=20 project=letters"]


def test_a_deployment_that_has_expired_counts_below_zero(caplog: pytest.LogCaptureFixture) -> None:
    assert reported((START - timedelta(days=2)).date(), caplog) == ["deployment_expires days=-2 project=letters"]


def test_a_model_that_does_not_expire_is_not_mentioned(caplog: pytest.LogCaptureFixture) -> None:
    assert reported(None, caplog) == []
    assert "pipeline_metrics" in caplog.text


# The training configuration


def config_lines(
    configs: dict[str, int], caplog: pytest.LogCaptureFixture, *, pinned: str | None = None, version: str = "2023-04-01"
) -> list[str]:
    """What the sweep tells of the configurations that the service lists, each with the days until its models expire."""
    world = OperationsWorld(api_version=version, changes={"language_training_config": pinned})
    world.authoring.configs = {
        name: (START + timedelta(days=days)).date().isoformat() for name, days in configs.items()
    }
    world.publish("first")
    with caplog.at_level(logging.INFO, logger="pigeonhole.metrics"):
        world.services.sweep()
    lines = [record.getMessage() for record in caplog.records if record.name == "pigeonhole.metrics"]
    return [line for line in lines if line.startswith("training_config")]


def test_the_days_of_the_configuration_that_a_retraining_would_use_are_told(caplog: pytest.LogCaptureFixture) -> None:
    lines = config_lines({"2022-05-01": -400, "2025-01-01": 90, "2026-01-01": 20}, caplog)
    assert lines == ["training_config_expires days=20 config=2026-01-01"]


def test_where_all_configurations_have_expired_the_newest_counts_below_zero(caplog: pytest.LogCaptureFixture) -> None:
    lines = config_lines({"2022-05-01": -400, "2023-01-01": -5}, caplog)
    assert lines == ["training_config_expires days=-5 config=2023-01-01"]


def test_a_configuration_named_by_the_setting_is_the_one_that_is_told(caplog: pytest.LogCaptureFixture) -> None:
    lines = config_lines({"2022-05-01": 10, "2026-01-01": 300}, caplog, pinned="2022-05-01")
    assert lines == ["training_config_expires days=10 config=2022-05-01"]


@pytest.mark.parametrize("configs", [{}, {"2026-01-01": 300}])
def test_what_the_service_does_not_list_is_not_mentioned(
    configs: dict[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    assert config_lines(configs, caplog, pinned="2024-01-01") == []


def test_an_api_without_configurations_does_not_mention_them(caplog: pytest.LogCaptureFixture) -> None:
    assert config_lines({"2026-01-01": 20}, caplog, version="2021-preview") == []


@pytest.mark.parametrize("status", [401, 404, 429, 503])
def test_a_service_that_does_not_tell_fails_no_timer(status: int, caplog: pytest.LogCaptureFixture) -> None:
    """Health tells of it; a sweep that failed would look like a bug of ours."""
    world = OperationsWorld(api_version="2023-04-01")
    world.publish("first")
    world.authoring.answer = lambda _: language_error(status, "Refused", "not now")
    with caplog.at_level(logging.INFO, logger="pigeonhole.metrics"):
        world.services.sweep()
    assert "_unknown" in caplog.text


# What the status page shows

WARNINGS: dict[str, tuple[int | None, str | None]] = {
    "no expiry is told": (None, None),
    "a year": (365, None),
    "31 days": (31, None),
    "30 days": (30, "its deployment expires in 30 days; retrain and publish before 2026-03-31"),
    "a day": (1, "its deployment expires in 1 days; retrain and publish before 2026-03-02"),
    "today": (0, "its deployment expired on 2026-03-01; retrain and publish"),
}


@pytest.mark.parametrize("case", WARNINGS)
def test_the_expiry_of_production_is_shown_with_a_warning_30_days_ahead(case: str) -> None:
    days, warning = WARNINGS[case]
    world = OperationsWorld(api_version="2023-04-01")
    world.authoring.expires = START.date() + timedelta(days=days) if days is not None else None
    world.publish("first")
    shown = world.status()["active_model"]
    assert (shown["label"], shown["reference"]) == ("first", "production")
    assert shown["expires"] == (world.authoring.expires.isoformat() if world.authoring.expires else None)
    assert shown.get("warning") == warning


def test_the_warning_appears_as_time_goes_by_and_a_publication_ends_it() -> None:
    world = OperationsWorld(api_version="2023-04-01")
    world.authoring.expires = START.date() + timedelta(days=100)
    world.publish("first")
    world.clock.advance(timedelta(days=69))
    assert world.status()["active_model"]["warning"] is None
    world.clock.advance(timedelta(days=1))
    assert "30 days" in world.status()["active_model"]["warning"]
    world.authoring.expires = START.date() + timedelta(days=500)
    world.publish("second")
    assert world.status()["active_model"]["warning"] is None


def test_a_model_of_the_preview_has_no_expiry() -> None:
    world = OperationsWorld(api_version="2021-preview")
    world.publish("first")
    shown = world.status()["active_model"]
    assert (shown["label"], shown["expires"]) == ("first", None)
    assert shown["warning"] is None
