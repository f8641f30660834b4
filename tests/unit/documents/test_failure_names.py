"""What a process knows of the failure records, while one of its threads lists them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from shared.documents.failure_names import LISTED_FOR, FailureNames
from shared.errors import StorageUnavailableError
from shared.storage.ports import BlobInfo
from tests.fakes import START, FakeBlobStore


class ListedSlowly(FakeBlobStore):
    """Something happens while the names are listed."""

    meanwhile: Callable[[], object] = staticmethod(lambda: None)

    def list(self, *arguments: object, **options: object) -> Iterator[BlobInfo]:
        found = list(super().list(*arguments, **options))  # type: ignore[arg-type]
        self.meanwhile()
        yield from found


@pytest.fixture
def store() -> ListedSlowly:
    store = ListedSlowly("failures", lambda: START)
    store.put("old.txt.json", b"{}")
    return store


def test_nobody_waits_for_the_listing_of_another_thread_and_nothing_is_missed(store: ListedSlowly) -> None:
    names = FailureNames(store, lambda: START)
    meanwhile: list[list[str]] = []
    store.meanwhile = lambda: meanwhile.append(names.which_may_exist(["old.txt.json", "none.txt.json"]))

    assert names.which_may_exist(["old.txt.json", "none.txt.json"]) == ["old.txt.json"]
    # Before anything was listed, each may exist.
    assert meanwhile == [["old.txt.json", "none.txt.json"]]


def test_while_the_names_are_listed_again_the_old_list_counts(store: ListedSlowly) -> None:
    now = START
    names = FailureNames(store, lambda: now)
    names.which_may_exist([])
    now += LISTED_FOR
    meanwhile: list[list[str]] = []
    store.meanwhile = lambda: meanwhile.append(names.which_may_exist(["old.txt.json", "none.txt.json"]))

    names.which_may_exist([])
    assert meanwhile == [["old.txt.json"]]


@pytest.mark.parametrize("moment", ["before", "meanwhile"])
def test_a_record_that_is_noted_and_written_after_the_listing_is_known(store: ListedSlowly, moment: str) -> None:
    names = FailureNames(store, lambda: START)
    if moment == "before":
        names.written("new.txt.json")
    else:
        store.meanwhile = lambda: names.written("new.txt.json")

    names.which_may_exist([])
    assert names.which_may_exist(["new.txt.json", "none.txt.json"]) == ["new.txt.json"]


def test_a_listing_that_storage_refuses_is_tried_again_and_forgets_no_note(store: ListedSlowly) -> None:
    def refused() -> None:
        raise StorageUnavailableError("not now")

    names = FailureNames(store, lambda: START)
    names.written("new.txt.json")
    store.meanwhile = refused
    with pytest.raises(StorageUnavailableError):
        names.which_may_exist(["new.txt.json"])

    store.meanwhile = lambda: None
    assert names.which_may_exist(["old.txt.json", "new.txt.json", "none.txt.json"]) == ["old.txt.json", "new.txt.json"]


def test_a_note_lasts_until_a_listing_that_began_after_it(store: ListedSlowly) -> None:
    now = START
    names = FailureNames(store, lambda: now)
    names.written("gone.txt.json")
    for expected in (["gone.txt.json"], []):
        assert names.which_may_exist(["gone.txt.json"]) == expected
        now += LISTED_FOR + timedelta(seconds=1)
