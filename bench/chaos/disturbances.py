"""The weather of a chaos run: faults of the service, faults of storage, messages that come twice or late, kills."""

from __future__ import annotations

import base64
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from azure.core.exceptions import AzureError
from azure.storage.queue import QueueServiceClient

from bench.chaos.hosts import Cluster
from bench.chaos.work import DESKS, REFUSED_MARK, TURNED_AWAY_MARK
from bench.fault_proxy import CALM, FaultProxy, Weather
from local.stack import Stack

ALWAYS = {
    "operation": "submit_analysis",
    "count": None,
    "action": {"kind": "document_error", "marker": REFUSED_MARK, "message": "It is not in our catalogue."},
}
"""A property of the document, not of the weather."""
IN_BAD_WEATHER = {
    "operation": "submit_analysis",
    "text": TURNED_AWAY_MARK,
    "count": None,
    "action": {"kind": "status", "status": 400, "code": "InvalidRequest"},
}
JUNK = ('{"schema": 1, "junk": "of the chaos bench"}', "not even JSON, of the chaos bench")
"""Messages that nothing can read."""


def encoded(body: str) -> str:
    """As it is put into a queue."""
    return base64.b64encode(body.encode()).decode()


EXPLAINED = (*JUNK, *map(encoded, JUNK))
"""The only dead letters a run may leave: as it came, or as it was read."""


def _status(operation: str, status: int, chance: float, retry_after: str | None = None) -> dict[str, Any]:
    return _rule(operation, chance, kind="status", status=status, retryAfter=retry_after)


def _rule(operation: str, chance: float, **action: Any) -> dict[str, Any]:
    return {"operation": operation, "count": None, "probability": chance, "action": action}


def service_faults(chance: random.Random) -> list[dict[str, Any]]:
    """Two or three faults of the service for a few seconds."""
    desk = chance.choice(DESKS)
    faults = [
        _status("submit_analysis", 429, 0.4, "1"),
        _status("submit_analysis", chance.choice((500, 502, 503)), 0.3),
        _status("get_analysis", 429, 0.3, "2"),
        _status("get_analysis", chance.choice((500, 503, 504)), 0.3),
        _status("*", 503, 0.1, "1"),
        _rule("submit_analysis", 0.2, kind="drop", when="before"),
        _rule("submit_analysis", 0.2, kind="drop", when="after"),
        _rule("get_analysis", 0.2, kind="drop", when=chance.choice(("before", "after"))),
        _rule("submit_analysis", 0.15, kind="slow", seconds=chance.choice((1.0, 2.0, 4.0))),
        _rule("get_analysis", 0.15, kind="slow", seconds=chance.choice((1.0, 2.0, 4.0))),
        _rule("get_analysis", 0.1, kind="malformed"),
        _rule("submit_analysis", 0.1, kind="malformed"),
        _rule("submit_analysis", 0.1, kind="fail_job"),
        _rule("submit_analysis", 0.1, kind="fail_task"),
        _rule("submit_analysis", 0.1, kind="lose_job"),
        _rule("get_analysis", 0.05, kind="lose_job"),
        _rule("submit_analysis", 0.3, kind="omit_documents", marker=desk),
        _rule("submit_analysis", 0.5, kind="repeat_documents", marker=desk),
        _rule("submit_analysis", 0.2, kind="rename_documents", marker=desk),
    ]
    return chance.sample(faults, chance.choice((1, 2, 2, 3)))


def storage_faults(chance: random.Random) -> Weather:
    """Mostly a few calls of a hundred, now and then a storm."""
    worst = chance.choice((0.0, 0.01, 0.02, 0.05))
    return Weather(
        busy=chance.uniform(0, worst),
        cut_before=chance.uniform(0, worst / 2),
        cut_after=chance.uniform(0, worst / 2),
        cut_within=chance.uniform(0, worst / 2),
        slow=chance.uniform(0, worst),
        slow_seconds=chance.uniform(0.2, 2.0),
    )


@dataclass
class Disturbances:
    """A context manager: everything but the kills changes until its end; then the weather is fine."""

    stack: Stack
    proxy: FaultProxy
    queues: QueueServiceClient
    seed: int
    counts: dict[str, int] = field(default_factory=lambda: {"duplicated": 0, "delayed": 0, "junk": 0})

    def __enter__(self) -> Disturbances:
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._repeat, args=each, daemon=True)
            for each in (
                ("service-weather", self._change_service, (1.0, 4.0)),
                ("storage-weather", self._change_storage, (1.0, 4.0)),
                ("meddler", self._meddle, (0.2, 0.8)),
            )
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        self.proxy.weather = CALM
        set_service_faults(self.stack, [ALWAYS])

    def _repeat(self, name: str, act: Callable[[random.Random], None], pause: tuple[float, float]) -> None:
        chance = random.Random(f"{self.seed} {name}")
        while not self._stopping.is_set():
            act(chance)
            self._stopping.wait(chance.uniform(*pause))

    def _change_service(self, chance: random.Random) -> None:
        set_service_faults(self.stack, [ALWAYS, IN_BAD_WEATHER, *service_faults(chance)])

    def _change_storage(self, chance: random.Random) -> None:
        self.proxy.weather = storage_faults(chance)

    def _meddle(self, chance: random.Random) -> None:
        settings = self.stack.settings
        name = chance.choice(
            (
                settings.documents_queue,
                settings.collect_queue,
                settings.batches_queue,
                settings.operations_queue,
                settings.events_queue,
            )
        )
        queue, roll = self.queues.get_queue_client(name), chance.random()
        try:
            if roll < 0.02:
                queue.send_message(encoded(chance.choice(JUNK)), time_to_live=-1)
                self.counts["junk"] += 1
                return
            seen = queue.peek_messages(max_messages=8)
            if roll < 0.6 and seen:
                # A copy, at once or a little later, as a sender does whose first answer was lost.
                content = chance.choice(seen).content
                queue.send_message(content, visibility_timeout=chance.choice((None, 2)), time_to_live=-1)
                self.counts["duplicated"] += 1
            elif seen and not seen[0].dequeue_count:
                # It comes back, late and with a higher dequeue count. Not one that others have tried.
                queue.receive_message(visibility_timeout=chance.randint(2, 8))
                self.counts["delayed"] += 1
        except AzureError:
            return  # gone meanwhile


def set_service_faults(stack: Stack, rules: list[dict[str, Any]]) -> None:
    httpx.put(f"{stack.emulator_url}/_emulator/faults", json={"faults": rules}, timeout=30).raise_for_status()


@dataclass
class Killer:
    """Kills hosts at random moments of the run, and starts them again a little later."""

    cluster: Cluster
    seed: int
    times: int
    pause: tuple[float, float]
    """Seconds between the moment and the kill: a host that has just started gets to do something."""
    progress: Callable[[], float]
    """How much of the run is over, 0 to 1."""
    say: Callable[[str], None]
    stopping: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        chance = random.Random(f"{self.seed} killer")
        for number, moment in enumerate(sorted(chance.random() for _ in range(self.times))):
            while self.progress() < moment:
                if self.stopping.wait(0.1):
                    return
            self.stopping.wait(chance.uniform(*self.pause))
            victim = chance.randrange(self.cluster.size)
            self.cluster.strike(victim, politely=chance.random() < 0.25)
            self.say(f"{self.cluster.kills[-1]} ({number + 1} of {self.times})")
            self.stopping.wait(chance.choice((0.0, 0.5, 3.0)))
            self.cluster.start(victim)
