from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from functions_host.timers.schedule import ScheduleError, is_frequent, parse_expression, parse_schedule

# A Tuesday.
NOON = "2026-11-24 12:00:00"


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        pytest.param("* * * * * *", NOON, "2026-11-24 12:00:01", id="every second"),
        pytest.param("0 */5 * * * *", NOON, "2026-11-24 12:05:00", id="every five minutes"),
        pytest.param("30 */5 * * * *", NOON, "2026-11-24 12:00:30", id="at half a minute"),
        pytest.param("*/5 * * * *", NOON, "2026-11-24 12:05:00", id="five fields"),
        pytest.param("0 0 0 * * *", NOON, "2026-11-25 00:00:00", id="midnight"),
        pytest.param("0 30 9 * * 1-5", NOON, "2026-11-25 09:30:00", id="weekdays"),
        pytest.param("0 30 9 * * Mon,Fri", NOON, "2026-11-27 09:30:00", id="names of days"),
        pytest.param("0 0 0 * * SUNDAY", NOON, "2026-11-29 00:00:00", id="a long name"),
        pytest.param("0 0 0 1 Jan *", NOON, "2027-01-01 00:00:00", id="names of months"),
        pytest.param("0 0 0 13 * 5", NOON, "2027-08-13 00:00:00", id="day and weekday must both match"),
        pytest.param("0 0 0 29 2 *", NOON, "2028-02-29 00:00:00", id="leap day"),
        pytest.param("0 0 8-18/4 * * *", NOON, "2026-11-24 16:00:00", id="range with step"),
        pytest.param("0 10/20 * * * *", NOON, "2026-11-24 12:10:00", id="start with step"),
        pytest.param("0 0 0 31 * *", "2026-11-24 00:00:00", "2026-12-31 00:00:00", id="months without a 31st"),
        pytest.param("59 59 23 31 12 *", "2026-12-31 23:59:59", "2027-12-31 23:59:59", id="strictly after"),
        pytest.param("0 0 0 * * 0-6/2", NOON, "2026-11-26 00:00:00", id="every other weekday"),
        pytest.param("0 0 0 * * */7", NOON, "2026-11-29 00:00:00", id="a step is no weekday"),
        pytest.param("0 0 12 * * *", "2026-11-24 11:59:59.9", "2026-11-24 12:00:00", id="fractions of a second"),
    ],
)
def test_the_next_occurrence_of_an_expression(expression: str, after: str, expected: str) -> None:
    found = parse_expression(expression).next_local(datetime.fromisoformat(after))
    assert found == datetime.fromisoformat(expected)


@pytest.mark.parametrize(
    "expression",
    [
        pytest.param("* * * *", id="four fields"),
        pytest.param("60 * * * * *", id="second 60"),
        pytest.param("0 0 24 * * *", id="hour 24"),
        pytest.param("0 0 0 0 * *", id="day 0"),
        pytest.param("0 0 0 * * 7", id="Sunday is 0, never 7"),
        pytest.param("0 */0 * * * *", id="step 0"),
        pytest.param("0 5-1 * * * *", id="backwards"),
        pytest.param("0 ? * * * *", id="question mark"),
        pytest.param("0 0 0 * Foo *", id="no month"),
        pytest.param("0 0 0 * * 1-7", id="a range to 7"),
        pytest.param("0 0 0 * * fri-mon", id="names backwards"),
        pytest.param("0 0 0 L * *", id="croniter's last day"),
        pytest.param("0 0 0 * * 1#2", id="croniter's second Monday"),
        pytest.param("0 R * * * *", id="croniter's random minute"),
        pytest.param("0 5,, * * * *", id="empty items"),
    ],
)
def test_a_malformed_expression_is_refused(expression: str) -> None:
    with pytest.raises(ScheduleError):
        parse_expression(expression)


def test_a_day_that_never_comes_is_refused() -> None:
    with pytest.raises(ScheduleError, match="never"):
        parse_expression("0 0 0 30 2 *")


def test_a_time_span_is_a_constant_interval() -> None:
    now = datetime(2026, 11, 24, tzinfo=UTC)
    assert parse_schedule("00:00:30").next_after(now) == now + timedelta(seconds=30)


@pytest.mark.parametrize("text", ["", "soon", "00:00:00"])
def test_what_is_neither_expression_nor_time_span_is_refused(text: str) -> None:
    with pytest.raises(ScheduleError):
        parse_schedule(text)


def test_an_expression_occurs_in_local_time_and_never_in_the_past() -> None:
    schedule = parse_schedule("0 30 * * * *")
    moment = datetime(2026, 10, 24, 22, tzinfo=UTC)
    for _ in range(8):
        following = schedule.next_after(moment)
        assert following > moment
        assert following.astimezone().minute == 30
        moment = following


@pytest.mark.parametrize(("text", "expected"), [("*/30 * * * * *", True), ("0 * * * * *", False), ("00:00:59", True)])
def test_schedules_below_a_minute_are_frequent(text: str, expected: bool) -> None:
    assert is_frequent(parse_schedule(text), datetime(2026, 11, 24, tzinfo=UTC), 60) is expected
