"""The loop that fetches messages of one queue and hands them to threads.

As in azure-sdk-for-net, Shared/Queues/QueueListener.cs: a batch is fetched, then the loop waits until no more than
newBatchThreshold messages are in work, then fetches a full batch again. A missing queue is the same as an empty one.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueClient, QueueMessage

from functions_host.queues.backoff import PollingBackoff

log = logging.getLogger("functions_host.queues")


class QueueListener:
    def __init__(
        self,
        queue: QueueClient,
        process: Callable[[QueueMessage], None],
        *,
        batch_size: int,
        new_batch_threshold: int,
        visibility_seconds: float,
        backoff: PollingBackoff,
    ) -> None:
        self.queue = queue
        self._process = process
        self._batch_size = batch_size
        self._threshold = new_batch_threshold
        self._visibility_seconds = visibility_seconds
        self._backoff = backoff
        self._running = 0
        self._changed = threading.Condition()
        self._wake = threading.Event()
        self._is_stopping = False
        name = queue.queue_name
        self._threads = ThreadPoolExecutor(batch_size + new_batch_threshold, thread_name_prefix=f"queue-{name}")
        self._loop = threading.Thread(target=self._run, name=f"listen-{name}", daemon=True)

    def start(self) -> None:
        self._loop.start()

    def wake(self) -> None:
        """This process has just put a message into the queue: look at once."""
        self._wake.set()

    def stop(self) -> None:
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()
        self._wake.set()

    def join(self, deadline: float) -> bool:
        """Wait until `deadline` (monotonic) for the messages in work; True when none is left."""
        self._loop.join(max(0.0, deadline - time.monotonic()))
        with self._changed:
            done = self._changed.wait_for(lambda: self._running == 0, max(0.0, deadline - time.monotonic()))
        self._threads.shutdown(wait=done)
        return done and not self._loop.is_alive()

    def _run(self) -> None:
        while self._wait_for_threshold():
            self._wake.clear()
            messages = self._receive()
            if messages:
                self._backoff.reset()
                for message in messages:
                    self._submit(message)
            else:
                self._wake.wait(self._backoff.next_delay())

    def _wait_for_threshold(self) -> bool:
        """False when the listener is stopping."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_stopping or self._running <= self._threshold)
            return not self._is_stopping

    def _receive(self) -> list[QueueMessage]:
        try:
            pages = self.queue.receive_messages(
                messages_per_page=self._batch_size, visibility_timeout=round(self._visibility_seconds)
            ).by_page()
            return list(next(pages, ()))
        except ResourceNotFoundError:
            return []
        except Exception as error:
            # Whatever it is (a restarting Azurite answers strangely), a listener lives on.
            if not self._is_stopping:
                log.warning("Cannot read queue %s: %s", self.queue.queue_name, _first_line(error))
            return []

    def _submit(self, message: QueueMessage) -> None:
        with self._changed:
            self._running += 1
        self._threads.submit(self._work, message)

    def _work(self, message: QueueMessage) -> None:
        try:
            self._process(message)
        except Exception as error:
            # The message is not lost: it stays hidden until its visibility ends.
            log.warning("Cannot finish message %s of %s: %s", message.id, self.queue.queue_name, _first_line(error))
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
