"""When a timer function runs: an NCRONTAB expression or a constant interval, in the local time of this process."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from functions_host.host_config import parse_time_span
from functions_host.timers.ncrontab import Ncrontab, ScheduleError


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
    cron: Ncrontab

    def next_after(self, moment: datetime) -> datetime:
        local = moment.astimezone().replace(tzinfo=None)
        following = self.cron.next_after(local).astimezone()
        # The hour that repeats when daylight saving ends would otherwise occur in the past.
        while following <= moment:
            following = self.cron.next_after(following.replace(tzinfo=None)).astimezone()
        return following


def parse_schedule(text: str) -> Schedule:
    """Raises ScheduleError, with what is wrong."""
    if " " in text.strip():
        return CronSchedule(Ncrontab.parse(text))
    seconds = parse_time_span(text)
    if not seconds:
        raise ScheduleError(f"{text!r} is neither six NCRONTAB fields nor a time span hh:mm:ss")
    return ConstantSchedule(timedelta(seconds=seconds))


def is_frequent(schedule: Schedule, moment: datetime, limit_seconds: float) -> bool:
    """Whether the next two occurrences are closer than the limit: such a schedule is not monitored."""
    first = schedule.next_after(moment)
    return (schedule.next_after(first) - first).total_seconds() < limit_seconds
