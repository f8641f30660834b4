"""NCRONTAB expressions, as the timer trigger reads them: `{second} {minute} {hour} {day} {month} {day-of-week}`.

Day and day of week must both match (Unix cron wants either); Sunday is 0; five fields leave the seconds at 0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Self

_MONTHS = {name: number for number, name in enumerate(re.findall("...", "janfebmaraprmayjunjulaugsepoctnovdec"), 1)}
_DAYS = {name: number for number, name in enumerate(re.findall("...", "sunmontuewedthufrisat"))}
_ITEM = re.compile(r"^(?:\*|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>\d+))?$")
# Leap days on a given weekday recur within 40 years, across a century without one too.
_HORIZON = timedelta(days=366 * 41)


class ScheduleError(ValueError):
    """The schedule is neither NCRONTAB nor a time span, or never occurs."""


@dataclass(frozen=True)
class Ncrontab:
    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    @classmethod
    def parse(cls, expression: str) -> Self:
        fields = expression.split()
        if len(fields) == 5:
            fields = ["0", *fields]
        if len(fields) != 6:
            raise ScheduleError(f"{expression!r} has {len(fields)} fields: NCRONTAB has six, seconds first")
        return cls(
            seconds=tuple(sorted(_values(fields[0], 0, 59))),
            minutes=tuple(sorted(_values(fields[1], 0, 59))),
            hours=tuple(sorted(_values(fields[2], 0, 23))),
            days=_values(fields[3], 1, 31),
            months=_values(fields[4], 1, 12, _MONTHS),
            weekdays=_values(fields[5], 0, 6, _DAYS),
        )

    def next_after(self, moment: datetime) -> datetime:
        """The first occurrence after `moment`, both in naive local time."""
        first = moment.replace(microsecond=0) + timedelta(seconds=1)
        day = first.date()
        while day - first.date() < _HORIZON:
            if self._has_day(day):
                found = self._first_time(first.time() if day == first.date() else time.min)
                if found is not None:
                    return datetime.combine(day, found)
            day = self._following_day(day)
        raise ScheduleError("the schedule never occurs")

    def _has_day(self, day: date) -> bool:
        return day.month in self.months and day.day in self.days and day.isoweekday() % 7 in self.weekdays

    def _following_day(self, day: date) -> date:
        following = day + timedelta(days=1)
        while following.month not in self.months:
            following = (following.replace(day=1) + timedelta(days=32)).replace(day=1)
        return following

    def _first_time(self, earliest: time) -> time | None:
        """The first matching time of a day that is not before `earliest`."""
        for hour in self.hours:
            for minute in self.minutes:
                if (hour, minute) < (earliest.hour, earliest.minute):
                    continue
                for second in self.seconds:
                    if time(hour, minute, second) >= earliest:
                        return time(hour, minute, second)
        return None


def _values(field: str, low: int, high: int, names: Mapping[str, int] | None = None) -> frozenset[int]:
    values: set[int] = set()
    for item in field.split(","):
        match = _ITEM.match(item)
        if match is None:
            raise ScheduleError(f"{item!r} is not a schedule field")
        first = low if match["first"] is None else _number(match["first"], low, high, names)
        last = first if match["first"] and not match["step"] else high
        if match["last"]:
            last = _number(match["last"], low, high, names)
        step = int(match["step"] or 1)
        if step == 0 or last < first:
            raise ScheduleError(f"{item!r} is not a schedule field")
        values.update(range(first, last + 1, step))
    return frozenset(values)


def _number(text: str, low: int, high: int, names: Mapping[str, int] | None) -> int:
    number = int(text) if text.isdigit() else (names or {}).get(text.lower()[:3], -1)
    if not low <= number <= high:
        raise ScheduleError(f"{text!r} is not from {low} to {high}")
    return number
