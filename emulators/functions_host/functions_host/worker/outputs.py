"""Output and input bindings other than the trigger: queue messages out, blobs in and out.

As in Azure, outputs are written only after the handler has returned, one after another and not atomically.
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.functions.meta import Datum
from azure.storage.blob import BlobClient
from azure.storage.queue import QueueClient

from functions_host.connections import Connections
from functions_host.functions import Binding
from functions_host.queues.sending import send_creating
from functions_host.worker.decoding import BlobContent, Metadata

_TOKEN = re.compile(r"\{([^{}]+)\}")


class BindingStore:
    """Reads and writes what bindings name. `wake` is told of every queue that got a message."""

    def __init__(self, connections: Connections, *, is_base64: bool, wake: Callable[[QueueClient], None]) -> None:
        self._connections = connections
        self._is_base64 = is_base64
        self._wake = wake

    def write(self, binding: Binding, value: Datum, metadata: Metadata) -> None:
        if binding.type == "queue":
            self._write_messages(binding, value)
        elif binding.type == "blob":
            self._write_blob(binding, value, metadata)

    def read_blob(self, binding: Binding, metadata: Metadata) -> BlobContent | None:
        """The blob of an input binding; None when it does not exist, as the real host passes None."""
        blob = self._blob(binding, metadata)
        if not blob.exists():
            return None
        return BlobContent(lambda: blob.download_blob().readall())

    def _write_messages(self, binding: Binding, value: Datum) -> None:
        queue = self._connections.queue(binding.connection, binding.text("queueName"))
        for body in message_bodies(value):
            send_creating(queue, base64.b64encode(body).decode() if self._is_base64 else body.decode())
        self._wake(queue)

    def _write_blob(self, binding: Binding, value: Datum, metadata: Metadata) -> None:
        content = value.value if isinstance(value.value, bytes) else str(value.value).encode()
        blob = self._blob(binding, metadata)
        try:
            blob.upload_blob(content, overwrite=True)
        except ResourceNotFoundError:
            self._connections.blobs(binding.connection).create_container(blob.container_name)
            blob.upload_blob(content, overwrite=True)

    def _blob(self, binding: Binding, metadata: Metadata) -> BlobClient:
        container, _, name = fill_path(binding.text("path"), metadata).partition("/")
        return self._connections.blobs(binding.connection).get_blob_client(container, name)


def message_bodies(value: Datum) -> list[bytes]:
    """The messages in a queue output: a string is one, a JSON array is many (azure.functions.queue, encode)."""
    if value.type != "json":
        return [value.value if isinstance(value.value, bytes) else str(value.value).encode()]
    content = json.loads(value.value)
    items = content if isinstance(content, list) else [content]
    return [_body_of(item) for item in items]


def _body_of(item: Any) -> bytes:
    if isinstance(item, Mapping) and "body" in item:
        item = item["body"]
    return (item if isinstance(item, str) else json.dumps(item)).encode()


def fill_path(path: str, metadata: Metadata) -> str:
    """Replace {token} by trigger metadata, {rand-guid} and {DateTime} by fresh values; KeyError for another."""
    values = {name.lower(): datum for name, datum in metadata.items()}

    def replacement(match: re.Match[str]) -> str:
        name = match[1].lower()
        if name == "rand-guid":
            return str(uuid.uuid4())
        if name == "datetime":
            return datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
        return str(values[name].python_value)

    return _TOKEN.sub(replacement, path)
