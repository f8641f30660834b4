"""Everything blob triggers need, wired: the internal queue, its listener, and the scanner."""

from __future__ import annotations

import base64
import logging

from azure.storage.queue import QueueClient

from functions_host.blobs.messages import POISON_QUEUE, BlobTriggerMessage, internal_queue_name
from functions_host.blobs.receipts import Receipts
from functions_host.blobs.scanner import BlobScanner
from functions_host.blobs.triggers import BlobFunction, BlobTriggerExecutor
from functions_host.connections import HOST_STORAGE
from functions_host.functions import Function
from functions_host.host_config import HostConfig
from functions_host.queues.backoff import PollingBackoff
from functions_host.queues.listener import QueueListener
from functions_host.queues.processing import MessageProcessor, MessageRules
from functions_host.queues.sending import send_creating
from functions_host.services import HostServices
from functions_host.singleton import Singleton
from functions_host.timings import HostTimings

log = logging.getLogger("functions_host.blobs")

_MAX_BATCH = 32


class BlobSource:
    def __init__(self, functions: list[Function], services: HostServices, *, emulates_event_grid: bool) -> None:
        """`emulates_event_grid` scans for functions with source="EventGrid" too: there is no Event Grid on a laptop."""
        self.functions = {function.id: BlobFunction.of(function) for function in functions}
        self._services = services
        self._queue = services.connections.queue(HOST_STORAGE, internal_queue_name(services.host_id))
        executor = BlobTriggerExecutor(self.functions, services.connections, services.invoker)
        processor = MessageProcessor(self._queue, self._rules(), executor.handle, services.keeper, services.faults)
        self.listener = _listener(self._queue, processor, services.config, services.timings)
        host_blobs = services.connections.blobs(HOST_STORAGE)
        self.scanner = BlobScanner(
            [function for function in self.functions.values() if emulates_event_grid or not function.is_event_grid],
            services.connections,
            lambda function: Receipts(host_blobs, services.host_id, function.id),
            self.enqueue,
            services.timings.blob_scan,
            Singleton(host_blobs, services.host_id, "blob-scan", lease_seconds=services.timings.singleton_lease),
        )
        _announce(list(self.functions.values()), emulates_event_grid)

    def start(self) -> None:
        self.listener.start()
        self.scanner.start()

    def stop(self) -> None:
        self.listener.stop()
        self.scanner.stop()

    def join(self, deadline: float) -> bool:
        return all([self.scanner.join(deadline), self.listener.join(deadline)])

    def enqueue(self, message: BlobTriggerMessage) -> None:
        body = message.to_json()
        send_creating(
            self._queue, base64.b64encode(body.encode()).decode() if self._services.config.queues.is_base64 else body
        )
        self.listener.wake()

    def _rules(self) -> MessageRules:
        config = self._services.config
        return MessageRules(
            is_base64=config.queues.is_base64,
            max_dequeue_count=config.blobs.poison_blob_threshold,
            # A failing blob is tried again at once: SharedBlobQueueListenerFactory.cs sets no delay in its options.
            release_seconds=0,
            find_poison_queue=self._poison_queue,
            drops_undecodable=True,
        )

    def _poison_queue(self, body: bytes | None) -> QueueClient | None:
        """In the account of the triggering blob; in the host's when the message does not say which."""
        connection = HOST_STORAGE
        if body is not None:
            try:
                target = self.functions.get(BlobTriggerMessage.parse(body).function_id)
            except (ValueError, KeyError, TypeError):
                target = None
            connection = target.connection if target else HOST_STORAGE
        return self._services.connections.poison_queues(connection).get_queue_client(POISON_QUEUE)


def _listener(
    queue: QueueClient, processor: MessageProcessor, config: HostConfig, timings: HostTimings
) -> QueueListener:
    # All blob functions share one limit (SharedBlobQueueListenerFactory.cs).
    limit = config.blobs.max_degree_of_parallelism
    batch_size = min(_MAX_BATCH, limit // 2 + 1)
    return QueueListener(
        queue,
        processor.process,
        batch_size=batch_size,
        new_batch_threshold=max(0, limit - batch_size),
        visibility_seconds=timings.receive_visibility,
        backoff=PollingBackoff(timings.min_polling, config.queues.max_polling_seconds),
    )


def _announce(functions: list[BlobFunction], emulates_event_grid: bool) -> None:
    for function in functions:
        if function.is_event_grid:
            how = "emulated by scanning its container" if emulates_event_grid else "only by its webhook"
            log.info("Event Grid source of %s: %s", function.function.name, how)
