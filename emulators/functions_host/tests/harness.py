"""One run of the probe app: names of its own in the shared Azurite, and what its functions have seen."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient, ContainerClient
from azure.storage.queue import QueueClient, QueueServiceClient, TextBase64DecodePolicy, TextBase64EncodePolicy

from azurite_process.azurite import Azurite
from azurite_process.processes import wait_until
from functions_host.timings import HostTimings
from tests.hosts import RunningHost, Starter

PROBE_APP = Path(__file__).parent / "probe_app"
FAST = HostTimings(receive_visibility=2, renewal=0.7, renewal_floor=0.5, min_polling=0.05, blob_scan=0.2, drain=5)
NEVER = "0 0 0 29 2 *"
PATIENCE = 60.0
"""Microsoft's host looks at a container every ten seconds."""


class ProbeRun:
    def __init__(self, azurite: Azurite, folder: Path, start: Starter) -> None:
        self.name = f"run-{uuid.uuid4().hex[:8]}"
        self.folder = folder
        self._start = start
        self._started: list[RunningHost] = []
        self.settings = {
            "AzureWebJobsStorage": azurite.connection_string,
            "Data": azurite.connection_string,
            "RUN": self.name,
            "TICKS": NEVER,
            "AzureFunctionsWebHost__hostid": self.name,
            "AzureFunctionsJobHost__extensions__queues__maxPollingInterval": "00:00:00.2000000",
        }
        self.blobs = BlobServiceClient.from_connection_string(azurite.connection_string)
        self.queues = QueueServiceClient.from_connection_string(azurite.connection_string)
        self._facts: dict[str, dict[str, Any]] = {}
        self.seen_blobs = self.blobs.create_container(f"{self.name}-seen")

    def close(self) -> None:
        for host in self._started:
            host.stop()
        self.blobs.close()
        self.queues.close()

    @contextmanager
    def host(self, timings: HostTimings = FAST, **settings: str) -> Iterator[RunningHost]:
        handle = self.start(timings, **settings)
        try:
            yield handle
        finally:
            handle.stop()

    def start(self, timings: HostTimings = FAST, **settings: str) -> RunningHost:
        # A second host at the same time needs a log of its own.
        running = sum(host.process.is_running() for host in self._started)
        folder = self.folder / f"beside-{running}" if running else self.folder
        host = self._start(PROBE_APP, {**self.settings, **settings}, folder, timings)
        self._started.append(host)
        return host

    def container(self, name: str) -> ContainerClient:
        """A container of this run, made when it is missing."""
        container = self.blobs.get_container_client(f"{self.name}-{name}")
        if not container.exists():
            container.create_container()
        return container

    def queue(self, name: str) -> QueueClient:
        """A queue of this run, with the host's encoding; not made."""
        return self.raw_queue(f"{self.name}-{name}")

    def raw_queue(self, name: str) -> QueueClient:
        return self.queues.get_queue_client(
            name, message_encode_policy=TextBase64EncodePolicy(), message_decode_policy=TextBase64DecodePolicy()
        )

    def order(self, **what: Any) -> None:
        """Put an order into the queue of take_order."""
        queue = self.queue("orders")
        with suppress(ResourceExistsError):
            queue.create_queue()
        queue.send_message(json.dumps(what))

    def seen(self, function_name: str) -> list[dict[str, Any]]:
        """What the calls of a function have recorded, in no order."""
        return [self._read(name) for name in self.seen_blobs.list_blob_names(name_starts_with=f"{function_name}/")]

    def _read(self, name: str) -> dict[str, Any]:
        if name not in self._facts:
            self._facts[name] = json.loads(self.seen_blobs.download_blob(name).readall())
        return self._facts[name]

    def wait_seen(self, function_name: str, count: int, *, seconds: float = PATIENCE) -> list[dict[str, Any]]:
        """Wait for so many calls."""
        wait_until(
            lambda: len(self.seen(function_name)) >= count,
            seconds=seconds,
            what=f"{count} calls of {function_name}; there are {len(self.seen(function_name))}",
        )
        return self.seen(function_name)

    def messages(self, queue_name: str) -> list[str]:
        """The decoded messages of a queue by its full name, visible ones; none when it does not exist."""
        try:
            return [message.content for message in self.raw_queue(queue_name).peek_messages(max_messages=32)]
        except ResourceNotFoundError:
            return []

    def depth(self, queue_name: str) -> int:
        """All messages of a queue by its full name, the hidden ones too; 0 when it does not exist."""
        try:
            count = self.queues.get_queue_client(queue_name).get_queue_properties().approximate_message_count
        except ResourceNotFoundError:
            return 0
        return count or 0
