"""The log line that alerts read."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from shared.pipeline.vitals import report_vitals
from tests.faults.world import World


def vitals(world: World, caplog: pytest.LogCaptureFixture) -> str:
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="pigeonhole.vitals"):
        report_vitals(world.pipeline)
    return caplog.records[-1].getMessage()


def test_an_empty_pipeline_waits_for_nothing(caplog: pytest.LogCaptureFixture) -> None:
    assert vitals(World(), caplog) == (
        "pipeline_vitals oldest_waiting_seconds=0 open_jobs=0 waiting_for_model=0 documents_queue=0"
    )


def test_a_document_nobody_collects_is_told_with_its_age(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.upload("note.txt", "one")
    world._deliver(world.queues["events"])
    world.clock.advance(timedelta(minutes=40))
    told = vitals(world, caplog)
    assert "oldest_waiting_seconds=24" in told
    assert "documents_queue=1" in told


def test_a_job_without_a_model_is_told(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.model.model = None
    world.upload("note.txt", "one")
    world._deliver_until(world.clock() + timedelta(minutes=5))
    assert "open_jobs=1 waiting_for_model=1 documents_queue=0" in vitals(world, caplog)
