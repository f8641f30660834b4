"""Two hosts on one storage are two instances of one app."""

from __future__ import annotations

from dataclasses import replace

from azurite_process.processes import wait_until
from tests.harness import FAST, PATIENCE, ProbeRun

EVERY_SECOND = "* * * * * *"
FIRED = "Executing 'Functions.tick'"
# A lock on a message that no slow machine outlasts: one delivered twice would start a function twice, rightly.
QUICK = replace(FAST, singleton_polling=0.2, receive_visibility=60, renewal=20)


def test_of_two_hosts_one_runs_a_timer_and_the_other_takes_over(run: ProbeRun) -> None:
    with run.host(QUICK, TICKS=EVERY_SECOND) as first:
        wait_until(lambda: FIRED in first.process.log_text(), seconds=PATIENCE, what="the first host's timer")
        with run.host(QUICK, TICKS=EVERY_SECOND) as second:
            wait_until(
                lambda: "Timer tick is another host's" in second.process.log_text(),
                seconds=PATIENCE,
                what="the refusal",
            )
            ticks = first.process.log_text().count(FIRED)
            wait_until(
                lambda: first.process.log_text().count(FIRED) > ticks + 1, seconds=PATIENCE, what="the first to go on"
            )
            assert FIRED not in second.process.log_text()
            first.stop()
            wait_until(lambda: FIRED in second.process.log_text(), seconds=PATIENCE, what="the second to take over")


def test_of_two_hosts_each_upload_starts_a_function_once(run: ProbeRun) -> None:
    container = run.container("events")
    with run.host(QUICK), run.host(QUICK):
        for number in range(40):
            container.upload_blob(f"{number}.txt", "text")
        run.wait_seen("read_event", 40)
        # Whatever either host has queued twice comes before this one.
        container.upload_blob("last.txt", "text")
        run.wait_seen("read_event", 41)
    names = [fact["name"] for fact in run.seen("read_event")]
    assert len(names) == len(set(names)) == 41
