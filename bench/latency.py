"""How long a lone document takes from its event to its record, and where that time goes.

Two rhythms: one document every 2 s, which meets the batches of its neighbours, and one every 25 s, which finds every
listener idle. Each figure contains the time that the service takes, 1 s here. The queues are polled as the shipped
host.json says; nothing else would be a deployment's.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from azurite_process.processes import wait_until
from bench.figures import median, percentile
from bench.load import Load, add_host_argument, running_load, texts
from bench.report import Gate, report
from shared.documents.ref import record_name

NAME = "latency"
HELP = "seconds from event to record of lone documents, and the parts of the wait"
SERVICE_SECONDS = 1
LOOK_SECONDS = 0.05
GIVE_UP_SECONDS = 120


@dataclass(frozen=True)
class Journey:
    """Times of one document, in seconds from its event."""

    planned: float
    submitted: float
    recorded: float

    @property
    def parts(self) -> dict[str, float]:
        return {
            "until it is in a batch": self.planned,
            "until it is submitted": self.submitted - self.planned,
            # The service's own seconds are known: the rest is what a poll came later, and the write.
            "until its record is there, besides the service": self.recorded - self.submitted - SERVICE_SECONDS,
        }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_host_argument(parser)
    parser.add_argument("--often", type=int, default=20, help="documents, one every 2 s (default %(default)s)")
    parser.add_argument("--seldom", type=int, default=5, help="documents, one every 25 s (default %(default)s)")


def run(arguments: argparse.Namespace) -> bool:
    gates: list[Gate] = []
    details: dict[str, Any] = {}
    with running_load(arguments.host, service=f"after {SERVICE_SECONDS} seconds") as load:
        for every, count in ((2, arguments.often), (25, arguments.seldom)):
            journeys = travel(load, count, every=every)
            gates += _gates(journeys, every=every, host=arguments.host)
            totals = [each.recorded for each in journeys]
            details[f"every {every} s: median"] = median(totals)
            details[f"every {every} s: 95th percentile"] = percentile(totals, 0.95)
            details[f"every {every} s: worst"] = max(totals)
            for part in journeys[0].parts:
                details[f"every {every} s, {part}: median"] = median([each.parts[part] for each in journeys])
    return report(NAME, gates, details, host=arguments.host)


def _gates(journeys: list[Journey], *, every: int, host: str) -> list[Gate]:
    totals = [each.recorded for each in journeys]
    rhythm = f"a document every {every} s, event to record, service time {SERVICE_SECONDS} s"
    if host == "stand-in":
        if every != 2:
            return []
        bound = 3.0 + SERVICE_SECONDS
        return [Gate(f"{rhythm}: 95th percentile, s", percentile(totals, 0.95), bound, at_most=True, today="6.2")]
    if every == 2:
        slowest = Gate(f"{rhythm}: 95th percentile, s", percentile(totals, 0.95), 5, at_most=True, today="13.7")
        return [Gate(f"{rhythm}: median, s", median(totals), 3.5, at_most=True, today="6.6"), slowest]
    return [
        Gate(f"{rhythm}: median, s", median(totals), 3.5, at_most=True, today="14.1"),
        Gate(f"{rhythm}: worst, s", max(totals), 5, at_most=True, today="22.7"),
    ]


def travel(load: Load, count: int, *, every: float) -> list[Journey]:
    """Upload one document after the other, and watch each on a thread of its own."""
    journeys: list[Journey] = []
    watchers = []
    for number, content in enumerate(texts(count)):
        begun = time.monotonic()
        name = f"every-{every:g}-{number:04}.txt"
        event = load.upload(name, content)
        watcher = threading.Thread(
            target=lambda name, event: journeys.append(_watch(load, name, event)), args=(name, event)
        )
        watcher.start()
        watchers.append(watcher)
        if number < count - 1:
            time.sleep(max(0.0, every - (time.monotonic() - begun)))
    for watcher in watchers:
        watcher.join()
    if len(journeys) < count:
        raise RuntimeError(f"{count - len(journeys)} of {count} documents have no record after {GIVE_UP_SECONDS} s")
    return journeys


def _watch(load: Load, name: str, event: float) -> Journey:
    classifications = load.stack.container(load.stack.settings.classifications_container)
    record = record_name(name)
    wait_until(
        lambda: classifications.find(record) is not None,
        seconds=GIVE_UP_SECONDS,
        what=f"the record of {name}",
        poll_seconds=LOOK_SECONDS,
    )
    recorded = time.time() - event
    timings = json.loads(classifications.read(record).data)["timings"]
    moments = {part: datetime.fromisoformat(timings[part]).timestamp() - event for part in ("planned", "submitted")}
    return Journey(**moments, recorded=recorded)
