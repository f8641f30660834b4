"""What storage answers to everybody alike, to each call of the adapters: the same error, whatever it was.

The fakes raise what a test tells them to; that the adapters raise it is shown here, over HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import ContainerClient
from azure.storage.queue import QueueClient

from shared.documents.messages import WakeMessage
from shared.errors import PlaceLostError, StorageUnavailableError
from shared.storage.blobs import AzureBlobStore
from shared.storage.outages import FORGOTTEN_AFTER, Outages
from shared.storage.ports import QueuedMessage, SentMessage
from shared.storage.queues import AzureMessageQueue
from tests.fakes import START, VirtualClock

KEY = {"account_name": "devstoreaccount1", "account_key": "A" * 86 + "=="}
MESSAGE = QueuedMessage(id="m", raw="", text="", inserted_on=START, dequeue_count=1, pop_receipt="r")


@dataclass
class Storage:
    """Answers every request with `status` and `code`; with none it closes the connection."""

    port: int
    status: int | None = 403
    code: str = "AuthorizationPermissionMismatch"
    clock: VirtualClock = field(default_factory=VirtualClock)

    def __post_init__(self) -> None:
        self.outages = Outages(self.clock)
        address = f"http://127.0.0.1:{self.port}/devstoreaccount1"
        container = ContainerClient(address, "documents", credential=KEY, retry_total=0)
        self.blobs = AzureBlobStore(container, self.outages)
        client = QueueClient(address, "batches", credential=KEY, retry_total=0)
        self.queue = AzureMessageQueue(client, self.outages)


@pytest.fixture
def storage() -> Iterator[Storage]:
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if told.status is None:
                self.close_connection = True
                return
            self.send_response(told.status)
            self.send_header("x-ms-error-code", told.code)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_HEAD = do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815 - the library's names

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        told = Storage(server.server_port)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield told
        server.shutdown()
        thread.join()


CALLS: dict[str, Callable[[Storage], object]] = {
    "read": lambda storage: storage.blobs.read("a.txt"),
    "find": lambda storage: storage.blobs.find("a.txt"),
    "create": lambda storage: storage.blobs.create("a.txt", b"one"),
    "replace": lambda storage: storage.blobs.replace("a.txt", b"one", etag='"0x8D"'),
    "put": lambda storage: storage.blobs.put("a.txt", b"one"),
    "delete a blob": lambda storage: storage.blobs.delete("a.txt"),
    "list": lambda storage: list(storage.blobs.list()),
    "list a page": lambda storage: storage.blobs.list_page(),
    "ensure a container": lambda storage: storage.blobs.ensure(),
    "send": lambda storage: storage.queue.send(WakeMessage()),
    "move": lambda storage: storage.queue.move(SentMessage("m", "r", START), WakeMessage(), delay=timedelta(0)),
    "peek": lambda storage: storage.queue.peek(1),
    "receive": lambda storage: storage.queue.receive(1, visibility=timedelta(minutes=1)),
    "delete a message": lambda storage: storage.queue.delete(MESSAGE),
    "length": lambda storage: storage.queue.length(),
    "ensure a queue": lambda storage: storage.queue.ensure(),
}
ANSWERS: dict[str, tuple[int | None, str]] = {
    "no connection": (None, ""),
    "refused credential": (401, "InvalidAuthenticationInfo"),
    "refused role": (403, "AuthorizationPermissionMismatch"),
    "timed out": (408, "OperationTimedOut"),
    "throttled": (429, "TooManyRequests"),
    "broken": (500, "InternalError"),
    "busy": (503, "ServerBusy"),
}


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("call", CALLS)
def test_every_call_tells_an_outage_by_the_same_error(storage: Storage, call: str, answer: str) -> None:
    storage.status, storage.code = ANSWERS[answer]
    with pytest.raises(StorageUnavailableError) as told:
        CALLS[call](storage)
    assert ("queue batches" in str(told.value)) is not ("container documents" in str(told.value))
    assert str(storage.status or "network") in str(told.value)
    assert "127.0.0.1" not in str(told.value)


@pytest.mark.parametrize("code", ["ContainerNotFound", "ContainerBeingDeleted", "QueueNotFound", "QueueBeingDeleted"])
def test_a_missing_container_or_queue_is_an_outage(storage: Storage, code: str) -> None:
    storage.status, storage.code = (409 if code.endswith("Deleted") else 404), code
    call = CALLS["send" if code.startswith("Queue") else "put"]
    with pytest.raises(StorageUnavailableError):
        call(storage)


@pytest.mark.parametrize("status", [400, 413])
def test_a_request_that_storage_finds_wrong_is_a_bug_and_no_outage(storage: Storage, status: int) -> None:
    storage.status, storage.code = status, "InvalidHeaderValue"
    with pytest.raises(HttpResponseError):
        storage.blobs.put("a.txt", b"one")
    assert storage.outages.find("container documents") is None


def test_a_place_in_a_listing_that_storage_does_not_take_is_no_outage(storage: Storage) -> None:
    """Whoever kept it begins again."""
    storage.status, storage.code = 400, "OutOfRangeInput"
    with pytest.raises(PlaceLostError, match="where it was left"):
        storage.blobs.list_page(token="2!92!MDAwMDA=")
    with pytest.raises(HttpResponseError):
        storage.blobs.list_page()


def test_an_answer_that_is_no_listing_is_an_outage_and_no_empty_container(storage: Storage) -> None:
    """Taken for one, every document would be without a record."""
    storage.status, storage.code = 200, ""
    with pytest.raises(StorageUnavailableError):
        list(storage.blobs.list())


def test_health_learns_since_when_a_place_refuses(storage: Storage) -> None:
    begun = storage.clock()
    for _ in range(3):
        with pytest.raises(StorageUnavailableError):
            storage.blobs.put("a.txt", b"one")
        storage.clock.advance(timedelta(minutes=4))
    outage = storage.outages.find("container documents")
    assert outage is not None
    assert (outage.since, outage.last) == (begun, begun + timedelta(minutes=8))
    assert "403" in outage.problem
    assert storage.outages.find("queue batches") is None


def test_a_served_call_ends_the_outage_of_its_kind_and_of_no_other(storage: Storage) -> None:
    for call in ("put", "find"):
        with pytest.raises(StorageUnavailableError):
            CALLS[call](storage)
    storage.status, storage.code = 404, "BlobNotFound"
    assert storage.blobs.find("a.txt") is None
    outage = storage.outages.find("container documents")
    assert outage is not None
    assert "(write)" in outage.problem


def test_an_outage_that_no_call_meets_any_more_is_forgotten(storage: Storage) -> None:
    with pytest.raises(StorageUnavailableError):
        storage.blobs.put("a.txt", b"one")
    storage.clock.advance(FORGOTTEN_AFTER + timedelta(seconds=1))
    assert storage.outages.find("container documents") is None
