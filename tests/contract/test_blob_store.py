"""What the ports promise of a container, held by the fake of the tests and by the adapter on real Azurite."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest
from azure.storage.blob import BlobProperties, BlobServiceClient

from shared.errors import BlobNotFoundError, StorageUnavailableError, VersionChangedError
from shared.storage.blobs import AzureBlobStore
from shared.storage.ports import BlobInfo, BlobStore
from tests.fakes import utf16

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


def test_a_listing_is_read_in_pages_and_goes_on_where_a_page_ended(store: BlobStore) -> None:
    for number in range(5):
        store.put(f"{number}.txt", b"x", metadata={"number": str(number)})
    first = store.list_page(limit=2)
    second = store.list_page(limit=2, token=first.token)
    last = store.list_page(limit=2, token=second.token)
    assert [[info.name for info in page.infos] for page in (first, second, last)] == [
        ["0.txt", "1.txt"],
        ["2.txt", "3.txt"],
        ["4.txt"],
    ]
    assert last.token is None
    assert [dict(info.metadata) for info in first.infos] == [{"number": "0"}, {"number": "1"}]
    assert dict(store.list_page(limit=1, metadata=False).infos[0].metadata) == {}


def test_a_page_is_limited_to_a_prefix(store: BlobStore) -> None:
    for name in ("a/1.txt", "a/2.txt", "a/3.txt", "b.txt"):
        store.put(name, b"x")
    first = store.list_page("a/", limit=2)
    assert [info.name for info in store.list_page("a/", limit=2, token=first.token).infos] == ["a/3.txt"]


def test_the_place_of_a_page_stays_when_what_is_around_it_is_deleted_and_written(store: BlobStore) -> None:
    """A walk keeps it for hours: what it skipped or read twice would be a document lost or sent again."""
    for number in range(10, 20):
        store.put(f"{number}.txt", b"x")
    token = store.list_page(limit=5).token
    for name in ("13.txt", "14.txt", "15.txt"):
        store.delete(name)
    for name in ("11a.txt", "15a.txt"):
        store.put(name, b"x")
    expected = ["15a.txt", "16.txt", "17.txt"]
    assert [info.name for info in store.list_page(limit=3, token=token).infos] == expected
    assert [info.name for info in store.list_page(limit=3, token=token).infos] == expected, "and it may be used again"


def test_an_empty_page_has_no_next_one(store: BlobStore) -> None:
    page = store.list_page("nothing/")
    assert (page.infos, page.token) == ([], None)


def test_ensure_may_be_repeated(store: BlobStore) -> None:
    store.put("a.txt", b"text")
    store.ensure()
    assert store.read("a.txt").data == b"text"


# Only the adapter can show these.


@pytest.mark.parametrize("metadata", [False, True], ids=["without metadata", "with metadata"])
def test_a_listing_says_of_each_blob_what_the_sdk_would_say(service: BlobServiceClient, metadata: bool) -> None:
    container = service.get_container_client(f"contract-{uuid.uuid4().hex}")
    store = AzureBlobStore(container)
    store.ensure()
    for number, name in enumerate(ORDER):
        store.put(name, b"x" * number, metadata=METADATA if number % 2 else None)
    store.put("<&>\"'.txt", b"x")
    expected = [
        BlobInfo(
            name=each.name,
            etag=f'"{each.etag}"',
            last_modified=each.last_modified,
            size=each.size,
            metadata={key: value or "" for key, value in (each.metadata or {}).items()},
        )
        for each in container.list_blobs(include=["metadata"] if metadata else None)
    ]
    assert list(store.list(metadata=metadata)) == expected
    assert sum(bool(each.metadata) for each in expected) == (len(ORDER) // 2 if metadata else 0)


def test_a_listing_is_not_unpacked_by_the_sdk_as_well(
    service: BlobServiceClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An object for each blob costs ten times what is used of it; nothing but the bill would show it."""
    container = service.get_container_client(f"contract-{uuid.uuid4().hex}")
    store = AzureBlobStore(container)
    store.ensure()
    for number in range(5):
        store.put(f"{number}.txt", b"x")
    made: list[BlobProperties] = []
    make = BlobProperties.__init__

    def count(self: BlobProperties, **members: Any) -> None:
        made.append(self)
        make(self, **members)

    monkeypatch.setattr(BlobProperties, "__init__", count)
    assert len(list(store.list(metadata=True))) == 5
    assert made == []
    assert len(list(container.list_blobs())) == len(made) == 5, "the test counts what the SDK makes"


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
        with pytest.raises(StorageUnavailableError):
            ask()


def test_records_are_json_to_whoever_opens_them(service: BlobServiceClient) -> None:
    container = service.get_container_client(f"contract-{uuid.uuid4().hex}")
    store = AzureBlobStore(container)
    store.ensure()
    store.put("a.json", b"{}")
    settings = container.get_blob_client("a.json").get_blob_properties().content_settings
    assert settings.content_type == "application/json; charset=utf-8"
