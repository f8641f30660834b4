"""What storage holds at the end of a chaos run, read around the proxy."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

from azure.storage.queue import QueueServiceClient

from bench.chaos.checker import Snapshot, StoredRecord
from local.stack import Stack
from shared.documents.record_schema import RecordFacts

READERS = 6


def take_snapshot(stack: Stack, queues: QueueServiceClient) -> Snapshot:
    settings = stack.settings
    state = stack.container(settings.pipeline_container)
    return Snapshot(
        documents={info.name: info.etag for info in stack.container(settings.documents_container).list()},
        classifications=_read_records(stack, settings.classifications_container),
        failures=_read_records(stack, settings.failures_container),
        open_batches=[info.name for info in state.list("batches/open/")],
        open_operations=[info.name for info in state.list("operations/open/")],
        dead_letters={
            info.name: str(json.loads(state.read(info.name).data)["body"]) for info in state.list("dead-letters/")
        },
        messages=messages_left(queues),
    )


def messages_left(queues: QueueServiceClient) -> dict[str, int]:
    """Messages by queue, hidden ones included: of the app's own queues, the host's and those of dead letters."""
    found: dict[str, int] = {}
    for queue in queues.list_queues():
        count = queues.get_queue_client(queue.name).get_queue_properties().approximate_message_count
        if count:
            found[queue.name] = count
    return found


def _read_records(stack: Stack, container: str) -> dict[str, StoredRecord]:
    blobs = stack.container(container)
    infos = list(blobs.list(metadata=True))
    with ThreadPoolExecutor(READERS) as pool:
        contents = list(pool.map(lambda info: blobs.read(info.name).data, infos))
    return {
        info.name: StoredRecord(RecordFacts.read(info.metadata), data)
        for info, data in zip(infos, contents, strict=True)
    }
