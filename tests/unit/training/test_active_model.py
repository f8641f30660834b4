"""The model in use: stored, else from the settings, and kept for a few seconds."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import ValidationError
from shared.language.models import ModelRef, ProjectKind
from shared.training.active_model import ACTIVE_MODEL, ActiveModelRecord, StoredActiveModel

from tests.fakes import START, FakeBlobStore, VirtualClock, app_settings

FIRST = ModelRef(project="letters", kind=ProjectKind.MULTI, reference="id-1", label="first")
SECOND = ModelRef(project="letters", kind=ProjectKind.MULTI, reference="id-2", label="second")


def record_of(model: ModelRef) -> ActiveModelRecord:
    return ActiveModelRecord(model=model, api_version="2021-preview", published=START)


class Place:
    """A state container that counts reads, and two processes that look at it."""

    def __init__(self, **changes: object) -> None:
        self.clock = VirtualClock()
        self.calls: list[str] = []
        self.state = FakeBlobStore("state", self.clock, self._count)
        self.settings = app_settings(**changes)
        self.ours, self.theirs = (StoredActiveModel(self.state, self.settings, self.clock) for _ in range(2))

    def _count(self, name, effect):  # type: ignore[no-untyped-def]
        self.calls.append(name)
        return effect()


def test_without_a_stored_model_there_is_none() -> None:
    assert Place().ours.find() is None


def test_without_a_stored_model_the_settings_name_one() -> None:
    place = Place(language_model="from-settings", language_project_kind="single_label")
    assert place.ours.find() == ModelRef(
        project="letters", kind=ProjectKind.SINGLE, reference="from-settings", label="from-settings"
    )


def test_a_stored_model_outranks_the_settings() -> None:
    place = Place(language_model="from-settings", language_project_kind="single_label")
    place.theirs.switch(record_of(FIRST))
    assert place.ours.find() == FIRST


def test_a_burst_of_jobs_reads_it_once() -> None:
    place = Place()
    place.theirs.switch(record_of(FIRST))
    place.calls.clear()
    for _ in range(20):
        assert place.ours.find() == FIRST
    assert place.calls == ["state.read"]


def test_another_process_sees_a_switch_within_the_cache_s_seconds() -> None:
    place = Place()
    place.ours.switch(record_of(FIRST))
    place.theirs.find()
    place.ours.switch(record_of(SECOND))
    place.clock.advance(timedelta(seconds=4.9))
    assert place.theirs.find() == FIRST
    place.clock.advance(timedelta(seconds=0.1))
    assert place.theirs.find() == SECOND


def test_the_process_that_switches_sees_it_at_once() -> None:
    place = Place()
    place.ours.switch(record_of(FIRST))
    place.ours.find()
    place.ours.switch(record_of(SECOND))
    assert place.ours.find() == SECOND


def test_that_no_model_is_stored_is_not_kept() -> None:
    place = Place()
    assert place.ours.find() is None
    place.theirs.switch(record_of(FIRST))
    assert place.ours.find() == FIRST


def test_a_cache_of_no_seconds_reads_every_time() -> None:
    place = Place(pipeline_model_cache_seconds=0)
    place.theirs.switch(record_of(FIRST))
    place.calls.clear()
    place.ours.find()
    place.ours.find()
    assert place.calls == ["state.read"] * 2


def test_the_record_carries_its_schema_and_reads_back() -> None:
    place = Place()
    place.ours.switch(record_of(FIRST))
    assert b'"schema": 1' in place.state.read(ACTIVE_MODEL).data
    assert place.theirs.find_record() == record_of(FIRST)


def test_a_record_of_another_schema_is_refused_loudly() -> None:
    place = Place()
    place.state.put(ACTIVE_MODEL, record_of(FIRST).model_dump_json(by_alias=True).replace(":1,", ":2,", 1).encode())
    with pytest.raises(ValidationError):
        place.ours.find()
