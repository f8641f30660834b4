"""What uploaders claim about a blob, and what storage says about one blob for its own sake."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from azure.storage.blob import ContainerClient, ContentSettings

from shared.errors import BlobUnreadableError, StorageUnavailableError
from shared.storage.blobs import ABOUT_ONE_BLOB, AzureBlobStore
from shared.storage.ports import BlobStore
from tests.fakes import FakeBlobStore


def upload(store: BlobStore, name: str, data: bytes, *, content_type: str, content_encoding: str | None = None) -> None:
    if isinstance(store, FakeBlobStore):
        store.upload(name, data, content_type=content_type, content_encoding=content_encoding)
        return
    claims = ContentSettings(content_type=content_type, content_encoding=content_encoding)
    _container(store).upload_blob(name, data, overwrite=True, content_settings=claims)


def archive(store: BlobStore, name: str) -> None:
    if isinstance(store, FakeBlobStore):
        store.archive(name)
        return
    _container(store).get_blob_client(name).set_standard_blob_tier("Archive")


def _container(store: BlobStore) -> ContainerClient:
    assert isinstance(store, AzureBlobStore)
    return store._container


ENCODED = {
    "gzip that is gzip": (gzip.compress(b"text"), "gzip"),
    "gzip that is text": (b"text", "gzip"),
    "deflate that is text": (b"text", "deflate"),
    "gzip that is cut": (gzip.compress(b"text" * 99)[:40], "gzip"),
    "two codings": (gzip.compress(gzip.compress(b"text")), "gzip, gzip"),
    "an empty blob": (b"", "gzip"),
    "five megabytes": (gzip.compress(bytes(range(256)) * 20_000, compresslevel=0), "gzip"),
}


@pytest.mark.parametrize("case", ENCODED)
def test_bytes_come_as_they_are_stored_whatever_their_content_encoding_says(store: BlobStore, case: str) -> None:
    data, coding = ENCODED[case]
    upload(store, "a.txt", data, content_type="text/plain; charset=utf-8", content_encoding=coding)
    blob = store.read("a.txt")
    assert blob.data == data
    if data:
        assert (blob.content_type, blob.content_encoding) == ("text/plain; charset=utf-8", coding)


def test_a_blob_without_a_content_encoding_has_none(store: BlobStore) -> None:
    upload(store, "a.txt", b"text", content_type="text/plain")
    assert store.read("a.txt").content_encoding is None


def test_an_archived_blob_is_there_and_cannot_be_read(store: BlobStore) -> None:
    store.put("a.txt", b"text")
    store.put("b.txt", b"text")
    archive(store, "a.txt")
    info = store.find("a.txt")
    assert info is not None
    assert [each.name for each in store.list()] == ["a.txt", "b.txt"]
    for etag in (None, info.etag):
        with pytest.raises(BlobUnreadableError, match=r"a\.txt.*archive tier"):
            store.read("a.txt", etag=etag)
    assert store.read("b.txt").data == b"text"


def test_an_archived_blob_can_be_deleted_and_created_again(store: BlobStore) -> None:
    store.put("a.txt", b"one")
    archive(store, "a.txt")
    assert store.delete("a.txt")
    store.create("a.txt", b"two")
    assert store.read("a.txt").data == b"two"


class OneAnswer(BaseHTTPRequestHandler):
    """A storage service that gives one answer to whatever is asked of a blob, and lists one blob."""

    status, code = 409, ""

    def do_GET(self) -> None:
        if "comp=list" in self.path:
            self._answer(200, LISTING, {"Content-Type": "application/xml"})
        else:
            body = f"<?xml version='1.0'?><Error><Code>{self.code}</Code><Message>no</Message></Error>".encode()
            self._answer(self.status, body, {"x-ms-error-code": self.code, "Content-Type": "application/xml"})

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.do_GET()

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_DELETE(self) -> None:
        self.do_GET()

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


LISTING = (
    b"<?xml version='1.0'?><EnumerationResults><Blobs><Blob><Name>a.txt</Name><Properties>"
    b"<Etag>0x8D</Etag><Last-Modified>Sun, 01 Mar 2026 12:00:00 GMT</Last-Modified>"
    b"<Content-Length>4</Content-Length><BlobType>BlockBlob</BlobType></Properties></Blob></Blobs><NextMarker/></EnumerationResults>"
)


@pytest.fixture
def answering() -> Iterator[Callable[[int, str], AzureBlobStore]]:
    with ThreadingHTTPServer(("127.0.0.1", 0), OneAnswer) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()

        def answer(status: int, code: str) -> AzureBlobStore:
            OneAnswer.status, OneAnswer.code = status, code
            address = f"http://127.0.0.1:{server.server_port}/devstoreaccount1/documents"
            return AzureBlobStore(ContainerClient.from_container_url(address, retry_total=0))

        yield answer
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("code", sorted(ABOUT_ONE_BLOB))
def test_what_storage_says_about_one_blob_is_that_blobs_trouble(
    answering: Callable[[int, str], AzureBlobStore], code: str
) -> None:
    store = answering(412 if code.startswith("Lease") else 409, code)
    with pytest.raises(BlobUnreadableError, match=code):
        store.read("a.txt", etag='"0x8D"')
    with pytest.raises(BlobUnreadableError, match=code):
        store.replace("a.txt", b"two", etag='"0x8D"')
    assert not store.delete("a.txt")
    found = store.find("a.txt")
    assert found is not None
    assert (found.etag, found.size) == ('"0x8D"', 4)
    assert store.find("a.tx") is None


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (403, "AuthorizationPermissionMismatch"),
        (403, "AuthorizationFailure"),
        (401, "NoAuthenticationInformation"),
        (429, "TooManyRequests"),
        (409, "AccountBeingCreated"),
        (409, "ContainerBeingDeleted"),
        (404, "ContainerNotFound"),
        (500, "InternalError"),
        (503, "ServerBusy"),
    ],
)
def test_what_storage_says_about_itself_is_no_answer_about_a_blob(
    answering: Callable[[int, str], AzureBlobStore], status: int, code: str
) -> None:
    store = answering(status, code)
    for ask in (lambda: store.read("a.txt"), lambda: store.find("a.txt")):
        with pytest.raises(StorageUnavailableError):
            ask()
