"""Blob functions: their source, and the invocation for one message of the internal queue.

Source: azure-sdk-for-net, Listeners/BlobQueueTriggerExecutor.cs and Triggers/BlobTriggerBinding.cs.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobClient, BlobProperties, BlobType

from functions_host.blobs.messages import BlobTriggerMessage
from functions_host.blobs.paths import BlobPath
from functions_host.connections import Connections
from functions_host.functions import Function
from functions_host.queues.processing import ReceivedMessage
from functions_host.worker.decoding import BlobContent, TriggerData, as_json, text
from functions_host.worker.invocation import Invoker, Outcome

log = logging.getLogger("functions_host.blobs")

_BLOB_TYPES = (BlobType.BLOCKBLOB, BlobType.PAGEBLOB, BlobType.APPENDBLOB)
"""In the order of .NET's enumeration."""


@dataclass(frozen=True)
class BlobFunction:
    function: Function
    path: BlobPath
    is_event_grid: bool

    @classmethod
    def of(cls, function: Function) -> BlobFunction:
        is_event_grid = function.trigger.text("source").lower() == "eventgrid"
        # The stand-in for a subscription's subject filter ignores case, as that does by default.
        return cls(function, BlobPath.parse(function.trigger.text("path"), ignores_case=is_event_grid), is_event_grid)

    @property
    def id(self) -> str:
        return self.function.id

    @property
    def connection(self) -> str:
        return self.function.trigger.connection


class BlobTriggerExecutor:
    """Handles the messages of the internal queue."""

    def __init__(self, functions: dict[str, BlobFunction], connections: Connections, invoker: Invoker) -> None:
        """`functions` by function id."""
        self._functions = functions
        self._connections = connections
        self._invoker = invoker

    def handle(self, received: ReceivedMessage) -> tuple[str, Outcome]:
        try:
            message = BlobTriggerMessage.parse(received.body)
        except (ValueError, KeyError, TypeError):
            log.error("Message %s of the internal blob queue is not a blob trigger message", received.raw.id)
            return "", Outcome.FAILED
        target = self._functions.get(message.function_id)
        if target is None:
            log.info("Dropping a blob message for %s, which this app does not have", message.function_id)
            return "", Outcome.SUCCEEDED
        return target.function.name, self._invoke(target, message, received.raw.dequeue_count or 0)

    def _invoke(self, target: BlobFunction, message: BlobTriggerMessage, dequeue_count: int) -> Outcome:
        blob = self._connections.blobs(target.connection).get_blob_client(message.container, message.blob)
        try:
            properties = blob.get_blob_properties()
        except ResourceNotFoundError:
            return Outcome.SUCCEEDED
        if not target.is_event_grid and properties.etag.strip('"') != message.etag.strip('"'):
            # A newer version; the next scan finds it. Event Grid deliveries are not checked in Azure either.
            return Outcome.SUCCEEDED
        reason = f"blob {message.container}/{message.blob}, dequeue count {dequeue_count}"
        data = blob_trigger_data(blob, properties, target.path)
        return self._invoker.invoke(target.function, data, reason).outcome


def blob_trigger_data(blob: BlobClient, properties: BlobProperties, path: BlobPath) -> TriggerData:
    container, name = blob.container_name, blob.blob_name
    tokens = path.match(container, name) or {}
    metadata = {
        "BlobTrigger": text(f"{container}/{name}"),
        "Uri": as_json(blob.url),
        "Properties": as_json(_properties(properties)),
        "Metadata": as_json(dict(properties.metadata or {})),
        **{token: text(value) for token, value in tokens.items()},
    }
    return TriggerData(BlobContent(lambda: blob.download_blob().readall()), metadata)


def _properties(properties: BlobProperties) -> dict[str, Any]:
    """The fields of .NET's BlobProperties that an app may look at, as the real host serialises them.

    An ETag is a structure without public fields there, so it arrives empty; enumerations arrive as numbers.
    """
    content = properties.content_settings
    return {
        "LastModified": properties.last_modified.isoformat(),
        "CreatedOn": properties.creation_time.isoformat() if properties.creation_time else None,
        "ContentLength": properties.size,
        "ETag": {},
        "ContentType": content.content_type,
        "ContentEncoding": content.content_encoding,
        "ContentLanguage": content.content_language,
        "BlobType": _BLOB_TYPES.index(properties.blob_type),
        "AccessTier": properties.blob_tier,
    }
