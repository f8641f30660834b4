"""Trigger data made up for `POST /admin/functions/{name}`: any function, run by hand with an input text."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

from azure.functions.meta import Datum

from functions_host.blobs.paths import BlobPath
from functions_host.blobs.triggers import blob_trigger_data
from functions_host.connections import Connections
from functions_host.functions import Function
from functions_host.timers.listener import timer_data
from functions_host.worker.decoding import TriggerData, as_json, text


def manual_trigger_data(function: Function, value: str, connections: Connections) -> TriggerData:
    """`value` is a queue message's body, an HTTP body, or a blob's path `container/name`; a timer ignores it."""
    match function.trigger.type:
        case "queueTrigger":
            return _queue_data(value)
        case "blobTrigger":
            return _blob_data(function, value, connections)
        case "timerTrigger":
            return timer_data(None, is_past_due=False)
        case _:
            return _http_data(function, value)


def _queue_data(value: str) -> TriggerData:
    now = datetime.now(UTC)
    metadata = {
        "QueueTrigger": text(value),
        "Id": text(str(uuid.uuid4())),
        "PopReceipt": text(""),
        "DequeueCount": as_json(1),
        "InsertionTime": text(now.isoformat()),
        "NextVisibleTime": text(now.isoformat()),
        "ExpirationTime": text((now + timedelta(days=7)).isoformat()),
    }
    return TriggerData(text(value), metadata)


def _blob_data(function: Function, value: str, connections: Connections) -> TriggerData:
    container, _, name = value.partition("/")
    blob = connections.blobs(function.trigger.connection).get_blob_client(container, name)
    return blob_trigger_data(blob, blob.get_blob_properties(), BlobPath.parse(function.trigger.text("path")))


def _http_data(function: Function, value: str) -> TriggerData:
    methods = function.trigger.properties.get("methods") or ["POST"]
    request = {
        "method": text(methods[0]),
        "url": text(f"http://localhost/admin/functions/{function.name}"),
        "headers": {},
        "query": {},
        "params": {},
        "body": Datum(value.encode(), "bytes"),
    }
    return TriggerData(Datum(request, "http"), {})
