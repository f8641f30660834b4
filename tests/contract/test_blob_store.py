"""What the ports promise of a container, held by the fake of the tests and by the adapter on real Azurite."""

from __future__ import annotations

import gzip
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from threading import Thread

import pytest
from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient, ContainerClient, ContentSettings

from azurite_process.azurite import Azurite
from shared.errors import BlobNotFoundError, BlobUnreadableError, VersionChangedError
from shared.storage.blobs import ABOUT_ONE_BLOB, AzureBlobStore
from shared.storage.ports import BlobStore
from tests.fakes import FakeBlobStore, VirtualClock, utf16

NAMES = {
    "plain": "letter.txt",
    "spaces": "a letter of May.txt",
    "hash": "invoice #7.txt",
    "percent": "100% sure.txt",
    "percent that looks encoded": "a%20b%2Fc.txt",
    "question mark": "why?.txt",
    "plus and ampersand": "a+b&c=d.txt",
    "quotes": '"quoted" it\'s.txt',
    "brackets": "a[1]{2}(3)<4>.txt",
    "unicode": "Grüße aus 東京.txt",
    "an emoji": "\U0001f600 letter.txt",
    "joined emoji": "\U0001f469\u200d\U0001f467.txt",
    "slashes": "2026/march/letter.txt",
    "a dot at the end of a folder": "a./b.txt",
    "dots": "...txt",
    "a tilde": "~letter~.txt",
    "1,000 characters": "x" * 996 + ".txt",
    "1,024 characters": "x/" * 510 + ".txt",
}


@pytest.fixture(scope="module")
def service(request: pytest.FixtureRequest) -> BlobServiceClient:
    azurite: Azurite = request.getfixturevalue("azurite")
    return BlobServiceClient.from_connection_string(azurite.connection_string)


@pytest.fixture(params=["fake", "azurite"])
def store(request: pytest.FixtureRequest) -> Iterator[BlobStore]:
    if request.param == "fake":
        yield FakeBlobStore("documents", VirtualClock(datetime.now(UTC)))
        return
    service: BlobServiceClient = request.getfixturevalue("service")
    container = service.get_container_client(f"contract-{uuid.uuid4().hex}")
    found = AzureBlobStore(container)
    found.ensure()
    yield found
    container.delete_container()


@pytest.mark.parametrize("case", NAMES)
def test_a_blob_of_any_name_is_written_found_read_listed_and_deleted(store: BlobStore, case: str) -> None:
    name = NAMES[case]
    etag = store.create(name, b"text")
    found = store.find(name)
    assert found is not None
    assert (found.name, found.etag, found.size) == (name, etag, 4)
    assert store.read(name).data == b"text"
    assert [(info.name, info.etag) for info in store.list()] == [(name, etag)]
    assert store.delete(name)
    assert store.find(name) is None


@pytest.mark.parametrize("name", ["..", "./letter.txt", "a/../letter.txt", "../other/letter.txt", "a\\..\\letter.txt"])
def test_a_name_that_climbs_out_of_the_container_is_no_blob(store: BlobStore, name: str) -> None:
    store.put("letter.txt", b"text")
    assert store.find(name) is None
    assert not store.delete(name)
    with pytest.raises(BlobNotFoundError):
        store.read(name)
    with pytest.raises(ValueError, match="no blob can be called"):
        store.put(name, b"text")
    assert [info.name for info in store.list()] == ["letter.txt"]


# ETags


def test_the_etag_is_the_same_with_its_quotes_wherever_it_is_told(store: BlobStore) -> None:
    etag = store.put("a.txt", b"text")
    found = store.find("a.txt")
    (listed,) = store.list()
    assert found is not None
    assert {etag, store.read("a.txt").etag, found.etag, listed.etag} == {etag}
    assert etag.startswith('"')
    assert etag.endswith('"')


def test_every_write_gives_another_etag(store: BlobStore) -> None:
    assert len({store.put("a.txt", b"text") for _ in range(3)}) == 3


def test_an_etag_of_a_listing_is_good_for_a_conditional_read(store: BlobStore) -> None:
    store.put("a.txt", b"text")
    (listed,) = store.list()
    assert store.read("a.txt", etag=listed.etag).data == b"text"


# reading


def test_a_blob_is_read_at_its_etag(store: BlobStore) -> None:
    etag = store.put("a.txt", b"text")
    blob = store.read("a.txt", etag=etag)
    assert (blob.data, blob.etag) == (b"text", etag)


