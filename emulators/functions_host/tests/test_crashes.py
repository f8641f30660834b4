"""The process ends at a chosen point, as by SIGKILL; nothing acknowledged is lost, and what repeats is known."""

from __future__ import annotations

import os
import signal
from dataclasses import replace

import httpx
import pytest

from azurite_process.processes import wait_until
from tests.harness import FAST, PATIENCE, ProbeRun

CRASHED = "FUNCTIONS_HOST_CRASH"


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        pytest.param("before-function", [2], id="received, not run"),
        pytest.param("after-function", [1, 2], id="run, not deleted"),
        pytest.param("after-delete", [1], id="deleted"),
    ],
)
def test_a_crash_repeats_at_most_the_message_in_work(run: ProbeRun, point: str, expected: list[int]) -> None:
    run.order(label="one")
    host = run.start(FAST, **{CRASHED: f"{point}:take_order:1"})
    wait_until(lambda: not host.process.is_running(), seconds=PATIENCE, what="the crash")
    assert f"crash requested: {point} of take_order" in host.process.log_text()
    with run.host():
        run.order(label="sentinel")
        run.wait_seen("take_order", len(expected) + 1)
        wait_until(lambda: run.depth(f"{run.name}-orders") == 0, seconds=PATIENCE, what="an empty queue")
    counts = sorted(fact["dequeue_count"] for fact in run.seen("take_order") if fact["order"]["label"] == "one")
    assert counts == expected


def test_a_crash_in_the_last_try_poisons_the_message_without_another_call(run: ProbeRun) -> None:
    run.order(label="deadly", fail=2)
    host = run.start(FAST, **{CRASHED: "before-function:take_order:3", "AzureWebJobs.read_poison.Disabled": "1"})
    wait_until(lambda: not host.process.is_running(), seconds=PATIENCE, what="the crash")
    with run.host(FAST, **{"AzureWebJobs.read_poison.Disabled": "1"}) as again:
        assert "read_poison: queueTrigger, disabled" in again.process.log_text()
        wait_until(lambda: bool(run.messages(f"{run.name}-orders-poison")), seconds=PATIENCE, what="the poison message")
    assert sorted(fact["dequeue_count"] for fact in run.seen("take_order")) == [1, 2]


def test_a_crash_comes_right_after_the_chosen_line_of_log(run: ProbeRun) -> None:
    run.order(label="first")
    host = run.start(FAST, FUNCTIONS_HOST_CRASH_LINE="2:Executing 'Functions.take_order'")
    run.wait_seen("take_order", 1)
    run.order(label="second")
    wait_until(lambda: not host.process.is_running(), seconds=PATIENCE, what="the crash")
    assert "crash requested: the line with \"Executing 'Functions.take_order'\"" in host.process.log_text()
    assert len(run.seen("take_order")) == 1
    with run.host():
        run.wait_seen("take_order", 2)


def test_a_killed_host_loses_no_upload(run: ProbeRun) -> None:
    names = {f"in/{number:02}.txt" for number in range(40)}
    container = run.container("uploads")
    for name in names:
        container.upload_blob(name, name)
    host = run.start()
    run.wait_seen("read_upload", 5)
    host.kill()
    with run.host():
        wait_until(lambda: read(run) == names, seconds=PATIENCE, what="all uploads")


def read(run: ProbeRun) -> set[str]:
    return {fact["name"].partition("/")[2] for fact in run.seen("read_upload")}


def test_requested_duplicates_are_delivered_twice(run: ProbeRun) -> None:
    for number in range(3):
        run.order(label=f"{number}")
    with run.host(FAST, FUNCTIONS_HOST_DUPLICATES="1"):
        run.wait_seen("take_order", 6)
        wait_until(lambda: run.depth(f"{run.name}-orders") == 0, seconds=PATIENCE, what="an empty queue")
    assert sorted(fact["dequeue_count"] for fact in run.seen("take_order")) == [1, 1, 1, 2, 2, 2]


def test_a_polite_stop_finishes_what_runs(run: ProbeRun) -> None:
    run.order(label="running", sleep=1)
    host = run.start()
    wait_until(lambda: "Executing 'Functions.take_order'" in host.process.log_text(), seconds=PATIENCE, what="a start")
    host.stop()
    assert len(run.seen("take_order")) == 1
    assert run.depth(f"{run.name}-orders") == 0


def test_a_stop_does_not_wait_for_ever(run: ProbeRun) -> None:
    host = run.start(replace(FAST, drain=0.5), AzureFunctionsJobHost__functionTimeout="-1")
    with pytest.raises(httpx.HTTPError):
        httpx.get(f"{host.url}/api/hang", timeout=0.3)
    os.kill(host.process.pid, signal.SIGTERM)
    wait_until(lambda: not host.process.is_running(), seconds=5, what="the end")
    assert "Stopped with invocations still running" in host.process.log_text()
