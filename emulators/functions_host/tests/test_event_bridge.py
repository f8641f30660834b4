"""The bridge next to a host that has no Event Grid: here our own host with its emulation switched off."""

from __future__ import annotations

import sys

from azurite_process.processes import ManagedProcess
from tests.harness import FAST, PROBE_APP, ProbeRun


def test_the_bridge_posts_an_event_for_every_new_upload(run: ProbeRun) -> None:
    container = run.container("events")
    container.upload_blob("before ü.txt", "1")
    with run.host(FAST, FUNCTIONS_HOST_EMULATE_EVENT_GRID="0") as host:
        argv = [sys.executable, "-m", "functions_host.event_bridge", "--app", str(PROBE_APP), "--url", host.url]
        environment = {
            "FUNCTIONS_HOST_BLOBS_KEY": host.blobs_key,
            "FUNCTIONS_HOST_TIMINGS": FAST.to_json(),
            **run.settings,
        }
        bridge = ManagedProcess("bridge", argv, run.folder / "bridge.log", environment).start()
        try:
            run.wait_seen("read_event", 1)
            container.upload_blob("after.txt", "2")
            facts = run.wait_seen("read_event", 2)
        finally:
            bridge.stop()
    assert {fact["name"] for fact in facts} == {f"{run.name}-events/before ü.txt", f"{run.name}-events/after.txt"}
    assert "Event bridge started: 1 functions" in bridge.log_text()
