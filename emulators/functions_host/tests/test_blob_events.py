from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from functions_host.bindings import Binding
from functions_host.blobs.messages import BlobTriggerMessage
from functions_host.blobs.triggers import BlobFunction
from functions_host.event_bridge import blob_created
from functions_host.functions import Function
from functions_host.signatures import BoundType, Signature
from functions_host.web.blob_webhook import BlobWebhook, split_blob_url

URL = "https://account.blob.core.windows.net/documents/in/a%20b.txt"


def blob_function(source: str) -> BlobFunction:
    trigger = Binding("blob", "blobTrigger", False, {"path": "documents/{name}.txt", "source": source})
    return BlobFunction.of(
        Function(
            "accept", lambda: None, trigger, (trigger,), Signature(False, BoundType("blobTrigger", None), None), Path()
        )
    )


@pytest.fixture
def queued() -> list[BlobTriggerMessage]:
    return []


@pytest.fixture
def events(queued: list[BlobTriggerMessage]) -> BlobWebhook:
    function = blob_function("EventGrid")
    return BlobWebhook({function.function.id: function}, queued.append)


def event(**data: Any) -> dict[str, Any]:
    return {
        "eventType": "Microsoft.Storage.BlobCreated",
        "data": {"url": URL, "eTag": "0x1", "blobType": "BlockBlob", **data},
    }


def test_the_handshake_gives_back_the_code(events: BlobWebhook) -> None:
    body = json.dumps([{"data": {"validationCode": "code"}}]).encode()
    answer = events.receive("Host.Functions.accept", "SubscriptionValidation", body)
    assert answer == (200, {"validationResponse": "code"})


@pytest.mark.parametrize("body", [[event()], event()], ids=["array", "one object"])
def test_every_event_becomes_a_message(events: BlobWebhook, queued: list[BlobTriggerMessage], body: Any) -> None:
    status, _ = events.receive("Host.Functions.accept", "Notification", json.dumps(body).encode())
    assert status == 202
    assert queued == [BlobTriggerMessage("Host.Functions.accept", "documents", "in/a b.txt", "0x1")]


def test_events_are_not_filtered_by_the_path_pattern(events: BlobWebhook, queued: list[BlobTriggerMessage]) -> None:
    other = event(url="https://account.blob.core.windows.net/other/a.csv")
    assert events.receive("Host.Functions.accept", "Notification", json.dumps([other]).encode())[0] == 202
    assert [message.blob for message in queued] == ["a.csv"]


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        pytest.param("Unsubscribe", b"", 202, id="unsubscribe"),
        pytest.param("Notification", b"no json", 500, id="no json"),
        pytest.param("Notification", b"[{}]", 500, id="no data"),
        pytest.param("Notification", b'[{"data": {"url": "http://127.0.0.1/a/c/b"}}]', 500, id="no type of blob"),
        pytest.param("Notification", b"[]", 202, id="no events"),
        pytest.param("SubscriptionValidation", b"[]", 500, id="handshake without event"),
        pytest.param("Unknown", b"[]", 400, id="unknown kind"),
        pytest.param("", b"[]", 400, id="no kind"),
    ],
)
def test_other_requests_are_answered_without_queueing(
    events: BlobWebhook, queued: list[BlobTriggerMessage], kind: str, body: bytes, status: int
) -> None:
    assert events.receive("Host.Functions.accept", kind, body)[0] == status
    assert queued == []


def test_nothing_is_queued_when_one_event_of_many_is_malformed(
    events: BlobWebhook, queued: list[BlobTriggerMessage]
) -> None:
    assert events.receive("Host.Functions.accept", "Notification", json.dumps([event(), {}]).encode())[0] == 500
    assert queued == []


@pytest.mark.parametrize("function_id", ["Host.Functions.unknown", "accept", ""])
def test_an_event_for_an_unknown_function_is_accepted_and_dropped(
    events: BlobWebhook, queued: list[BlobTriggerMessage], function_id: str
) -> None:
    assert events.receive(function_id, "Notification", json.dumps([event()]).encode()) == (202, None)
    assert queued == []


def test_a_function_with_the_polling_source_takes_no_events(queued: list[BlobTriggerMessage]) -> None:
    function = blob_function("LogsAndContainerScan")
    events = BlobWebhook({function.function.id: function}, queued.append)
    assert events.receive("Host.Functions.accept", "Notification", json.dumps([event()]).encode())[0] == 500


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param(URL, ("documents", "in/a b.txt"), id="cloud"),
        pytest.param("http://127.0.0.1:10000/devstoreaccount1/c/a%2523.txt", ("c", "a%23.txt"), id="azurite"),
        pytest.param("http://localhost:10000/devstoreaccount1/c/a", ("c", "a"), id="localhost"),
        pytest.param("https://account.blob.core.windows.net/c/a#1.txt", ("c", "a#1.txt"), id="raw hash"),
        pytest.param("https://account.blob.core.windows.net/c/what?.txt", ("c", "what"), id="raw question mark"),
    ],
)
def test_blob_addresses_are_split(url: str, expected: tuple[str, str]) -> None:
    assert split_blob_url(url) == expected


def test_an_address_without_blob_is_refused() -> None:
    with pytest.raises(ValueError, match="no blob"):
        split_blob_url("https://account.blob.core.windows.net/documents")


@pytest.mark.parametrize("name", ["a.txt", "a b/ü#%?.txt", "100%25.txt"])
def test_the_bridges_event_is_read_back_as_it_was_meant(events: BlobWebhook, queued: list[Any], name: str) -> None:
    message = BlobTriggerMessage("Host.Functions.accept", "documents", name, '"0x1"')
    body = json.dumps([blob_created(message, "http://127.0.0.1:10000/devstoreaccount1")]).encode()
    assert events.receive("Host.Functions.accept", "Notification", body)[0] == 202
    assert [(message.container, message.blob, message.etag) for message in queued] == [("documents", name, "0x1")]


def test_a_message_survives_its_wire_form() -> None:
    message = BlobTriggerMessage("Host.Functions.accept", "documents", "a.txt", '"0x1"')
    assert BlobTriggerMessage.parse(message.to_json().encode()) == message
    assert json.loads(message.to_json())["Type"] == "BlobTrigger"
