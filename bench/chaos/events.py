"""Event Grid's part in a chaos run: every upload is announced to a host's webhook or through the `events` queue.

As the real one: late, twice, out of order, again until somebody takes it, and, where something else repairs that,
never.
"""

from __future__ import annotations

import base64
import heapq
import json
import random
import threading
import time
from dataclasses import dataclass, field

from azure.core.exceptions import AzureError
from azure.storage.queue import QueueClient

from bench.chaos.hosts import Cluster
from functions_host.blobs.messages import BlobTriggerMessage
from functions_host.event_bridge import blob_created, webhook_sender

FUNCTION = "Host.Functions.accept_document"
ACCOUNT_URL = "https://account.blob.core.windows.net"
WORKERS = 4
AGAIN_SECONDS = 1.0


@dataclass(order=True)
class _Event:
    due: float
    number: int
    message: BlobTriggerMessage = field(compare=False)
    by_queue: bool = field(compare=False)


class EventGrid:
    """A context manager; `announce` from any thread. `loses`: the share of events that are never delivered."""

    def __init__(self, cluster: Cluster, queue: QueueClient, *, seed: int, loses: float) -> None:
        self._cluster, self._queue, self._loses = cluster, queue, loses
        self._random = random.Random(seed)
        self._changed = threading.Condition()
        self._waiting: list[_Event] = []
        self._in_work = 0
        self._number = 0
        self._is_stopping = False
        self._threads = [threading.Thread(target=self._run, name="event-grid", daemon=True) for _ in range(WORKERS)]
        self.lost = self.repeated = 0

    def __enter__(self) -> EventGrid:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def pending(self) -> int:
        """Events that are not delivered yet."""
        with self._changed:
            return len(self._waiting) + self._in_work

    def announce(self, container: str, name: str, etag: str) -> None:
        with self._changed:
            if self._random.random() < self._loses:
                self.lost += 1
                return
            times = 2 if self._random.random() < 0.04 else 1
            self.repeated += times - 1
            for _ in range(times):
                delay = self._random.choice((0.0, 0.0, 0.0, 0.3, 1.0, 4.0))
                by_queue = self._random.random() < 0.4
                self._push(delay, BlobTriggerMessage(FUNCTION, container, name, etag), by_queue=by_queue)

    def _push(self, delay: float, message: BlobTriggerMessage, *, by_queue: bool) -> None:
        self._number += 1
        heapq.heappush(self._waiting, _Event(time.monotonic() + delay, self._number, message, by_queue))
        self._changed.notify()

    def _run(self) -> None:
        while event := self._next():
            delivered = self._deliver(event)
            with self._changed:
                self._in_work -= 1
                if not delivered:
                    self._push(AGAIN_SECONDS, event.message, by_queue=event.by_queue)

    def _next(self) -> _Event | None:
        """The next event that is due, or None when it is all over."""
        with self._changed:
            while not self._is_stopping:
                wait = self._waiting[0].due - time.monotonic() if self._waiting else None
                if wait is not None and wait <= 0:
                    self._in_work += 1
                    return heapq.heappop(self._waiting)
                self._changed.wait(wait)
            return None

    def _deliver(self, event: _Event) -> bool:
        try:
            if event.by_queue:
                body = json.dumps(blob_created(event.message, ACCOUNT_URL))
                self._queue.send_message(base64.b64encode(body.encode()).decode(), time_to_live=-1)
                return True
            host = self._cluster.any(self._random)
            if host is None:
                return False
            send = webhook_sender(host.url, host.blobs_key, {FUNCTION: f"{host.url}/account"})
            send(event.message)
        except (OSError, AzureError):  # HTTPError of urllib among them
            return False
        return True
