"""When the deployment in use expires: the log line that the alert reads, and what the status shows."""

from __future__ import annotations

import logging
from datetime import date, timedelta

import pytest

from shared.language.values import ModelRef, ProjectKind
from shared.models.active_model import ActiveModelRecord
from tests.fakes import START
from tests.unit.operations.operations_world import OperationsWorld

MODEL = ModelRef(project="letters", kind=ProjectKind.MULTI, reference="production", label="first")


def reported(expires: date | None, caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the sweep tells of the deployment in use."""
    services = OperationsWorld().services
    services.active_model.switch(
        ActiveModelRecord(model=MODEL, api_version="2023-04-01", published=START, expires=expires)
    )
    with caplog.at_level(logging.INFO, logger="pigeonhole.metrics"):
        services.sweep()
    lines = [record.getMessage() for record in caplog.records if record.name == "pigeonhole.metrics"]
    return [line for line in lines if not line.startswith("pipeline_metrics")]


def test_the_days_that_are_left_are_told(caplog: pytest.LogCaptureFixture) -> None:
    lines = reported((START + timedelta(days=20)).date(), caplog)
    assert lines == ["deployment_expires days=20 project=letters"]


def test_a_deployment_that_has_expired_counts_below_zero(caplog: pytest.LogCaptureFixture) -> None:
    assert reported((START - timedelta(days=2)).date(), caplog) == ["deployment_expires days=-2 project=letters"]


def test_a_model_that_does_not_expire_is_not_mentioned(caplog: pytest.LogCaptureFixture) -> None:
    assert reported(None, caplog) == []
    assert "pipeline_metrics" in caplog.text


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
