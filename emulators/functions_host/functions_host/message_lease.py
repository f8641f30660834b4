"""Keeps received messages hidden while their functions run.

Every renewal changes the pop receipt, so a lease always carries the newest one; a renewal with a stale receipt once
made the real host run long jobs twice (azure-sdk-for-net#22569). One thread serves all leases of the host.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from azure.core.exceptions import AzureError, HttpResponseError
from azure.storage.queue import QueueClient

from functions_host.timings import HostTimings

log = logging.getLogger("functions_host.queues")

SERVER_ERROR = 500


class MessageLease:
    """One received message. `lock` is held while its receipt is used, so that a renewal and a deletion cannot cross."""

    def __init__(self, queue: QueueClient, message_id: str, pop_receipt: str) -> None:
        self.queue = queue
        self.message_id = message_id
        self.pop_receipt = pop_receipt
        self.lock = threading.Lock()
        self.is_over = False

    def renew(self, visibility_seconds: float) -> None:
        updated = self.queue.update_message(
            self.message_id, pop_receipt=self.pop_receipt, visibility_timeout=round(visibility_seconds)
        )
        self.pop_receipt = str(updated.pop_receipt)


class LeaseKeeper:
    def __init__(self, timings: HostTimings) -> None:
        self._timings = timings
        self._due: list[tuple[float, int, float, MessageLease]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="lease-keeper", daemon=True)
        self._thread.start()

    @contextmanager
    def keeping(self, lease: MessageLease) -> Iterator[None]:
        """Renews `lease` until the block ends."""
        self._schedule(lease, self._timings.renewal)
        try:
            yield
        finally:
            with lease.lock:
                lease.is_over = True

    def close(self) -> None:
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self._thread.join()

    def _schedule(self, lease: MessageLease, interval: float) -> None:
        entry = (time.monotonic() + interval, next(self._order), interval, lease)
        with self._changed:
            heapq.heappush(self._due, entry)
            if self._due[0] is entry:
                self._changed.notify()

    def _run(self) -> None:
        while (entry := self._next_due()) is not None:
            interval, lease = entry
            following = self._renew(lease, interval)
            if following is not None:
                self._schedule(lease, following)

    def _next_due(self) -> tuple[float, MessageLease] | None:
        """Waits for the next renewal; None when closed."""
        with self._changed:
            while not self._is_closed:
                while self._due and self._due[0][3].is_over:
                    heapq.heappop(self._due)
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is not None and wait <= 0:
                    _, _, interval, lease = heapq.heappop(self._due)
                    return interval, lease
                self._changed.wait(wait)
            return None

    def _renew(self, lease: MessageLease, interval: float) -> float | None:
        """The interval until the next renewal; None when there is to be none."""
        with lease.lock:
            if lease.is_over:
                return None
            try:
                lease.renew(self._timings.receive_visibility)
            except HttpResponseError as error:
                if (error.status_code or 0) < SERVER_ERROR:
                    # Someone else owns the message now, or it is gone.
                    log.warning(
                        "Message %s is no longer ours (%s): not renewed again", lease.message_id, error.status_code
                    )
                    return None
                return max(self._timings.renewal_floor, interval / 2)
            except AzureError:
                return max(self._timings.renewal_floor, interval / 2)
        return self._timings.renewal