def test_reading_at_an_older_etag_tells_that_the_version_changed(store: BlobStore) -> None:
    older = store.put("a.txt", b"one")
    store.put("a.txt", b"two")
    with pytest.raises(VersionChangedError):
        store.read("a.txt", etag=older)


@pytest.mark.parametrize("etag", [None, '"0x8D"'], ids=["any version", "one version"])
def test_reading_a_blob_that_is_not_there_tells_so(store: BlobStore, etag: str | None) -> None:
    with pytest.raises(BlobNotFoundError):
        store.read("nowhere.txt", etag=etag)


def test_an_empty_blob_is_read_with_and_without_its_etag(store: BlobStore) -> None:
    etag = store.put("empty.txt", b"")
    for blob in (store.read("empty.txt"), store.read("empty.txt", etag=etag)):
        assert (blob.data, blob.etag) == (b"", etag)


def test_an_empty_blob_at_an_older_etag_tells_that_the_version_changed(store: BlobStore) -> None:
    older = store.put("empty.txt", b"one")
    store.put("empty.txt", b"")
    with pytest.raises(VersionChangedError):
        store.read("empty.txt", etag=older)


def test_a_blob_of_four_megabytes_comes_back_whole(store: BlobStore) -> None:
    data = bytes(range(256)) * 16_384
    store.put("large.txt", data)
    assert store.read("large.txt").data == data


# writing


def test_create_refuses_a_blob_that_exists(store: BlobStore) -> None:
    store.create("a.txt", b"one")
    with pytest.raises(VersionChangedError):
        store.create("a.txt", b"two")
    assert store.read("a.txt").data == b"one"


def test_replace_takes_the_version_it_names(store: BlobStore) -> None:
    etag = store.create("a.txt", b"one")
    newer = store.replace("a.txt", b"two", etag=etag)
    assert store.read("a.txt", etag=newer).data == b"two"


def test_replace_refuses_another_version(store: BlobStore) -> None:
    older = store.create("a.txt", b"one")
    store.put("a.txt", b"two")
    with pytest.raises(VersionChangedError):
        store.replace("a.txt", b"three", etag=older)
    assert store.read("a.txt").data == b"two"


def test_replace_refuses_a_blob_that_is_gone(store: BlobStore) -> None:
    etag = store.create("a.txt", b"one")
    store.delete("a.txt")
    with pytest.raises(VersionChangedError):
        store.replace("a.txt", b"two", etag=etag)
    assert store.find("a.txt") is None


def test_put_takes_any_version_and_none(store: BlobStore) -> None:
    store.put("a.txt", b"one")
    store.put("a.txt", b"two")
    assert store.read("a.txt").data == b"two"


# deleting


def test_deleting_tells_whether_it_was_there(store: BlobStore) -> None:
    store.put("a.txt", b"text")
    assert [store.delete("a.txt"), store.delete("a.txt")] == [True, False]


def test_deleting_at_an_older_etag_leaves_the_newer_version(store: BlobStore) -> None:
    older = store.put("a.txt", b"one")
    store.put("a.txt", b"two")
    assert not store.delete("a.txt", etag=older)
    assert store.read("a.txt").data == b"two"


def test_deleting_at_the_current_etag_deletes(store: BlobStore) -> None:
    etag = store.put("a.txt", b"text")
    assert store.delete("a.txt", etag=etag)


# facts and metadata


def test_the_modified_time_has_whole_seconds_and_a_zone(store: BlobStore) -> None:
    store.put("a.txt", b"text")
    found = store.find("a.txt")
    (listed,) = store.list()
    assert found is not None
    assert found.last_modified == listed.last_modified
    assert found.last_modified.microsecond == 0
    assert abs(found.last_modified - datetime.now(UTC)) < timedelta(minutes=1)


METADATA = {"etag": '"0x8DC"', "modified": "2026-03-01T12:00:00+00:00", "job": "", "model": "Briefe%20M%C3%A4rz"}


def test_metadata_comes_back_from_find_and_from_a_listing_that_asks(store: BlobStore) -> None:
    store.create("a.txt", b"text", metadata=METADATA)
    found = store.find("a.txt")
    (listed,) = store.list(metadata=True)
    assert found is not None
    assert dict(found.metadata) == dict(listed.metadata) == METADATA


def test_a_listing_that_does_not_ask_has_no_metadata(store: BlobStore) -> None:
    store.create("a.txt", b"text", metadata=METADATA)
    (listed,) = store.list()
    assert dict(listed.metadata) == {}


