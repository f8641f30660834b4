"""One step of one record: what is saved, sent and closed after each way a step can end, in which order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.durable.record import STEP_ALLOWANCE, Deferral
from shared.durable.steps import Done, Next, NotReady, Step, StepLater, StepNow, advance
from shared.durable.store import Stored
from shared.errors import (
    LanguageAccessError,
    LanguageThrottledError,
    MalformedAnswerError,
    NoModelError,
    PermanentError,
    RaceLostError,
    RateLimitedError,
    RetryableError,
    StorageUnavailableError,
)
from shared.messages import MAX_COUNT, StepMessage
from tests.unit.durable.letters import Letter, Office, letter


@pytest.fixture
def office() -> Office:
    return Office()


def never(stored: Stored[Letter]) -> Next[Letter]:
    raise AssertionError("no step may be taken")


def raising(error: Exception) -> Step[Letter]:
    def step(stored: Stored[Letter]) -> Next[Letter]:
        raise error

    return step


def take(office: Office, step: Step[Letter], *, polls: int = 0, failures: int = 0) -> None:
    advance(office.steps, StepMessage(id="a1", polls=polls, failures_in_a_row=failures), step)


# starting


def test_a_record_is_created_before_its_first_message_is_sent(office: Office) -> None:
    office.steps.start(letter())
    assert office.trace == ["blobs.create", "queue.send"]
    assert office.messages() == [StepMessage(id="a1")]
    assert office.delay() == 0


def test_starting_what_is_open_already_sends_another_message_and_leaves_the_record(office: Office) -> None:
    office.create(letter(pages=1))
    office.steps.start(letter(pages=2))
    assert office.find().record.pages == 1
    assert office.messages() == [StepMessage(id="a1")]


# the endings of a step


def test_done_closes_the_record_as_it_is_handed_over_and_sends_nothing(office: Office) -> None:
    office.create()
    take(office, lambda stored: Done(stored.evolve(office.clock(), "finished", pages=4)))
    assert office.trace == ["blobs.read", "blobs.put", "blobs.delete"]
    closed = office.store.find_closed("a1", [letter().created.date()])
    assert closed is not None
    assert (closed.pages, closed.history[-1].what) == (4, "finished")


def test_done_closes_in_the_way_that_is_given(office: Office) -> None:
    office.create()
    closed: list[Stored[Letter]] = []
    advance(office.steps, StepMessage(id="a1"), Done, close=closed.append)
    assert [each.record.id for each in closed] == ["a1"]
    assert office.store.find("a1") is not None


def test_step_now_saves_before_it_sends_a_message_that_is_visible_at_once(office: Office) -> None:
    office.create()
    take(office, lambda stored: StepNow(stored.change(pages=2)), polls=3)
    assert office.trace == ["blobs.read", "blobs.replace", "queue.send"]
    assert office.find().record.pages == 2
    assert office.messages() == [StepMessage(id="a1")], "the next step begins to count anew"
    assert office.delay() == 0


def test_step_later_sends_a_message_after_the_delay_and_saves_nothing(office: Office) -> None:
    office.create()
    take(office, lambda stored: StepLater(stored, timedelta(seconds=40)), polls=3)
    assert office.trace == ["blobs.read", "queue.send"]
    assert office.messages() == [StepMessage(id="a1")], "the next step begins to count anew"
    assert office.delay() == 40


@pytest.mark.parametrize(
    ("polls", "minutes", "seconds"),
    [(0, 0, 2), (1, 0, 5), (2, 0, 60), (3, 9, 60), (3, 10, 300), (1, 10, 5)],
    ids=["first", "second", "third", "the last repeats", "slow", "a late second poll"],
)
def test_what_is_not_ready_is_polled_by_the_schedule_and_how_long_it_has_been_waited_for(
    office: Office, polls: int, minutes: int, seconds: int
) -> None:
    office.create()
    since = office.clock() - timedelta(minutes=minutes)
    take(office, lambda stored: NotReady(stored, since=since), polls=polls)
    assert office.trace == ["blobs.read", "queue.send"]
    assert office.messages() == [StepMessage(id="a1", polls=polls + 1)]
    assert office.delay() == seconds


@pytest.mark.parametrize(
    ("expected", "delay", "polls"),
    [(1.9, 2, 1), (2.0, 2, 1), (2.1, 3, 0), (4.0, 4, 0)],
    ids=["sooner", "as the schedule says", "later", "much later"],
)
def test_what_is_expected_to_take_longer_is_polled_then_and_by_the_whole_schedule_after_it(
    office: Office, expected: float, delay: int, polls: int
) -> None:
    office.create()
    take(office, lambda stored: NotReady(stored, since=office.clock(), expected=timedelta(seconds=expected)))
    assert office.messages() == [StepMessage(id="a1", polls=polls)]
    assert office.delay() == delay


@pytest.mark.parametrize(("over", "saved"), [(0, False), (1, True)], ids=["within", "beyond"])
def test_a_delay_beyond_the_due_time_is_saved_first_so_that_the_sweep_leaves_the_record_alone(
    office: Office, over: int, saved: bool
) -> None:
    due = office.create().record.due
    delay = STEP_ALLOWANCE + timedelta(seconds=over)
    take(office, lambda stored: StepLater(stored, delay))
    expected = ["blobs.read", "blobs.replace", "queue.send"] if saved else ["blobs.read", "queue.send"]
    assert office.trace == expected
    assert office.find().record.due == (office.clock() + delay + STEP_ALLOWANCE if saved else due)


def test_counts_stop_where_a_message_would_be_refused(office: Office) -> None:
    office.create()
    take(office, raising(RetryableError("later")), polls=MAX_COUNT, failures=MAX_COUNT)
    take(office, lambda stored: NotReady(stored, since=office.clock()), polls=MAX_COUNT)
    assert office.messages() == [
        StepMessage(id="a1", polls=MAX_COUNT, failures_in_a_row=MAX_COUNT),
        StepMessage(id="a1", polls=MAX_COUNT),
    ]


# records that need no step


def test_a_message_for_a_record_that_is_closed_does_nothing(office: Office) -> None:
    take(office, never)
    assert office.trace == ["blobs.read"]


def test_a_record_that_ended_before_a_crash_is_closed_without_another_step(office: Office) -> None:
    office.create(letter().model_copy(update={"sent": True}))
    take(office, never)
    assert office.store.find("a1") is None
    assert office.messages() == []


# errors


@pytest.mark.parametrize(
    ("failures", "seconds"), [(0, 2), (1, 5), (2, 60), (9, 60), (10, 300), (500, 300)], ids=lambda value: str(value)
)
def test_a_retryable_error_sends_the_step_again_by_the_schedule_of_failures_in_a_row(
    office: Office, failures: int, seconds: int
) -> None:
    """Each failure counts as a minute, so that the slow delay begins with the tenth."""
    office.create()
    take(office, raising(RetryableError("later")), polls=3, failures=failures)
    assert office.messages() == [StepMessage(id="a1", polls=3, failures_in_a_row=failures + 1)]
    assert office.delay() == seconds


def test_what_the_service_asked_for_is_waited_if_it_is_longer(office: Office) -> None:
    office.create()
    take(office, raising(LanguageThrottledError("slow", retry_after=timedelta(seconds=90))))
    assert office.delay() == 90


def test_a_refused_credential_never_waits_the_slow_delay(office: Office) -> None:
    office.create()
    take(office, raising(LanguageAccessError("no", status_code=401)), failures=500)
    assert office.delay() == 60


def test_no_model_is_waited_for_as_long_as_it_takes(office: Office) -> None:
    office.create()
    take(office, raising(NoModelError("none")), failures=100_000)
    assert office.delay() == 300


def test_what_a_step_saved_before_it_failed_is_what_is_deferred(office: Office) -> None:
    office.create()

    def step(stored: Stored[Letter]) -> Next[Letter]:
        office.store.save(stored.change(pages=2))
        raise RetryableError("later", retry_after=timedelta(hours=1))

    take(office, step)
    found = office.find().record
    assert found.pages == 2
    assert found.due > office.clock() + timedelta(hours=1)


def test_a_record_that_another_message_closed_while_its_step_failed_is_left_so(office: Office) -> None:
    office.create()

    def step(stored: Stored[Letter]) -> Next[Letter]:
        office.store.close(stored)
        raise RetryableError("later")

    take(office, step)
    assert office.messages() == []


def test_a_lost_race_ends_the_step_quietly(office: Office) -> None:
    office.create()

    def step(stored: Stored[Letter]) -> Next[Letter]:
        office.store.save(stored.change(pages=2))
        return StepNow(stored.change(pages=3))

    take(office, step)
    assert office.find().record.pages == 2
    assert office.messages() == [], "the message of the winner goes on with it"


def test_a_race_that_the_step_itself_lost_ends_it_quietly(office: Office) -> None:
    office.create()
    take(office, raising(RaceLostError("a1")))
    assert office.messages() == []
    assert office.store.find("a1") is not None


def test_without_a_way_to_fail_a_permanent_error_propagates_and_leaves_the_record(office: Office) -> None:
    office.create()
    with pytest.raises(MalformedAnswerError):
        take(office, raising(MalformedAnswerError("odd")))
    assert office.find().record == letter().model_copy(update={"failing": "MalformedAnswerError"})
    assert office.messages() == []


def fail(office: Office) -> Callable[[Stored[Letter], PermanentError], Next[Letter]]:
    return lambda stored, error: Done(stored.evolve(office.clock(), f"failed: {error}"))


def test_a_permanent_error_ends_as_the_record_s_kind_decides(office: Office) -> None:
    office.create()

    def step(stored: Stored[Letter]) -> Next[Letter]:
        office.store.save(stored.change(pages=2))
        raise MalformedAnswerError("odd")

    advance(office.steps, StepMessage(id="a1"), step, fail=fail(office))
    closed = office.store.find_closed("a1", [letter().created.date()])
    assert closed is not None
    assert (closed.pages, closed.history[-1].what) == (2, "failed: odd")


@pytest.mark.parametrize("ended", ["closed", "sent"])
def test_a_record_that_ended_in_the_step_that_failed_is_not_failed(office: Office, ended: str) -> None:
    office.create()

    def step(stored: Stored[Letter]) -> Next[Letter]:
        if ended == "closed":
            office.store.close(stored)
        else:
            office.store.save(stored.change(sent=True))
        raise MalformedAnswerError("odd")

    def no_failure(stored: Stored[Letter], error: PermanentError) -> Next[Letter]:
        raise AssertionError("it has ended")

    advance(office.steps, StepMessage(id="a1"), step, fail=no_failure)
    assert office.messages() == []


def test_a_bug_propagates_is_named_in_the_record_and_leaves_it_to_the_next_delivery(office: Office) -> None:
    office.create()
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            advance(office.steps, StepMessage(id="a1"), raising(ZeroDivisionError()), fail=fail(office))
    assert office.find().record == letter().model_copy(update={"failing": "ZeroDivisionError"})
    assert office.trace.count("blobs.replace") == 1, "named once"
    assert office.messages() == []


def test_a_bug_that_cannot_be_named_propagates_all_the_same(office: Office) -> None:
    office.create()
    office.refuse("blobs.replace")
    with pytest.raises(ZeroDivisionError):
        take(office, raising(ZeroDivisionError()))
    assert office.find().record.failing is None


# storage refuses


@pytest.mark.parametrize("call", ["blobs.read", "blobs.replace"])
def test_a_step_that_storage_refuses_is_deferred_as_one_that_the_service_refuses(office: Office, call: str) -> None:
    office.create()
    office.refuse(call)
    take(office, lambda stored: StepNow(stored.evolve(office.clock(), "written")))
    assert office.messages() == [StepMessage(id="a1", failures_in_a_row=1)]
    assert office.delay() == 2


def test_a_close_that_storage_refuses_is_deferred(office: Office) -> None:
    office.create()
    office.refuse("blobs.put")
    take(office, lambda stored: Done(stored.evolve(office.clock(), "finished")))
    assert office.messages() == [StepMessage(id="a1", failures_in_a_row=1)]


def test_refused_storage_is_asked_again_within_two_minutes_however_long_it_lasts(office: Office) -> None:
    office.create()
    office.refuse("blobs.replace")
    take(office, never, failures=500)
    assert office.delay() == 60


def test_a_step_after_a_failure_first_sees_that_the_record_can_be_written(office: Office) -> None:
    """Else a step that posts would post at every attempt as long as storage takes no write."""
    office.create()
    office.refuse("blobs.replace")
    take(office, never, failures=1)
    office.refuse()
    take(office, lambda stored: StepNow(stored.evolve(office.clock(), "written")), failures=2)
    assert office.find().record.last_event == "written"


def test_when_deferring_cannot_be_sent_the_message_fails_and_no_bug_is_named(office: Office) -> None:
    office.create()
    office.refuse("queue.send")
    with pytest.raises(StorageUnavailableError):
        take(office, lambda stored: StepNow(stored.evolve(office.clock(), "written")))
    assert office.find().record.failing is None


@pytest.mark.parametrize("data", [b"{", b'{"schema":2}', b"", b"[]", b"[" * 100_000], ids=lambda data: str(data[:12]))
def test_the_step_of_an_unreadable_record_waits_until_it_is_repaired(office: Office, data: bytes) -> None:
    stored = office.create()
    office.blobs.write_unhooked("letters/open/a1.json", data)
    take(office, never, failures=20)
    assert office.messages() == [StepMessage(id="a1", failures_in_a_row=21)]
    assert office.delay() == 300
    office.blobs.write_unhooked("letters/open/a1.json", stored.record.to_json())
    take(office, lambda stored: StepNow(stored.evolve(office.clock(), "repaired")), failures=21)
    assert office.find().record.last_event == "repaired"


def test_an_archived_record_waits_as_a_damaged_one(office: Office) -> None:
    office.create()
    office.blobs.archive("letters/open/a1.json")
    take(office, never)
    assert office.messages() == [StepMessage(id="a1", failures_in_a_row=1)]


# what is waited for


def test_a_deferral_is_written_down_once_for_failures_of_one_kind_and_cleared_by_a_step(office: Office) -> None:
    office.create()
    begun = office.clock()
    for failures in range(3):
        take(office, raising(LanguageThrottledError("429")), failures=failures)
        office.clock.advance(timedelta(seconds=60))
    deferred = office.find().record.deferred
    assert deferred == Deferral(code="language_throttled", since=begun, until=begun + timedelta(seconds=2))
    writes = office.trace.count("blobs.replace")
    assert writes == 1 + 2, "one of them is that of the deferral, the others see that the record can be written"
    take(office, raising(LanguageAccessError("403", status_code=403)), failures=3)
    assert (office.find().record.deferred or deferred).code == "language_access"
    take(office, lambda stored: StepNow(stored.evolve(office.clock(), "written")), failures=4)
    assert office.find().record.deferred is None


def test_a_deferral_tells_the_new_time_when_the_wait_grows(office: Office) -> None:
    office.create()
    begun = office.clock()
    take(office, raising(LanguageThrottledError("429")))
    take(office, raising(LanguageThrottledError("429", retry_after=timedelta(hours=1))), failures=1)
    deferred = office.find().record.deferred
    assert deferred == Deferral(code="language_throttled", since=begun, until=begun + timedelta(hours=1))


@pytest.mark.parametrize("error", [NoModelError("none"), RateLimitedError("ours")], ids=lambda error: error.code)
def test_what_belongs_to_normal_work_is_not_written_down(office: Office, error: RetryableError) -> None:
    office.create()
    take(office, raising(error))
    assert office.find().record == letter()


# what earlier steps left behind


@pytest.mark.parametrize("ending", ["not ready", "later"])
def test_a_step_that_comes_to_its_end_clears_what_failed_ones_left(office: Office, ending: str) -> None:
    now = office.clock()
    left = {"deferred": Deferral(code="storage_unavailable", since=now, until=now), "failing": "KeyError"}
    office.create(letter().model_copy(update=left | {"dead_letters": 2}))

    def step(stored: Stored[Letter]) -> Next[Letter]:
        return NotReady(stored, since=now) if ending == "not ready" else StepLater(stored, timedelta(seconds=1))

    take(office, step)
    record = office.find().record
    assert (record.deferred, record.failing, record.dead_letters) == (None, None, 0)
    assert "blobs.replace" in office.trace
    office.trace.clear()
    take(office, step)
    assert "blobs.replace" not in office.trace, "nothing is written that is true already"
