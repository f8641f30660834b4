"""A project's labels: what is stored, what the service reads, and which document is on which side."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from shared.errors import BlobUnreadableError, LabelsFaultyError, LabelsMissingError, StateUnreadableError
from shared.language.authoring_values import LabelledDocument, Project
from shared.language.values import ProjectKind
from shared.models.labels import parse_labels
from shared.models.labels_file import LabelsFile
from shared.models.labels_store import LabelsStore, replaced_labels_blob, stored_labels_blob
from tests.fakes import FakeBlobStore, VirtualClock

PROJECT = Project("letters", ProjectKind.MULTI, "en-us", "training", "labels.json")
WHOLE = stored_labels_blob("letters")
REPLACED = replaced_labels_blob("letters")


class CrashError(BaseException):
    """The process dies."""


@dataclass
class Place:
    """A labels store on fakes; `crash_at` is the number of the call, from 1, after which the process dies."""

    golden_percent: int = 20
    added: list[LabelledDocument] = field(default_factory=list)
    crash_at: int = 0
    calls: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        clock = VirtualClock()
        self.state = FakeBlobStore("state", clock, self._call)
        self.training = FakeBlobStore("training", clock, self._call)

    def _call(self, name: str, effect: Callable[[], Any]) -> Any:
        result = effect()
        self.calls.append(name)
        if len(self.calls) == self.crash_at:
            raise CrashError
        return result

    @property
    def store(self) -> LabelsStore:
        return LabelsStore(self.state, lambda _: self.training, ("training",), self.golden_percent, self._added)

    def _added(self, project: str) -> Sequence[LabelledDocument]:
        return self.added if project == "letters" else ()

    def put(self, labels: LabelsFile, *, service_reads_file: bool = True) -> None:
        self.store.put(PROJECT, labels, service_reads_file=service_reads_file)

    def write_file(self, content: object) -> None:
        """Into the container, as something other than the app does."""
        self.training.write_unhooked("labels.json", json.dumps(content).encode())

    def stored(self) -> set[str]:
        return self._locations(self.state, WHOLE)

    def in_container(self) -> set[str]:
        return self._locations(self.training, "labels.json")

    def _locations(self, store: FakeBlobStore, name: str) -> set[str]:
        return {each["location"] for each in json.loads(store.blobs[name].data)["documents"]}


def document(name: str, *classes: str, dataset: str | None = None) -> LabelledDocument:
    return LabelledDocument(name, "en-us", classes or ("billing",), dataset)


def july(count: int = 40, dataset: str | None = None) -> dict[str, Any]:
    entry = {"culture": "en-us", "intents": [0]} | ({"dataset": dataset} if dataset else {})
    return {
        "intentNames": ["billing", "shipping"],
        "documents": [{"location": f"t{number}.txt", **entry} for number in range(count)],
    }


FILE = parse_labels(july())
ALL = {each.location for each in FILE.documents}
GOLDEN = {each.location for each in Place().store.sides(FILE).golden}
TRAINING = ALL - GOLDEN


def locations(documents: Sequence[LabelledDocument]) -> set[str]:
    return {each.location for each in documents}


def test_the_example_has_documents_on_both_sides() -> None:
    assert len(GOLDEN) >= 5
    assert len(TRAINING) >= 20


# Which file counts


def test_what_was_put_counts_and_is_found_whole() -> None:
    place = Place()
    place.put(FILE)
    assert (place.stored(), place.in_container()) == (ALL, TRAINING)
    assert place.store.find(PROJECT).documents == FILE.documents
    assert locations(place.store.golden(PROJECT)) == GOLDEN


def test_the_file_in_the_container_stays_whole_where_the_service_does_not_read_it() -> None:
    place = Place()
    place.put(FILE, service_reads_file=False)
    assert (place.stored(), place.in_container()) == (ALL, ALL)


def test_the_file_in_the_container_counts_until_labels_are_put() -> None:
    place = Place()
    place.write_file(july(30))
    assert len(place.store.find(PROJECT).documents) == 30
    place.put(FILE)
    assert len(place.store.find(PROJECT).documents) == 40


def test_a_file_that_was_changed_in_the_container_after_labels_were_put_does_not_count_and_that_is_said() -> None:
    place = Place()
    place.put(FILE, service_reads_file=False)
    assert not place.store.get(PROJECT).outdated_file
    place.write_file(july(30))
    found = place.store.get(PROJECT)
    assert (len(found.file.documents), found.outdated_file) == (40, True)
    place.put(parse_labels(july(30)))
    found = place.store.get(PROJECT)
    assert (len(found.file.documents), found.outdated_file) == (30, False)


def test_the_labels_of_another_project_in_the_same_container_are_not_taken_for_this_one_s() -> None:
    place = Place()
    place.put(FILE)
    other = replace(PROJECT, name="other")
    place.store.put(other, parse_labels(july(12)), service_reads_file=False)
    assert (len(place.store.find(PROJECT).documents), len(place.store.find(other).documents)) == (40, 12)


def test_a_project_without_any_labels_file_says_to_put_one() -> None:
    with pytest.raises(LabelsMissingError, match="PUT the project's labels first"):
        Place().store.find(PROJECT)


def test_stored_labels_are_not_used_on_a_container_that_is_not_for_training() -> None:
    place = Place()
    place.put(FILE)
    with pytest.raises(LabelsMissingError, match="may not use container 'documents'"):
        place.store.find(replace(PROJECT, container="documents"))


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"intentNames": ["a"], "documents": [{"location": 5}]}'])
def test_stored_labels_that_cannot_be_read_are_never_taken_for_none(data: bytes) -> None:
    place = Place()
    place.put(FILE)
    place.state.write_unhooked(WHOLE, data)
    for read in (place.store.find, place.store.leave_training_documents):
        with pytest.raises(StateUnreadableError, match=r"labels/letters\.json"):
            read(PROJECT)


# Added labels


def test_an_added_label_replaces_that_of_the_same_location_and_leaves_the_document_on_its_side() -> None:
    place = Place(golden_percent=0)
    place.put(
        parse_labels(july(40, "Test") | {"documents": [*july(20, "Test")["documents"], *july()["documents"][20:]]})
    )
    place.added = [LabelledDocument("t3.txt", "", ("shipping",)), LabelledDocument("t30.txt", "", ("shipping",))]
    found = place.store.get(PROJECT)
    by_location = {each.location: each for each in found.file.documents}
    assert by_location["t3.txt"] == LabelledDocument("t3.txt", "en-us", ("shipping",), "Test")
    assert by_location["t30.txt"] == LabelledDocument("t30.txt", "en-us", ("shipping",), None)
    assert len(by_location) == len(found.file.documents) == 40
    assert locations(found.sides.golden) == {f"t{number}.txt" for number in range(20)}


def test_added_documents_and_classes_come_after_those_of_the_file() -> None:
    place = Place()
    place.put(FILE)
    place.added = [document("a.txt", "legal"), document("b.txt", "billing", "legal")]
    found = place.store.find(PROJECT)
    assert found.classes == ["billing", "shipping", "legal"]
    assert [each.location for each in found.documents[-2:]] == ["a.txt", "b.txt"]


def test_an_added_label_s_own_language_and_side_go_before_those_of_the_file() -> None:
    place = Place()
    place.put(FILE)
    added = LabelledDocument("t3.txt", "de", ("shipping",), "Test")
    place.added = [added]
    assert added in place.store.find(PROJECT).documents


def test_of_two_added_labels_of_one_location_the_later_counts() -> None:
    place = Place()
    place.put(FILE)
    place.added = [document("a.txt", "billing"), document("a.txt", "shipping")]
    found = [each.classes for each in place.store.find(PROJECT).documents if each.location == "a.txt"]
    assert found == [("shipping",)]


def test_added_labels_move_no_document_to_the_other_side() -> None:
    place = Place()
    place.put(FILE)
    before = place.store.get(PROJECT).sides
    place.added = [document(f"added{number}.txt") for number in range(40)]
    after = place.store.get(PROJECT).sides
    assert locations(before.golden) < locations(after.golden)
    assert locations(before.training) < locations(after.training)


def test_an_added_label_that_the_project_s_kind_does_not_take_is_named() -> None:
    place = Place()
    place.put(FILE)
    place.added = [document("a.txt", "billing", "shipping")]
    with pytest.raises(LabelsFaultyError, match=r"added\[0\]: 'a\.txt' has 2 classes"):
        place.store.find(replace(PROJECT, kind=ProjectKind.SINGLE))


def test_labels_that_leave_nothing_to_train_on_are_refused() -> None:
    place = Place()
    place.put(parse_labels(july(12, "Test")), service_reads_file=False)
    with pytest.raises(LabelsFaultyError, match="all 12 documents are golden, and none is left to train on"):
        place.store.get(PROJECT)


# The file that the service reads


def test_the_service_finds_only_the_documents_to_train_on_and_no_label_is_lost() -> None:
    place = Place()
    place.write_file(july())
    left = place.store.leave_training_documents(PROJECT)
    assert (place.in_container(), place.stored()) == (TRAINING, ALL)
    assert locations(left.sides.golden) == GOLDEN
    assert place.store.leave_training_documents(PROJECT) == left
    assert (place.in_container(), place.stored()) == (TRAINING, ALL)


def test_added_labels_are_in_the_file_that_the_service_reads_and_not_in_what_is_stored() -> None:
    place = Place()
    place.put(FILE)
    place.added = [document(f"added{number}.txt", "legal") for number in range(20)]
    sides = place.store.leave_training_documents(PROJECT).sides
    assert place.in_container() == locations(sides.training) > TRAINING
    assert place.stored() == ALL
    place.added = []
    place.store.leave_training_documents(PROJECT)
    assert place.in_container() == TRAINING


def test_a_file_of_which_nothing_is_golden_and_that_was_never_put_stays_as_it_is() -> None:
    place = Place(golden_percent=0)
    place.write_file(july())
    before = place.training.blobs["labels.json"]
    place.store.leave_training_documents(PROJECT)
    assert place.training.blobs["labels.json"] is before
    assert WHOLE not in place.state.blobs


def test_the_file_is_whole_again_once_golden_documents_are_turned_off() -> None:
    place = Place()
    place.put(FILE)
    place.golden_percent = 0
    place.store.leave_training_documents(PROJECT)
    assert place.in_container() == ALL


def test_a_document_that_the_file_says_is_for_testing_is_left_out_whatever_the_percentage() -> None:
    place = Place(golden_percent=0)
    place.write_file(july() | {"documents": [*july(5, "Test")["documents"], *july()["documents"][5:]]})
    place.store.leave_training_documents(PROJECT)
    assert place.in_container() == {f"t{number}.txt" for number in range(5, 40)}


def test_what_something_else_wrote_over_the_file_is_kept_and_that_it_does_not_count_is_said() -> None:
    place = Place()
    place.put(FILE)
    place.write_file(july(30))
    assert place.store.leave_training_documents(PROJECT).outdated_file
    assert json.loads(place.state.blobs[REPLACED].data) == july(30)
    assert place.in_container() == TRAINING
    assert not place.store.leave_training_documents(PROJECT).outdated_file


def test_a_file_that_is_gone_is_written_again() -> None:
    place = Place()
    place.put(FILE)
    place.training._delete("labels.json", None)
    assert not place.store.leave_training_documents(PROJECT).outdated_file
    assert place.in_container() == TRAINING


def test_labels_that_are_put_while_a_file_is_stored_for_the_first_time_are_the_ones_that_count() -> None:
    place = Place()
    place.write_file(july(30))
    create = place.state.create

    def create_too_late(name: str, data: bytes, **kwargs: Any) -> str:
        place.state.create = create  # type: ignore[method-assign]
        place.put(FILE)
        return create(name, data, **kwargs)

    place.state.create = create_too_late  # type: ignore[method-assign]
    place.store.leave_training_documents(PROJECT)
    assert (place.in_container(), place.stored()) == (TRAINING, ALL)


def test_a_file_that_storage_does_not_let_go_ends_with_its_reason() -> None:
    place = Place()
    place.put(FILE)
    place.training.archive("labels.json")
    with pytest.raises(
        LabelsMissingError, match=r"'labels\.json' of the container 'training' cannot be replaced: .*archive"
    ):
        place.store.leave_training_documents(PROJECT)
    with pytest.raises(BlobUnreadableError):
        place.put(FILE)


# Crashes

FIRST_TIME = {"never put": lambda place: place.write_file(july()), "put": lambda place: place.put(FILE)}
BEFORE = FIRST_TIME | {
    "put and replaced": lambda place: (place.put(FILE), place.write_file(july(30))),
    "of another time": lambda place: place.put(parse_labels(july(30))),
}
ACTS: dict[str, Callable[[Place], object]] = {
    "leave": lambda place: place.store.leave_training_documents(PROJECT),
    "put": lambda place: place.put(FILE),
}


def crashed(before: Callable[[Place], object], act: Callable[[Place], object], number: int) -> Place | None:
    """After a crash behind the call of that number; None when there are not so many."""
    place = Place()
    before(place)
    place.crash_at = len(place.calls) + number
    try:
        act(place)
    except CrashError:
        return place
    return None


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("before", BEFORE)
def test_a_crash_at_any_call_loses_no_label_and_shows_no_golden_document_once_repeated(before: str, act: str) -> None:
    number = 0
    while (place := crashed(BEFORE[before], ACTS[act], number := number + 1)) is not None:
        whole = locations(place.store.find(PROJECT).documents)
        assert whole >= {f"t{each}.txt" for each in range(30)}, number
        if before == "put and replaced" and place.in_container() == TRAINING and act == "leave":
            assert json.loads(place.state.blobs[REPLACED].data) == july(30)
        ACTS[act](place)
        expected = ALL if act == "put" or before != "of another time" else set(list_of(30))
        assert (place.stored(), place.in_container()) == (expected, expected - GOLDEN), number
        if before == "never put":
            assert REPLACED not in place.state.blobs, number
    assert number > 2


def list_of(count: int) -> list[str]:
    return [f"t{number}.txt" for number in range(count)]


# Deleting a project


def test_a_deleted_project_leaves_its_whole_labels_file_and_nothing_stored() -> None:
    place = Place()
    place.put(FILE)
    place.store.restore_file(PROJECT)
    place.store.delete("letters")
    assert place.in_container() == ALL
    assert WHOLE not in place.state.blobs


def test_a_file_of_something_else_is_left_alone_when_its_project_is_deleted() -> None:
    place = Place()
    place.put(FILE)
    place.write_file(july(30))
    place.store.restore_file(PROJECT)
    place.store.restore_file(replace(PROJECT, container="documents"))
    assert place.in_container() == set(list_of(30))
