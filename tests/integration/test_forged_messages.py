"""Forged messages on real Azurite: each is a dead letter at its first delivery, and its neighbours do not notice."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest
from azure.storage.blob import ContainerClient
from azure.storage.queue import QueueClient

from azurite_process.azurite import Azurite
from shared.services import Services
from tests.integration.test_odd_documents import classify_everything, documents, services

__all__ = ["documents", "services"]

FORGED: dict[str, Mapping[str, Any]] = {
    "no ETag": {"etag": ""},
    "an ETag that no header can hold": {"etag": '"\u20ac"'},
    "an ETag with a header of its own": {"etag": '"a"\r\nX: 1'},
    "a name with a zero byte": {"name": "a\0.txt"},
    "a name of 2,000 characters": {"name": "n" * 2_000 + ".txt"},
    "a negative size": {"size": -1},
    "the year 1": {"last_modified": "0001-01-01T00:00:00Z"},
}
# These have the right form and name nothing: they leave their batch as deleted or superseded.
HARMLESS: dict[str, Mapping[str, Any]] = {
    "another ETag": {"name": "good 0.txt", "etag": '"!#~"'},
    "no blob": {"name": "nothing?#%41.txt"},
    "the longest name": {"name": "n" * 1_020 + ".txt"},
    "out of the container": {"name": "../pipeline/x.txt"},
}


def test_forged_document_messages_harm_no_document_of_their_batch(
    azurite: Azurite, services: Services, documents: ContainerClient
) -> None:
    for number in range(3):
        documents.upload_blob(f"good {number}.txt", "my invoice")
    settings = services.settings
    with QueueClient.from_connection_string(azurite.connection_string, settings.documents_queue) as queue:
        for changes in [*FORGED.values(), *HARMLESS.values()]:
            document = {"name": "x.txt", "etag": '"0x1"', "last_modified": "2026-01-01T00:00:00Z", "size": 5, **changes}
            body = {"schema": 1, "container": settings.documents_container, "document": document}
            queue.send_message(base64.b64encode(json.dumps(body).encode()).decode())
    classify_everything(services)
    assert sorted(info.name for info in services.records.classifications.list()) == [
        f"good {number}.txt.json" for number in range(3)
    ]
    assert list(services.records.failures.list()) == []
    assert len(list(services.adapters.open_container(settings.pipeline_container).list("dead-letters/"))) == len(FORGED)


@pytest.mark.parametrize("body", ["{plain}", "/w=="], ids=["plain", "no UTF-8"])
def test_the_sweep_takes_what_no_host_can_decode(azurite: Azurite, services: Services, body: str) -> None:
    """Whether or not the host has made the queue yet."""
    settings = services.settings
    services.sweep()
    with QueueClient.from_connection_string(azurite.connection_string, f"{settings.batches_queue}-poison") as queue:
        queue.send_message(body)
        services.sweep()
        assert queue.peek_messages() == []
    state = services.adapters.open_container(settings.pipeline_container)
    (kept,) = [json.loads(state.read(info.name).data) for info in state.list("dead-letters/")]
    assert (kept["queue"], kept["body"]) == (settings.batches_queue, body)
