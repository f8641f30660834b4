"""Records are created once, changed only at the version they were read at, and closed by moving them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from shared.durable import store
from shared.durable.record import MAX_HISTORY, STEP_ALLOWANCE
from shared.durable.store import newest_days
from shared.errors import RaceLostError, StateUnreadableError
from tests.fakes import START
from tests.unit.durable.letters import Letter, LetterFacts, Office, letter

TODAY = START.date()


@pytest.fixture
def office() -> Office:
    return Office()


def test_a_record_is_found_as_it_was_created(office: Office) -> None:
    created = office.create()
    assert office.store.find("a1") == created
    assert list(office.blobs.blobs) == ["letters/open/a1.json"]


def test_a_record_that_is_open_already_is_not_created_again(office: Office) -> None:
    first = office.create(letter(pages=1))
    assert office.store.create(letter(pages=2)) is None
    assert office.store.find("a1") == first


def test_an_unknown_record_is_not_found(office: Office) -> None:
    assert office.store.find("a1") is None


def test_a_record_of_another_schema_is_refused(office: Office) -> None:
    body = letter().to_json().replace(b'"schema":1', b'"schema":2')
    office.blobs.write_unhooked("letters/open/a1.json", body)
    with pytest.raises(StateUnreadableError):
        office.store.find("a1")


def test_members_of_a_newer_release_are_ignored(office: Office) -> None:
    office.blobs.write_unhooked("letters/open/a1.json", letter().to_json().replace(b"{", b'{"colour":"red",', 1))
    assert office.find().record == letter()


def test_a_saved_record_is_found_as_it_was_saved_and_can_be_saved_again(office: Office) -> None:
    saved = office.store.save(office.create().change(pages=2))
    assert office.store.find("a1") == saved
    office.store.save(saved.change(pages=3))
    assert office.find().record.pages == 3


def test_of_two_that_save_what_they_read_the_second_loses_the_race(office: Office) -> None:
    read = office.create()
    office.store.save(read.change(pages=2))
    with pytest.raises(RaceLostError, match="a1"):
        office.store.save(read.change(pages=3))
    assert office.find().record.pages == 2


def test_a_save_that_was_repeated_below_us_is_no_race(office: Office) -> None:
    """The SDK repeats a write whose answer was lost, and meets its own first try."""
    read = office.create()
    ours = read.change(pages=2)
    office.blobs.write_unhooked("letters/open/a1.json", ours.record.to_json(), ours.record.facts().to_metadata())
    saved = office.store.save(ours)
    assert saved.etag != read.etag
    assert office.store.find("a1") == saved


def test_saving_a_record_that_was_closed_meanwhile_is_a_lost_race(office: Office) -> None:
    read = office.create()
    office.store.close(read)
    with pytest.raises(RaceLostError):
        office.store.save(read.change(pages=2))
    assert office.store.find("a1") is None


def test_a_closed_record_lies_under_the_day_it_was_created(office: Office) -> None:
    office.store.close(office.create(letter(days_ago=3)).change(pages=9))
    assert list(office.blobs.blobs) == ["letters/closed/2026-02-26/a1.json"]
    found = office.store.find_closed("a1", newest_days(START, 4))
    assert found is not None
    assert found.pages == 9
    assert office.store.find_closed("a1", newest_days(START, 3)) is None


def test_it_is_written_to_closed_before_it_is_removed_from_open(office: Office) -> None:
    stored = office.create()
    office.store.close(stored)
    assert office.trace == ["blobs.put", "blobs.delete"]


def test_closing_twice_changes_nothing(office: Office) -> None:
    stored = office.create()
    office.store.close(stored)
    before = office.blobs.blobs["letters/closed/2026-03-01/a1.json"].data
    office.store.close(stored)
    assert list(office.blobs.blobs) == ["letters/closed/2026-03-01/a1.json"]
    assert office.blobs.blobs["letters/closed/2026-03-01/a1.json"].data == before


def test_closing_leaves_an_open_record_that_changed_meanwhile(office: Office) -> None:
    read = office.create()
    office.store.save(read.change(pages=2))
    office.store.close(read)
    assert office.find().record.pages == 2


def test_a_record_is_discarded_only_at_the_version_that_was_read(office: Office) -> None:
    read = office.create()
    changed = office.store.save(read.change(pages=2))
    office.store.discard(read)
    assert office.store.find("a1") == changed
    office.store.discard(changed)
    assert office.blobs.blobs == {}


def test_open_records_are_listed_by_id_with_their_facts(office: Office) -> None:
    for record in (letter("b2", pages=7), letter("a1", pages=3)):
        office.create(record)
    listed = list(office.store.list_open())
    assert [each.id for each in listed] == ["a1", "b2"]
    assert [each.facts for each in listed] == [letter("a1", pages=3).facts(), letter("b2", pages=7).facts()]
    assert office.trace == ["blobs.list"]


def test_the_facts_of_a_listing_follow_every_save(office: Office) -> None:
    office.store.save(office.create().change(pages=8))
    (listed,) = office.store.list_open()
    assert listed.facts is not None
    assert listed.facts.pages == 8


UNREADABLE = {
    "none": {},
    "no time": {"created": "2026-03-01T12:00:00Z", "pages": "1"},
    "no zone": {"created": "2026-03-01T12:00:00", "due": "2026-03-01T12:00:00", "pages": "1"},
    "no number": {"created": "2026-03-01T12:00:00Z", "due": "2026-03-01T12:00:00Z", "pages": "many"},
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_record_whose_metadata_cannot_be_read_is_listed_without_facts(office: Office, case: str) -> None:
    office.blobs.write_unhooked("letters/open/a1.json", letter().to_json(), UNREADABLE[case])
    (listed,) = office.store.list_open()
    assert (listed.id, listed.facts) == ("a1", None)


def test_facts_read_back_from_their_metadata_as_themselves() -> None:
    facts = letter(pages=3).facts()
    assert LetterFacts.read(facts.to_metadata()) == facts
    assert all(value.isascii() for value in facts.to_metadata().values())


def close_at(office: Office, record: Letter, minutes: int) -> None:
    office.clock.now = START + timedelta(minutes=minutes)
    office.store.close(office.create(record))


def test_the_last_closed_are_listed_newest_day_first(office: Office) -> None:
    close_at(office, letter("old", days_ago=1), 1)
    close_at(office, letter("first"), 2)
    close_at(office, letter("second"), 3)
    days = list(newest_days(START, 7))
    assert [each.id for each in office.store.list_closed(3, days)[0]] == ["second", "first", "old"]
    assert [each.id for each in office.store.list_closed(1, days)[0]] == ["second"]


def test_no_more_days_are_listed_than_it_takes(office: Office) -> None:
    for number in range(3):
        close_at(office, letter(f"today-{number}"), number)
    office.trace.clear()
    office.store.list_closed(3, newest_days(START, 7))
    assert office.trace == ["blobs.list"]
    office.trace.clear()
    office.store.list_closed(4, newest_days(START, 7))
    assert office.trace == ["blobs.list"] * 7


def test_those_closed_on_a_day_are_listed_in_one_call_up_to_a_bound(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        close_at(office, letter(f"today-{number}"), number)
    close_at(office, letter("yesterday", days_ago=1), 4)
    office.trace.clear()
    listed, is_all = office.store.list_closed_on(TODAY)
    assert ([each.id for each in listed], is_all) == (["today-0", "today-1", "today-2"], True)
    assert office.trace == ["blobs.list"]
    monkeypatch.setattr(store, "MAX_SEARCHED", 2)
    listed, is_all = office.store.list_closed_on(TODAY)
    assert ([each.id for each in listed], is_all) == (["today-0", "today-1"], False)


def test_all_closed_records_are_listed_oldest_day_first(office: Office) -> None:
    close_at(office, letter("new"), 1)
    close_at(office, letter("old", days_ago=40), 2)
    assert [each.id for each in office.store.list_all_closed()] == ["old", "new"]


def test_the_newest_days_begin_with_today_and_cross_months() -> None:
    assert list(newest_days(START, 3)) == [date(2026, 3, 1), date(2026, 2, 28), date(2026, 2, 27)]
    assert list(newest_days(START, 0)) == []


def test_evolving_adds_a_line_of_history_and_makes_the_record_due_anew(office: Office) -> None:
    later = START + timedelta(minutes=4)
    evolved = office.create().evolve(later, "read", pages=5)
    assert (evolved.record.pages, evolved.record.due) == (5, later + STEP_ALLOWANCE)
    assert [(event.at, event.what) for event in evolved.record.history] == [(later, "read")]


def test_a_due_time_that_is_given_stays(office: Office) -> None:
    assert office.create().evolve(START, "waiting", due=START).record.due == START


def test_a_change_leaves_no_line_of_history(office: Office) -> None:
    stored = office.create()
    assert stored.change(pages=2).record.history == ()
    assert stored.change(pages=2).record.due == stored.record.due


def test_the_history_keeps_its_newest_lines() -> None:
    record = letter()
    for number in range(MAX_HISTORY + 1):
        record = record.evolve(START, f"line {number}")
    assert [event.what for event in record.history] == [f"line {number}" for number in range(1, MAX_HISTORY + 1)]
