"""Queue triggers: from a received message to trigger data, and the listener of a queue function."""

from __future__ import annotations

import json
from datetime import datetime

from azure.functions.meta import Datum
from azure.storage.queue import QueueClient

from functions_host.functions import Function
from functions_host.queues.backoff import PollingBackoff
from functions_host.queues.listener import QueueListener
from functions_host.queues.processing import MessageProcessor, MessageRules, ReceivedMessage, poison_name
from functions_host.services import HostServices
from functions_host.worker.decoding import TriggerData, as_json, text
from functions_host.worker.invocation import Outcome


def queue_trigger_data(received: ReceivedMessage) -> TriggerData:
    """Names and wire types as azure-sdk-for-net, Triggers/QueueTriggerBinding.cs.

    The properties of a JSON body join the metadata and override it, ignoring case: `{"id": 7}` changes `message.id`.
    """
    body = received.body.decode("utf-8", errors="replace")
    raw = received.raw
    metadata = {
        "QueueTrigger": text(body),
        "Id": text(str(raw.id)),
        "PopReceipt": text(str(raw.pop_receipt)),
        "DequeueCount": as_json(raw.dequeue_count),
        "ExpirationTime": _moment(raw.expires_on),
        "InsertionTime": _moment(raw.inserted_on),
        "NextVisibleTime": _moment(raw.next_visible_on),
    }
    names = {name.lower(): name for name in metadata}
    for name, value in _json_properties(body).items():
        metadata[names.get(name.lower(), name)] = value
    return TriggerData(text(body), metadata)


def build_queue_listener(function: Function, services: HostServices) -> QueueListener:
    connection, name = function.trigger.connection, function.trigger.text("queueName")
    options, timings = services.config.queues, services.timings
    queue = services.connections.queue(connection, name)
    poison = poison_name(name)
    poison_queue: QueueClient | None = services.connections.queue(connection, poison) if poison else None

    def handle(received: ReceivedMessage) -> tuple[str, Outcome]:
        reason = f"message {received.raw.id}, dequeue count {received.raw.dequeue_count}"
        return function.name, services.invoker.invoke(function, queue_trigger_data(received), reason).outcome

    rules = MessageRules(
        is_base64=options.is_base64,
        max_dequeue_count=options.max_dequeue_count,
        release_seconds=options.visibility_seconds,
        find_poison_queue=lambda _: poison_queue,
    )
    return QueueListener(
        queue,
        MessageProcessor(queue, rules, handle, services.keeper, services.faults).process,
        batch_size=options.batch_size,
        new_batch_threshold=options.new_batch_threshold,
        visibility_seconds=timings.receive_visibility,
        backoff=PollingBackoff(timings.min_polling, options.max_polling_seconds),
    )


def _moment(value: datetime | None) -> Datum:
    return text(value.isoformat() if value else "")


def _json_properties(body: str) -> dict[str, Datum]:
    try:
        content = json.loads(body)
    except ValueError:
        return {}
    if not isinstance(content, dict):
        return {}
    return {name: text(value) if isinstance(value, str) else as_json(value) for name, value in content.items()}
