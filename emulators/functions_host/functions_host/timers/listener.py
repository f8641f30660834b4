"""Runs one timer function on its schedule, one run at a time. A failure never stops the schedule.

Source: webjobs-sdk-extensions, Timers/Listener/TimerListener.cs. Of several hosts
with one storage the one that holds the timer's lease fires, as there.
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime

from azure.core.exceptions import AzureError

from functions_host.connections import HOST_STORAGE
from functions_host.functions import Function
from functions_host.services import HostServices
from functions_host.singleton import Singleton
from functions_host.timers.schedule import Schedule, is_frequent, parse_schedule
from functions_host.timers.status import ScheduleMonitor, TimerStatus
from functions_host.worker.decoding import TriggerData, as_json
from functions_host.worker.invocation import Invoker

log = logging.getLogger("functions_host.timers")

# A wait is cut into pieces, so that a laptop that slept notices soon after.
_LONGEST_WAIT = 60.0


class TimerListener:
    def __init__(
        self,
        function: Function,
        schedule: Schedule,
        monitor: ScheduleMonitor,
        invoker: Invoker,
        *,
        resolution: float,
        singleton: Singleton | None = None,
        polling_seconds: float = 1.0,
    ) -> None:
        """Without a `singleton` it fires whoever else does."""
        self._singleton = singleton
        self._polling_seconds = polling_seconds
        self._function = function
        self._schedule = schedule
        self._invoker = invoker
        is_monitored = function.trigger.properties.get("useMonitor", True)
        frequent = is_frequent(schedule, _now(), resolution)
        self._monitor = monitor if is_monitored and not frequent else None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"timer-{function.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()

    def join(self, deadline: float) -> bool:
        """Wait until `deadline` (monotonic) for a run in work; True when it has ended."""
        self._thread.join(max(0.0, deadline - time.monotonic()))
        return not self._thread.is_alive()

    def _run(self) -> None:
        if not self._wait_for_turn():
            return
        try:
            self._keep_firing()
        finally:
            if self._singleton is not None:
                self._singleton.release()

    def _wait_for_turn(self) -> bool:
        """False when the listener is stopping."""
        is_first = True
        while self._singleton is not None and not self._acquire(self._singleton):
            if is_first:
                log.info("Timer %s is another host's", self._function.name)
            is_first = False
            if self._stopping.wait(self._polling_seconds):
                return False
        return True

    def _acquire(self, singleton: Singleton) -> bool:
        try:
            return singleton.acquire()
        except AzureError as error:
            log.warning("Cannot ask for the lock of timer %s: %s", self._function.name, type(error).__name__)
            return False

    def _keep_firing(self) -> None:
        status = self._read_status()
        now = _now()
        if status is not None and status.next < now:
            status = self._fire(status.next, is_past_due=True, status=status)
        elif self._function.trigger.properties.get("runOnStartup", False):
            status = self._fire(now, is_past_due=False, status=status)
        elif status is None:
            self._write_status(TimerStatus(None, self._schedule.next_after(now), now))
        following = self._schedule.next_after(_now())
        while self._wait_until(following):
            if self._singleton is None or self._singleton.is_held:
                status = self._fire(following, is_past_due=False, status=status)
            following = self._schedule.next_after(_now())

    def _wait_until(self, moment: datetime) -> bool:
        """False when the listener is stopping."""
        while not self._stopping.is_set():
            remaining = (moment - _now()).total_seconds()
            if remaining <= 0:
                return True
            self._stopping.wait(min(remaining, _LONGEST_WAIT))
        return False

    def _fire(self, due: datetime, *, is_past_due: bool, status: TimerStatus | None) -> TimerStatus:
        reason = "timer is past due" if is_past_due else "timer fired"
        self._invoker.invoke(self._function, timer_data(status, is_past_due=is_past_due), reason)
        now = _now()
        updated = TimerStatus(last=due, next=self._schedule.next_after(now), last_updated=now)
        self._write_status(updated)
        return updated

    def _read_status(self) -> TimerStatus | None:
        """The stored status, its `next` recomputed in case the schedule has changed since."""
        try:
            status = self._monitor.read() if self._monitor else None
        except (AzureError, ValueError, KeyError) as error:
            log.warning("Cannot read the status of timer %s: %s", self._function.name, type(error).__name__)
            return None
        if status is None:
            return None
        return TimerStatus(status.last, self._schedule.next_after(status.last_updated), status.last_updated)

    def _write_status(self, status: TimerStatus) -> None:
        if self._monitor is None:
            return
        try:
            self._monitor.write(status)
        except AzureError as error:
            log.warning("Cannot write the status of timer %s: %s", self._function.name, type(error).__name__)


def build_timer_listener(function: Function, services: HostServices) -> TimerListener:
    monitor = ScheduleMonitor(services.connections.blobs(HOST_STORAGE), services.host_id, function.id)
    timings = services.timings
    return TimerListener(
        function,
        parse_schedule(function.trigger.text("schedule")),
        monitor,
        services.invoker,
        resolution=timings.timer_resolution,
        singleton=Singleton(
            services.connections.blobs(HOST_STORAGE),
            services.host_id,
            f"{function.id}.Listener",
            lease_seconds=timings.singleton_lease,
        ),
        polling_seconds=timings.singleton_polling,
    )


def timer_data(status: TimerStatus | None, *, is_past_due: bool) -> TriggerData:
    info = {
        "Schedule": {"AdjustForDST": True},
        "ScheduleStatus": status.to_dict() if status else None,
        "IsPastDue": is_past_due,
    }
    return TriggerData(as_json(info), {})


def _now() -> datetime:
    return datetime.now(UTC)