Write = Callable[[BlobStore, str], str]

WRITES: dict[str, Write] = {
    "replace": lambda store, etag: store.replace("a.txt", b"two", etag=etag, metadata={"new": "1"}),
    "put": lambda store, _: store.put("a.txt", b"two", metadata={"new": "1"}),
}


@pytest.mark.parametrize("write", WRITES)
def test_a_write_replaces_all_metadata(store: BlobStore, write: str) -> None:
    etag = store.create("a.txt", b"one", metadata={"old": "1"})
    WRITES[write](store, etag)
    found = store.find("a.txt")
    assert found is not None
    assert dict(found.metadata) == {"new": "1"}


def test_a_write_without_metadata_leaves_none(store: BlobStore) -> None:
    store.create("a.txt", b"one", metadata={"old": "1"})
    store.put("a.txt", b"two")
    found = store.find("a.txt")
    assert found is not None
    assert dict(found.metadata) == {}


# listing

ORDER = [
    "%.txt",
    "10.txt",
    "9.txt",
    "A.txt",
    "Z.txt",
    "a b.txt",
    "a!.txt",
    "a.txt",
    "a.txt.b.txt",
    "a.txt.json",
    "a.txt/b.txt",
    "a/b.txt",
    "a/b/c.txt",
    "ab.txt",
    "b.txt",
    "~.txt",
    "é.txt",
    "文.txt",
    "\U0001f600.txt",
    "\uff21.txt",
]


def test_a_listing_is_in_the_order_of_utf_16_code_units(store: BlobStore) -> None:
    """Reconcile merges listings; an order that differs from its own would send documents again for ever."""
    for name in sorted(ORDER, key=len):
        store.put(name, b"x")
    assert [info.name for info in store.list()] == sorted(ORDER, key=utf16)


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [("a/", ["a/b.txt", "a/c.txt"]), ("a", ["a.txt", "a/b.txt", "a/c.txt"]), ("x", []), ("a/b.txt", ["a/b.txt"])],
)
def test_a_listing_is_limited_to_a_prefix(store: BlobStore, prefix: str, expected: list[str]) -> None:
    for name in ("a.txt", "a/b.txt", "a/c.txt", "b.txt"):
        store.put(name, b"x")
    assert [info.name for info in store.list(prefix)] == expected


def test_a_prefix_is_taken_as_it_is_written(store: BlobStore) -> None:
    for name in ("a b#%?.txt", "a b.txt"):
        store.put(name, b"x")
    assert [info.name for info in store.list("a b#%")] == ["a b#%?.txt"]


def test_an_empty_container_lists_nothing(store: BlobStore) -> None:
    assert list(store.list()) == []


def test_a_listing_may_be_left_early(store: BlobStore) -> None:
    for number in range(5):
        store.put(f"{number}.txt", b"x")
    assert [info.name for info in islice(store.list(), 2)] == ["0.txt", "1.txt"]


def test_ensure_may_be_repeated(store: BlobStore) -> None:
    store.put("a.txt", b"text")
    store.ensure()
    assert store.read("a.txt").data == b"text"


# Only the adapter can show these.


def test_a_missing_container_is_no_answer_about_a_blob(service: BlobServiceClient) -> None:
    """Taken for one, the collector would believe its manifest planned, and drop what it acknowledged."""
    store = AzureBlobStore(service.get_container_client(f"missing-{uuid.uuid4().hex}"))
    for ask in (
        lambda: store.read("a.txt"),
        lambda: store.find("a.txt"),
        lambda: store.create("a.txt", b""),
        lambda: store.replace("a.txt", b"", etag='"0x8D"'),
        lambda: store.put("a.txt", b""),
        lambda: store.delete("a.txt"),
        lambda: list(store.list()),
    ):
        with pytest.raises(ResourceNotFoundError):
            ask()


def test_records_are_json_to_whoever_opens_them(service: BlobServiceClient) -> None:
    container = service.get_container_client(f"contract-{uuid.uuid4().hex}")
    store = AzureBlobStore(container)
    store.ensure()
    store.put("a.json", b"{}")
    settings = container.get_blob_client("a.json").get_blob_properties().content_settings
    assert settings.content_type == "application/json; charset=utf-8"


# What uploaders put there, and what storage says about one blob


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
    handler = type("Answer", (OneAnswer,), {})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()

        def answer(status: int, code: str) -> AzureBlobStore:
            handler.status, handler.code = status, code
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
        with pytest.raises(AzureError):
            ask()
