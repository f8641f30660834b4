"""Timer functions: their listener alone, and once in a running host on real Azurite."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import AzureError, ResourceExistsError

from azurite_process.processes import wait_until
from functions_host.bindings import Binding
from functions_host.functions import Function
from functions_host.signatures import BoundType, Signature
from functions_host.timers.listener import TimerListener
from functions_host.timers.schedule import parse_schedule
from functions_host.timers.status import TimerStatus
from tests.harness import FAST, PATIENCE, ProbeRun

HOURLY = "0 0 * * * *"
EVERY_SECOND = "* * * * * *"


class FakeMonitor:
    def __init__(self, status: TimerStatus | None = None, error: Exception | None = None) -> None:
        self.status = status
        self.reads = 0
        self._error = error

    def read(self) -> TimerStatus | None:
        self.reads += 1
        if self._error:
            raise self._error
        return self.status

    def write(self, status: TimerStatus) -> None:
        self.status = status


class FakeInvoker:
    def __init__(self) -> None:
        self.infos: list[dict[str, Any]] = []

    def invoke(self, function: Function, trigger: Any, reason: str) -> None:
        self.infos.append(json.loads(trigger.value.value))


def run_until(
    condition: Callable[[FakeInvoker], bool], schedule: str, monitor: FakeMonitor, **properties: Any
) -> FakeInvoker:
    """Run a timer until `condition` holds."""
    trigger = Binding("timer", "timerTrigger", False, properties)
    function = Function(
        "tick", lambda: None, trigger, (trigger,), Signature(False, BoundType("timerTrigger", None), None), Path()
    )
    invoker = FakeInvoker()
    parsed = parse_schedule(schedule)
    listener = TimerListener(function, parsed, monitor, invoker, resolution=60)  # type: ignore[arg-type]
    listener.start()
    try:
        wait_until(lambda: condition(invoker), seconds=PATIENCE, what="the timer")
    finally:
        listener.stop()
        assert listener.join(time.monotonic() + 5)
    return invoker


def hours_ago(hours: float) -> datetime:
    return datetime.now(UTC) - timedelta(hours=hours)


def test_a_first_start_notes_the_next_occurrence_and_runs_nothing() -> None:
    monitor = FakeMonitor()
    invoker = run_until(lambda _: monitor.status is not None, HOURLY, monitor)
    assert invoker.infos == []
    assert monitor.status is not None
    assert (monitor.status.last, monitor.status.next > datetime.now(UTC)) == (None, True)


def test_a_missed_occurrence_fires_once_as_past_due() -> None:
    monitor = FakeMonitor(TimerStatus(hours_ago(5), hours_ago(4), hours_ago(5)))
    invoker = run_until(
        lambda _: monitor.status is not None and monitor.status.next > datetime.now(UTC), HOURLY, monitor
    )
    assert [info["IsPastDue"] for info in invoker.infos] == [True]
    assert invoker.infos[0]["ScheduleStatus"]["Last"].startswith(hours_ago(5).strftime("%Y-%m-%dT"))


def test_run_on_startup_does_not_add_to_a_missed_occurrence() -> None:
    monitor = FakeMonitor(TimerStatus(hours_ago(5), hours_ago(4), hours_ago(5)))
    invoker = run_until(
        lambda _: monitor.status is not None and monitor.status.next > datetime.now(UTC),
        HOURLY,
        monitor,
        runOnStartup=True,
    )
    assert len(invoker.infos) == 1


def test_a_schedule_made_rarer_meanwhile_is_not_past_due() -> None:
    monitor = FakeMonitor(TimerStatus(hours_ago(0.1), hours_ago(0.05), datetime.now(UTC)))
    invoker = run_until(lambda _: monitor.reads == 1, HOURLY, monitor)
    assert invoker.infos == []


def test_a_timer_runs_at_start_when_it_is_told_to() -> None:
    invoker = run_until(lambda invoker: bool(invoker.infos), HOURLY, FakeMonitor(), runOnStartup=True)
    assert [info["IsPastDue"] for info in invoker.infos] == [False]


@pytest.mark.parametrize("schedule", [EVERY_SECOND, "00:00:01"])
def test_a_timer_repeats_and_a_frequent_one_is_not_monitored(schedule: str) -> None:
    monitor = FakeMonitor()
    run_until(lambda invoker: len(invoker.infos) >= 2, schedule, monitor)
    assert (monitor.reads, monitor.status) == (0, None)


def test_a_monitor_can_be_switched_off() -> None:
    monitor = FakeMonitor(TimerStatus(hours_ago(5), hours_ago(4), hours_ago(5)))
    run_until(lambda invoker: bool(invoker.infos), HOURLY, monitor, runOnStartup=True, useMonitor=False)
    assert monitor.reads == 0


def test_a_storage_failure_does_not_stop_a_timer() -> None:
    monitor = FakeMonitor(error=AzureError("down"))
    run_until(lambda invoker: bool(invoker.infos), HOURLY, monitor, runOnStartup=True)


def test_a_status_survives_its_wire_form() -> None:
    status = TimerStatus(None, datetime.now(UTC), datetime.now(UTC))
    assert TimerStatus.from_dict(status.to_dict()) == status


def test_the_status_is_kept_in_the_host_storage_across_hosts(run: ProbeRun) -> None:
    hosts = run.blobs.get_container_client("azure-webjobs-hosts")
    with suppress(ResourceExistsError):
        hosts.create_container()
    blob = hosts.get_blob_client(f"timers/{run.name}/Host.Functions.tick/status")
    run_before = hours_ago(5).replace(minute=0, second=0, microsecond=0)
    missed = TimerStatus(run_before, run_before + timedelta(hours=1), run_before + timedelta(seconds=1))
    blob.upload_blob(json.dumps(missed.to_dict()))
    with run.host(FAST, TICKS=HOURLY) as host:
        run.wait_seen("tick", 1)
        wait_until(
            lambda: "Executed 'Functions.tick' (Failed" in host.process.log_text(),
            seconds=PATIENCE,
            what="the failed run",
        )
    assert [fact["past_due"] for fact in run.seen("tick")] == [True]
    status = TimerStatus.from_dict(json.loads(blob.download_blob().readall()))
    assert status.next > datetime.now(UTC)
