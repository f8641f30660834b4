"""The app on fakes under a virtual clock, with what it would leave in Log Analytics: a request for each run of a
function, and the lines it wrote meanwhile."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from shared.storage.ports import QueuedMessage
from tests.fakes import FakeQueue
from tests.infra.log_analytics import Invocation, Workspace
from tests.unit.operations.operations_world import OperationsWorld

T = TypeVar("T")

APP_LOGGER = logging.getLogger("pigeonhole")
# As the Python worker's handler has none of its own: the message, and a traceback below it.
WORKER_FORMAT = logging.Formatter()
# In webhook delivery accept_document does what this one does.
FUNCTIONS = {
    "events": "accept_event",
    "collect": "collect_documents",
    "batches": "advance_batch",
    "operations": "advance_operation",
}
TICK = timedelta(minutes=5)


@dataclass
class ObservedApp(OperationsWorld):
    """Timers run as infra/ schedules them. `stopped` are functions that do not run; nothing does unless `is_up`."""

    stopped: set[str] = field(default_factory=set)
    is_up: bool = True
    workspace: Workspace = field(default_factory=Workspace)
    runs: int = 0
    # External calls of the app: `state.create`, `batches-queue.send`, `language.submit`.
    performed: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.begun = self.clock()

    def call(self, name: str, effect: Callable[[], T]) -> T:
        self.performed[name] += 1
        return super().call(name, effect)

    def pass_time(self, delta: timedelta) -> None:
        """Deliver, and run the timers: sweep each five minutes, reconcile each fifteen."""
        end = self.clock() + delta
        while self.clock() < end:
            following = min(end, _next_tick(self.clock()))
            if self.is_up:
                super().pass_time(following - self.clock())
            self.clock.now = max(self.clock.now, following)
            if self.is_up and following == _next_tick(following - TICK):
                self._run_timers(following)

    def pass_hours(self, hours: float) -> None:
        self.pass_time(timedelta(hours=hours))

    def _run_timers(self, tick: datetime) -> None:
        due = {"sweep": self.services.sweep}
        if tick.minute % 15 == 0:
            due["reconcile"] = self.services.reconcile  # type: ignore[assignment]
        for name in sorted(due.keys() - self.stopped):
            # The next tick comes all the same.
            with suppress(Exception), self._invocation(name):
                due[name]()

    def _next_queue(self) -> FakeQueue | None:
        running = [self.queues[name] for name, function in FUNCTIONS.items() if function not in self.stopped]
        waiting = [queue for queue in running if queue.next_visible()]
        return min(waiting, key=lambda queue: queue.next_visible() or self.clock(), default=None)

    def _invoke(self, queue: FakeQueue, message: QueuedMessage) -> None:
        with self._invocation(FUNCTIONS[queue.name.removesuffix("-queue")]):
            super()._invoke(queue, message)

    def _deliver(self, queue: FakeQueue) -> None:
        """What failed five times goes to the queue beside, as with the host."""
        abandoned = len(self.poison)
        try:
            super()._deliver(queue)
        except Exception:
            if len(self.poison) == abandoned:
                raise
            self.abandon(queue.name.removesuffix("-queue"), self.poison[-1].raw)

    def abandon(self, queue: str, body: str) -> None:
        """The host moves a message away."""
        self.open_queue(f"{queue.removesuffix('-poison')}-poison").send_raw(body)

    @contextmanager
    def _invocation(self, function: str) -> Iterator[None]:
        self.runs += 1
        invocation = Invocation(function, f"invocation-{self.runs}", self.clock())
        lines = _Lines()
        level = APP_LOGGER.level
        APP_LOGGER.addHandler(lines)
        APP_LOGGER.setLevel(logging.INFO)
        succeeded = False
        try:
            yield
            succeeded = True
        finally:
            APP_LOGGER.removeHandler(lines)
            APP_LOGGER.setLevel(level)
            now = self.clock()
            self.workspace.traces += [
                invocation.own_line(WORKER_FORMAT.format(record), record.levelname, now) for record in lines.records
            ]
            self.workspace.traces += invocation.host_lines(now, succeeded=succeeded)
            self.workspace.requests.append(invocation.request(now, succeeded=succeeded))

    def messages(self) -> list[str]:
        return [row["Message"] for row in self.workspace.traces]


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


def _next_tick(now: datetime) -> datetime:
    """The following multiple of TICK."""
    return now + TICK - timedelta(minutes=now.minute % 5, seconds=now.second, microseconds=now.microsecond)


def upload_letters(app: ObservedApp, names: Iterable[str], *, event: bool = True) -> None:
    for name in names:
        app.upload(name, f"{name}: a question about billing", event=event)
