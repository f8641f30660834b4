"""The Event Grid source of blob triggers: the webhook `POST /runtime/webhooks/blobs?functionName=...`.

Every delivered event becomes a message: no path pattern, no receipt, no ETag check, as in Azure. So are the statuses:
an unknown function is accepted, what cannot be read is an error of the server.
Sources: azure-sdk-for-net, Config/BlobsExtensionConfigProvider.cs; EventGrid TriggerBinding/HttpRequestProcessor.cs.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from functions_host.blobs.messages import BlobTriggerMessage
from functions_host.blobs.triggers import BlobFunction
from functions_host.web.answers import Answer

log = logging.getLogger("functions_host.blobs")

EVENT_TYPE_HEADER = "aeg-event-type"


class BlobWebhook:
    def __init__(self, functions: Mapping[str, BlobFunction], enqueue: Callable[[BlobTriggerMessage], None]) -> None:
        """`functions` by function id."""
        self._functions = functions
        self._enqueue = enqueue

    def receive(self, function_id: str, event_type: str, body: bytes) -> Answer:
        target = self._functions.get(function_id)
        if target is None:
            return 202, None
        if not target.is_event_grid:
            return 500, None
        kind = event_type.lower()
        if kind == "unsubscribe":
            return 202, None
        try:
            events = _events(body)
            if kind == "subscriptionvalidation":
                return 200, {"validationResponse": events[0]["data"]["validationCode"]}
            if kind == "notification":
                messages = [_message(target.function.id, event) for event in events]
                for message in messages:
                    self._enqueue(message)
                return 202, None
        except (ValueError, KeyError, TypeError, IndexError) as error:
            log.warning("Event Grid sent what cannot be read: %s", type(error).__name__)
            return 500, None
        return 400, None


def _events(body: bytes) -> list[Any]:
    content = json.loads(body)
    return content if isinstance(content, list) else [content]


def _message(function_id: str, event: Mapping[str, Any]) -> BlobTriggerMessage:
    data = event["data"]
    container, blob = split_blob_url(data["url"])
    return BlobTriggerMessage(function_id, container, blob, str(data.get("eTag", "")), data["blobType"])


def split_blob_url(url: str) -> tuple[str, str]:
    """Container and blob of a blob's address; the account is ignored. An address by IP number has it in its path.

    Event Grid does not encode all of a name. A raw "#" belongs to it; a raw "?" ends it, and "%20" is a blank, as on
    Microsoft's host.
    """
    parts = urlsplit(url.replace("#", "%23"))
    path = unquote(parts.path).lstrip("/")
    host = parts.hostname or ""
    if host == "localhost" or host.replace(".", "").isdigit():
        path = path.partition("/")[2]
    container, _, blob = path.partition("/")
    if not container or not blob:
        raise ValueError("the address names no blob")
    return container, blob
