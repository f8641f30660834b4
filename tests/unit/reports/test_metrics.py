"""The log lines that alerts read."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from tests.services_on_fakes import PipelineOnFakes


def metrics(world: PipelineOnFakes, caplog: pytest.LogCaptureFixture) -> str:
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="pigeonhole.metrics"):
        world.services.sweep.metrics.log_pipeline()
    return caplog.records[-1].getMessage()


def test_an_empty_pipeline_waits_for_nothing(world: PipelineOnFakes, caplog: pytest.LogCaptureFixture) -> None:
    assert metrics(world, caplog) == (
        "pipeline_metrics oldest_waiting_seconds=0 open_batches=0 waiting_for_model=0 documents_queue=0"
    )


def test_a_document_that_is_not_collected_is_counted_with_its_age(
    world: PipelineOnFakes, caplog: pytest.LogCaptureFixture
) -> None:
    world.upload("note.txt", "one")
    world.deliver_events()
    world.clock.advance(timedelta(minutes=40))
    line = metrics(world, caplog)
    assert "oldest_waiting_seconds=24" in line
    assert "documents_queue=1" in line


def test_a_batch_without_a_model_is_counted(world: PipelineOnFakes, caplog: pytest.LogCaptureFixture) -> None:
    world.model.model = None
    world.upload("note.txt", "one")
    world.deliver_until(world.clock() + timedelta(minutes=5))
    assert "open_batches=1 waiting_for_model=1 documents_queue=0" in metrics(world, caplog)


def events(world: PipelineOnFakes, caplog: pytest.LogCaptureFixture) -> str:
    with caplog.at_level(logging.INFO, logger="pigeonhole.metrics"):
        world.services.sweep.metrics.log_events()
    return caplog.records[-1].getMessage()


def test_without_events_in_the_queue_none_waits(world: PipelineOnFakes, caplog: pytest.LogCaptureFixture) -> None:
    assert events(world, caplog) == "events_waiting oldest_seconds=0 queue=0"


def test_events_that_nobody_takes_are_counted_with_the_age_of_the_oldest(
    world: PipelineOnFakes, caplog: pytest.LogCaptureFixture
) -> None:
    world.upload("note.txt", "one")
    world.clock.advance(timedelta(minutes=40))
    world.upload("letter.txt", "two")
    assert events(world, caplog) == "events_waiting oldest_seconds=2400 queue=2"
