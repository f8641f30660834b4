"""The log line that the alert on deployment expiry reads."""

from __future__ import annotations

import logging
from datetime import date, timedelta

import pytest

from shared.language.models import ModelRef, ProjectKind
from shared.training.active_model import ActiveModelRecord, StoredActiveModel
from shared.training.context import Training
from shared.training.maintenance import report_expiry
from tests.fakes import START, FakeBlobStore, FakeQueue
from tests.faults.world import World

MODEL = ModelRef(project="letters", kind=ProjectKind.MULTI, reference="production", label="first")


def reported(expires: date | None, caplog: pytest.LogCaptureFixture) -> list[str]:
    world = World()
    active = StoredActiveModel(FakeBlobStore("state", world.clock), world.settings, world.clock)
    active.switch(ActiveModelRecord(model=MODEL, api_version="2023-04-01", published=START, expires=expires))
    training = Training(
        world.pipeline,
        FakeQueue("operations", world.clock),
        active,
        lambda name: FakeBlobStore(name, world.clock),
    )
    with caplog.at_level(logging.INFO, logger="pigeonhole.operations"):
        report_expiry(training)
    return [record.getMessage() for record in caplog.records]


def test_the_days_that_are_left_are_told(caplog: pytest.LogCaptureFixture) -> None:
    lines = reported((START + timedelta(days=20)).date(), caplog)
    assert lines == ["deployment_expires days=20 project=letters"]


def test_a_deployment_that_has_expired_counts_below_zero(caplog: pytest.LogCaptureFixture) -> None:
    assert reported((START - timedelta(days=2)).date(), caplog) == ["deployment_expires days=-2 project=letters"]


def test_a_model_that_does_not_expire_is_not_mentioned(caplog: pytest.LogCaptureFixture) -> None:
    assert reported(None, caplog) == []
