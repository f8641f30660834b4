"""The model in use: stored, else from the settings; kept for a few seconds, and held while models are switched."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from shared.errors import BlobUnreadableError, StateUnreadableError, VersionChangedError
from shared.language.values import ModelRef, ProjectKind
from shared.models.active_model import (
    ACTIVE_MODEL,
    HOLD_LIMIT,
    Active,
    ActiveModelRecord,
    ActiveModelStore,
    Held,
    HoldResult,
)
from tests.fakes import START, FakeBlobStore, T, VirtualClock

FIRST = ModelRef(project="letters", kind=ProjectKind.MULTI, reference="id-1", label="first")
SECOND = ModelRef(project="letters", kind=ProjectKind.MULTI, reference="id-2", label="second")
FROM_SETTINGS = ModelRef(project="letters", kind=ProjectKind.SINGLE, reference="set", label="set")


def record_of(model: ModelRef, *, expires: date | None = None) -> ActiveModelRecord:
    return ActiveModelRecord(model=model, api_version="2021-preview", published=START, expires=expires)


class Place:
    """A state container that counts calls, and two processes that look at it. `before` is told each call's name."""

    def __init__(self, *, from_settings: ModelRef | None = None, cache_seconds: float = 5) -> None:
        self.clock = VirtualClock()
        self.calls: list[str] = []
        self.before: Callable[[str], None] = lambda _: None
        self.state = FakeBlobStore("state", self.clock, self._count)
        self.ours, self.theirs = (
            ActiveModelStore(
                self.state, from_settings=from_settings, cache=timedelta(seconds=cache_seconds), clock=self.clock
            )
            for _ in range(2)
        )

    def _count(self, name: str, effect: Callable[[], T]) -> T:
        self.calls.append(name)
        self.before(name)
        return effect()

    def stored(self) -> ActiveModelRecord:
        return ActiveModelRecord.model_validate_json(self.state.read(ACTIVE_MODEL).data)


def test_without_a_stored_model_there_is_none() -> None:
    assert Place().ours.find() is None
    assert Place().ours.find_label("letters") is None


def test_without_a_stored_model_the_settings_name_one() -> None:
    assert Place(from_settings=FROM_SETTINGS).ours.find() == Active(FROM_SETTINGS)


def test_a_stored_model_outranks_the_settings() -> None:
    place = Place(from_settings=FROM_SETTINGS)
    place.theirs.switch(record_of(FIRST))
    assert place.ours.find() == Active(FIRST)


def test_the_label_in_use_is_that_of_the_project_asked_for() -> None:
    place = Place()
    place.ours.switch(record_of(FIRST))
    assert (place.ours.find_label("letters"), place.ours.find_label("reports")) == ("first", None)


def test_a_burst_of_batches_reads_it_once() -> None:
    place = Place()
    place.theirs.switch(record_of(FIRST))
    place.calls.clear()
    for _ in range(20):
        assert place.ours.find() == Active(FIRST)
    assert place.calls == ["state.read"]


def test_another_process_sees_a_switch_within_the_cache_s_seconds() -> None:
    place = Place()
    place.ours.switch(record_of(FIRST))
    place.theirs.find()
    place.ours.switch(record_of(SECOND))
    place.clock.advance(timedelta(seconds=4.9))
    assert place.theirs.find() == Active(FIRST)
    place.clock.advance(timedelta(seconds=0.1))
    assert place.theirs.find() == Active(SECOND)


def test_the_process_that_switches_sees_it_at_once() -> None:
    place = Place()
    place.ours.switch(record_of(FIRST))
    place.ours.find()
    place.ours.switch(record_of(SECOND))
    assert place.ours.find() == Active(SECOND)


def test_the_absence_of_a_stored_model_is_not_remembered() -> None:
    place = Place()
    assert place.ours.find() is None
    place.theirs.switch(record_of(FIRST))
    assert place.ours.find() == Active(FIRST)


def test_a_cache_of_no_seconds_reads_every_time() -> None:
    place = Place(cache_seconds=0)
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


UNREADABLE = {
    "another schema": record_of(FIRST).model_dump_json(by_alias=True).replace(":1,", ":2,", 1).encode(),
    "cut": record_of(FIRST).model_dump_json(by_alias=True)[:60].encode(),
    "empty": b"",
    "no JSON": b"hello",
    "nested without end": b"[" * 100_000,
    "not UTF-8": b'{"schema":1,"model":"\xff"}',
}


def unreadable_place(case: str) -> Place:
    """With settings that name a model, because those must not stand in for the one that was published."""
    place = Place(from_settings=FROM_SETTINGS)
    place.state.put(ACTIVE_MODEL, UNREADABLE[case])
    return place


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_cannot_be_read_is_told_and_never_taken_for_none(case: str, caplog: pytest.LogCaptureFixture) -> None:
    place = unreadable_place(case)
    for ask in (place.ours.find, place.ours.find_record, lambda: place.ours.find_label("letters")):
        with pytest.raises(StateUnreadableError, match=ACTIVE_MODEL.replace(".", r"\.")):
            ask()
    assert "state_unreadable blob=models/active.json" in caplog.text
    assert place.ours.find_label_to_show("letters") is None


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_publication_repairs_it(case: str) -> None:
    place = unreadable_place(case)
    assert place.ours.hold() is HoldResult.NO_MODEL
    assert place.ours.renew_hold() is HoldResult.NO_MODEL
    place.ours.release()
    place.ours.switch(record_of(SECOND))
    assert place.theirs.find() == Active(SECOND)


def test_deleting_a_project_leaves_what_cannot_be_read() -> None:
    place = unreadable_place("cut")
    place.ours.remove("letters")
    assert place.state.find(ACTIVE_MODEL) is not None


