"""The polling source: scans the containers of blob functions and queues every version that has no receipt.

Unlike the real host it keeps no watermark of modification times, which makes that one miss blobs now and then (storage
extension changelog 5.3.8, 5.3.10): here each listed version is compared with the receipts, and nothing is missed.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobProperties, ContainerClient

from functions_host.blobs.messages import BlobTriggerMessage
from functions_host.blobs.receipts import Receipt, Receipts
from functions_host.blobs.triggers import BlobFunction
from functions_host.connections import Connections
from functions_host.singleton import Singleton

log = logging.getLogger("functions_host.blobs")

_PAGE = 5000
_BATCH = 32
_SENDERS = 4
# Looking through many blobs must not take all the CPU of a laptop: rest at least three times as long as the look took.
# What was found is work, for which the real host does not rest either.
_REST_FACTOR = 3


class BlobScanner:
    def __init__(
        self,
        functions: list[BlobFunction],
        connections: Connections,
        new_receipts: Callable[[BlobFunction], Receipts],
        enqueue: Callable[[BlobTriggerMessage], None],
        interval_seconds: float,
        singleton: Singleton,
    ) -> None:
        """`singleton` is held while versions are queued, so that of several hosts one queues each."""
        self._singleton = singleton
        self._connections = connections
        self._enqueue = enqueue
        self._interval_seconds = interval_seconds
        self._receipts = {function.id: new_receipts(function) for function in functions}
        self._looked_seconds = 0.0
        self._containers: dict[tuple[str, str], list[BlobFunction]] = defaultdict(list)
        for function in functions:
            self._containers[function.connection, function.path.container].append(function)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="blob-scanner", daemon=True)
        self._senders = ThreadPoolExecutor(_SENDERS, thread_name_prefix="blob-sender")

    def start(self) -> None:
        if self._containers:
            self._thread.start()

    def stop(self) -> None:
        self._stopping.set()

    def join(self, deadline: float) -> bool:
        """Wait until `deadline` (monotonic) for the scan in work; True when it has ended."""
        if self._thread.ident is not None:
            self._thread.join(max(0.0, deadline - time.monotonic()))
        self._senders.shutdown(wait=False)
        return not self._thread.is_alive()

    def _run(self) -> None:
        pause = 0.0
        while not self._stopping.wait(pause):
            self._looked_seconds = 0.0
            for (connection, container), functions in self._containers.items():
                self._scan_safely(connection, container, functions)
            pause = max(self._interval_seconds, _REST_FACTOR * self._looked_seconds)

    def _scan_safely(self, connection: str, container: str, functions: list[BlobFunction]) -> None:
        try:
            self._scan(connection, container, functions)
        except Exception as error:
            # Whatever it is (a restarting Azurite answers strangely), the next scan begins afresh.
            log.warning("Cannot scan container %s: %s", container, str(error).partition("\n")[0])

    def _scan(self, connection: str, container: str, functions: list[BlobFunction]) -> None:
        started = time.monotonic()
        for function in functions:
            self._receipts[function.id].load()
        client = self._connections.blobs(connection).get_container_client(container)
        blobs = _list_blobs(client)
        found = any(self._new_versions(function, container, blobs) for function in functions)
        self._looked_seconds += time.monotonic() - started
        if not found:
            return
        if not self._singleton.acquire():
            # Another host queues them; the next scan sees what it has left.
            return
        try:
            self._queue(container, functions, blobs)
        finally:
            self._singleton.release()

    def _queue(self, container: str, functions: list[BlobFunction], blobs: list[BlobProperties]) -> None:
        for function in functions:
            self._receipts[function.id].refresh()
            for batch in _batches(self._new_versions(function, container, blobs)):
                if self._stopping.is_set():
                    return
                list(self._senders.map(self._enqueue, batch))
                self._receipts[function.id].add(map(_receipt, batch))

    def _new_versions(
        self, function: BlobFunction, container: str, blobs: list[BlobProperties]
    ) -> list[BlobTriggerMessage]:
        receipts = self._receipts[function.id]
        return [
            BlobTriggerMessage(function.id, container, blob.name, f'"{blob.etag}"', blob.blob_type.value)
            for blob in blobs
            if (container, blob.name, blob.etag) not in receipts
            and function.path.match(container, blob.name) is not None
        ]


def _list_blobs(container: ContainerClient) -> list[BlobProperties]:
    """Every blob with its ETag as the service lists it, without quotes; none when the container does not exist."""
    try:
        return list(container.list_blobs(results_per_page=_PAGE))
    except ResourceNotFoundError:
        return []


def _receipt(message: BlobTriggerMessage) -> Receipt:
    return message.container, message.blob, message.etag.strip('"')


def _batches(messages: list[BlobTriggerMessage]) -> Iterator[list[BlobTriggerMessage]]:
    for start in range(0, len(messages), _BATCH):
        yield messages[start : start + _BATCH]
