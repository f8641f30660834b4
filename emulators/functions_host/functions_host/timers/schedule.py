"""When a timer function runs: an NCRONTAB expression or a constant interval, in the local time of this process.

NCRONTAB is `{second} {minute} {hour} {day} {month} {day-of-week}`. Day and day of week must both match (Unix cron wants
either); Sunday is 0; five fields leave the seconds at 0.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from croniter import CroniterBadDateError, CroniterError, croniter

from functions_host.host_config import parse_time_span

_LONG_NAME = re.compile(r"([A-Za-z]{3})[A-Za-z]+")
# croniter knows more than NCRONTAB does: L, #, ?, hashed and random values.
_FIELD = re.compile(r"(?:\*|[0-9]+|[A-Za-z]{3})(?:[-/,](?:\*|[0-9]+|[A-Za-z]{3}))*")
_RANGE = re.compile(r"(\w+)-(\w+)")
_NAMES = {name: number for number, name in enumerate(re.findall("...", "janfebmaraprmayjunjulaugsepoctnovdec"), 1)} | {
    name: number for number, name in enumerate(re.findall("...", "sunmontuewedthufrisat"))
}
_LAST_WEEKDAY = 6


class ScheduleError(ValueError):
    """The schedule is neither NCRONTAB nor a time span, or never occurs."""


class Schedule(Protocol):
    def next_after(self, moment: datetime) -> datetime:
        """The first occurrence after `moment`."""


@dataclass(frozen=True)
class ConstantSchedule:
    interval: timedelta

    def next_after(self, moment: datetime) -> datetime:
        return moment + self.interval


@dataclass(frozen=True)
class CronSchedule:
    expression: str

    def next_after(self, moment: datetime) -> datetime:
        following = moment
        # The hour that repeats when daylight saving ends would otherwise occur in the past.
        while following <= moment:
            following = self.next_local(following.astimezone().replace(tzinfo=None)).astimezone()
        return following

    def next_local(self, moment: datetime) -> datetime:
        """The first occurrence after `moment`, both in naive local time."""
        found: datetime = croniter(self.expression, moment, second_at_beginning=True, day_or=False).get_next(datetime)
        return found


def parse_schedule(text: str) -> Schedule:
    """Raises ScheduleError, with what is wrong."""
    if " " in text.strip():
        return parse_expression(text)
    seconds = parse_time_span(text)
    if not seconds:
        raise ScheduleError(f"{text!r} is neither six NCRONTAB fields nor a time span hh:mm:ss")
    return ConstantSchedule(timedelta(seconds=seconds))


def parse_expression(text: str) -> CronSchedule:
    """Raises ScheduleError."""
    fields = [_LONG_NAME.sub(r"\1", field) for field in text.split()]
    if len(fields) == 5:
        fields = ["0", *fields]
    if len(fields) != 6:
        raise ScheduleError(f"{text!r} has {len(fields)} fields: NCRONTAB has six, seconds first")
    for field in fields:
        if not _FIELD.fullmatch(field) or any(_number(first) > _number(last) for first, last in _RANGE.findall(field)):
            raise ScheduleError(f"{field!r} is not a schedule field")
    if any(int(number) > _LAST_WEEKDAY for number in re.findall(r"(?<!/)\b\d+", fields[5])):
        raise ScheduleError(f"{fields[5]!r} names a day of the week after 6: Sunday is 0")
    schedule = CronSchedule(" ".join(fields))
    try:
        schedule.next_local(datetime(2000, 1, 1))
    except CroniterBadDateError as error:
        raise ScheduleError(f"{text!r} never occurs") from error
    except CroniterError as error:
        raise ScheduleError(str(error)) from error
    return schedule


def is_frequent(schedule: Schedule, moment: datetime, limit_seconds: float) -> bool:
    """Whether the next two occurrences are closer than the limit: such a schedule is not monitored."""
    first = schedule.next_after(moment)
    return (schedule.next_after(first) - first).total_seconds() < limit_seconds


def _number(value: str) -> int:
    return int(value) if value.isdigit() else _NAMES.get(value.lower(), 0)