def test_a_model_in_use_that_storage_does_not_give_is_told_as_well() -> None:
    place = Place()
    place.ours.switch(record_of(FIRST))
    place.state.archive(ACTIVE_MODEL)
    with pytest.raises(StateUnreadableError, match="archive tier"):
        place.theirs.find()


# Holds


def held_place() -> Place:
    place = Place()
    place.ours.switch(record_of(FIRST))
    assert place.ours.hold() is HoldResult.CHANGED
    return place


def test_a_hold_keeps_telling_which_model_is_in_use_and_until_when_at_most() -> None:
    place = held_place()
    assert place.ours.find() == place.theirs.find() == Held(FIRST, START + HOLD_LIMIT)
    assert place.ours.find_label("letters") == "first"


def test_a_hold_ends_by_itself_at_its_limit() -> None:
    place = held_place()
    place.clock.advance(HOLD_LIMIT - timedelta(seconds=1))
    assert isinstance(place.theirs.find(), Held)
    place.clock.advance(timedelta(seconds=1))
    assert place.theirs.find() == place.ours.find() == Active(FIRST)


def test_a_renewed_hold_lasts_for_its_limit_from_then() -> None:
    place = held_place()
    place.clock.advance(HOLD_LIMIT - timedelta(minutes=1))
    assert place.ours.renew_hold() is HoldResult.CHANGED
    assert place.ours.find() == Held(FIRST, place.clock() + HOLD_LIMIT)


def test_a_hold_that_has_lapsed_cannot_be_renewed() -> None:
    place = held_place()
    place.clock.advance(HOLD_LIMIT + timedelta(seconds=1))
    assert place.ours.renew_hold() is HoldResult.LAPSED
    assert place.ours.find() == Active(FIRST)


def test_what_was_never_held_cannot_be_renewed() -> None:
    place = Place()
    place.ours.switch(record_of(FIRST))
    assert place.ours.renew_hold() is HoldResult.LAPSED
    assert place.ours.find() == Active(FIRST)


def test_a_released_hold_lets_submissions_go_on() -> None:
    place = held_place()
    place.ours.release()
    assert place.ours.find() == Active(FIRST)
    assert place.stored().held_until is None


def test_a_release_writes_nothing_when_nothing_is_held() -> None:
    place = Place()
    place.ours.switch(record_of(FIRST))
    place.calls.clear()
    place.ours.release()
    assert place.calls == ["state.read"]


def test_without_a_stored_model_nothing_can_be_held() -> None:
    place = Place(from_settings=FROM_SETTINGS)
    assert place.ours.hold() is HoldResult.NO_MODEL
    assert place.ours.renew_hold() is HoldResult.NO_MODEL
    place.ours.release()
    assert place.ours.find() == Active(FROM_SETTINGS)
    assert list(place.state.list()) == []


def test_a_switch_ends_the_hold() -> None:
    place = held_place()
    place.ours.switch(record_of(SECOND))
    assert place.ours.find() == Active(SECOND)


def test_a_hold_that_races_with_a_switch_holds_the_new_model_and_never_brings_back_the_old() -> None:
    place = Place()
    place.ours.switch(record_of(FIRST))
    switched: list[None] = []

    def switch_first(call: str) -> None:
        if call == "state.replace" and not switched:
            switched.append(None)
            place.theirs.switch(record_of(SECOND))

    place.before = switch_first
    assert place.ours.hold() is HoldResult.CHANGED
    assert switched
    assert place.ours.find() == Held(SECOND, START + HOLD_LIMIT)


def test_a_hold_that_loses_every_race_fails_loudly() -> None:
    place = Place()
    place.ours.switch(record_of(FIRST))
    place.before = lambda call: place.theirs.switch(record_of(SECOND)) if call == "state.replace" else None
    with pytest.raises(VersionChangedError):
        place.ours.hold()


def test_another_process_sees_a_hold_within_the_cache_s_seconds() -> None:
    place = Place()
    place.ours.switch(record_of(FIRST))
    assert place.theirs.find() == Active(FIRST)
    place.ours.hold()
    assert place.theirs.find() == Active(FIRST)
    place.clock.advance(timedelta(seconds=5))
    assert isinstance(place.theirs.find(), Held)


# Removal and expiry


def test_a_deleted_project_takes_its_model_out_of_use() -> None:
    place = Place(from_settings=FROM_SETTINGS)
    place.ours.switch(record_of(FIRST))
    place.ours.remove("reports")
    assert place.ours.find() == Active(FIRST)
    place.ours.remove("letters")
    assert place.ours.find() == Active(FROM_SETTINGS)
    assert list(place.state.list()) == []


@pytest.mark.parametrize(
    ("expires", "days"), [(date(2026, 3, 31), 30), (date(2026, 3, 1), 0), (date(2026, 2, 27), -2), (None, None)]
)
def test_days_are_counted_to_the_expiry_of_the_deployment(expires: date | None, days: int | None) -> None:
    assert record_of(FIRST, expires=expires).days_left(START.date()) == days


@pytest.mark.parametrize("change", ["switch", "hold"])
def test_a_record_that_may_be_read_and_not_replaced_is_told_as_unreadable_state(
    change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under a lease of somebody's, say. The step waits; as a bug it would end the publication."""
    place = Place()
    place.ours.switch(record_of(FIRST))

    def leased(*_: object, **__: object) -> str:
        raise BlobUnreadableError("somebody holds a lease on it")

    monkeypatch.setattr(place.state, "put", leased)
    monkeypatch.setattr(place.state, "replace", leased)
    with pytest.raises(StateUnreadableError, match="lease"):
        place.ours.switch(record_of(FIRST)) if change == "switch" else place.ours.hold()
