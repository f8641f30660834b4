"""One document's trouble stays its own: its neighbours, its other record, the labels file and the answer about it."""

from __future__ import annotations

import logging

import pytest

from shared.documents.ref import DocumentRef, record_name
from shared.errors import LabelsRefusedError
from shared.language.authoring_values import Project
from shared.language.values import ProjectKind
from tests.fakes import FakeBlobStore
from tests.faults.disturbed import DisturbedWorld
from tests.unit.documents.odd_documents import GOOD, NEIGHBOURS, ODD

NAME = "letter.txt"


def test_each_odd_document_of_a_batch_of_25_has_its_own_end_and_its_neighbours_are_classified() -> None:
    world = DisturbedWorld()
    documents = world.stores["documents"]
    for name, odd in ODD.items():
        documents.upload(f"{name}.txt", odd.data, content_type=odd.content_type, content_encoding=odd.coding)
        if odd.is_archived:
            documents.archive(f"{name}.txt")
    for name in NEIGHBOURS:
        documents.upload(f"{name}.txt", GOOD)
    for info in documents.list():
        world.raise_event(DocumentRef(name=info.name, etag=info.etag, last_modified=info.last_modified, size=info.size))
    world.run()

    assert [len(batch.documents) for batch in world.closed_batches()] == [25]
    assert world.violations() == []
    ends: dict[str, object] = {}
    for name in ODD:
        if (failure := world.failure(f"{name}.txt")) is not None:
            ends[name] = failure.code.value
        elif (classification := world.classification(f"{name}.txt")) is not None:
            ends[name] = tuple(warning.code for warning in classification.warnings)
    assert ends == {name: odd.ends for name, odd in ODD.items()}
    for name in NEIGHBOURS:
        found = world.classification(f"{name}.txt")
        assert found is not None
        assert [each.name for each in found.classes] == ["billing"]


def test_the_failure_says_why_storage_does_not_give_the_document() -> None:
    world = DisturbedWorld()
    document = world.upload(NAME, "billing")
    world.stores["documents"].archive(NAME)
    world.run()
    failure = world.failure(NAME)
    assert failure is not None
    assert failure.document == document
    assert "archive tier" in failure.message


def test_storage_that_does_not_answer_is_no_document_s_fault() -> None:
    """The message comes back; were it a failure record, an outage would fail whatever is under way."""
    failing = 3

    def disturb(name: str) -> None:
        nonlocal failing
        if name == "documents.read" and failing:
            failing -= 1
            raise ConnectionError("storage does not answer")

    world = DisturbedWorld(disturb=disturb)
    world.upload(NAME, "billing")
    world.run()
    assert (world.classified(), world.failure_codes(), failing) == ([record_name(NAME)], [], 0)


# records that cannot be read


def test_an_archived_record_gives_way_to_the_newer_version() -> None:
    world = DisturbedWorld()
    world.upload(NAME, "billing")
    world.run()
    world.stores["classifications"].archive(record_name(NAME))
    newer = world.upload(NAME, "billing and shipping")
    world.run()
    record = world.classification(NAME)
    assert record is not None
    assert record.document == newer
    assert world.violations() == []


def test_an_archived_failure_record_gives_way_too() -> None:
    world = DisturbedWorld()
    world.upload(NAME, b"\xff\xfe\x00")
    world.run()
    world.stores["failures"].archive(record_name(NAME))
    newer = world.upload(NAME, b"\xff\xfe\x00\x00\x01")
    world.run()
    failure = world.failure(NAME)
    assert failure is not None
    assert failure.document == newer


class Leased(FakeBlobStore):
    """A container whose blobs somebody holds leases on: they are neither replaced nor deleted."""

    held = False

    def _write(self, name: str, *args: object, **options: object) -> str:
        if self.held and name in self._blobs:
            self.archive(name)
        return super()._write(name, *args, **options)  # type: ignore[arg-type]

    def _delete(self, name: str, etag: str | None) -> bool:
        return not self.held and super()._delete(name, etag)


def test_a_record_that_can_neither_be_replaced_nor_go_harms_no_other_record() -> None:
    world = DisturbedWorld()
    held = Leased("classifications", world.clock, world.call)
    world.stores["classifications"] = held
    world.start_process()
    world.upload(NAME, "billing")
    world.run()
    held.held = True
    newer = world.upload(NAME, "billing anew")
    names = world.upload_letters(24)
    world.run()
    failure = world.failure(NAME)
    assert failure is not None
    assert failure.document == newer
    assert "cannot be replaced" in failure.message
    assert {record_name(name) for name in names} < {*world.classified()}
    assert world.poison == []


DAMAGED = {
    "cut": b'{"schema": 1, "status',
    "empty": b"",
    "of another kind": b'{"status": "failed"}',
    "no JSON": b"\x1f\x8b",
}


@pytest.mark.parametrize("damage", DAMAGED)
@pytest.mark.parametrize("kind", ["classifications", "failures"])
def test_a_damaged_record_does_not_break_the_answer_about_its_document(
    kind: str, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    world = DisturbedWorld()
    world.upload(NAME, "billing")
    world.run()
    world.stores[kind].upload(record_name(NAME), DAMAGED[damage], content_encoding="gzip")
    with caplog.at_level(logging.WARNING):
        status = world.services.document_report(NAME)
    assert status is not None
    assert status.state == ("waiting" if kind == "classifications" else "classified")
    assert "record_unreadable" in caplog.text


def test_an_archived_record_is_told_from_its_metadata() -> None:
    world = DisturbedWorld()
    world.upload(NAME, "billing")
    world.run()
    world.stores["classifications"].archive(record_name(NAME))
    status = world.services.document_report(NAME)
    assert status is not None
    assert (status.state, status.classification) == ("classified", None)
    assert "cannot be read" in status.why


# training documents


def labels_of(*locations: str) -> dict[str, object]:
    return {
        "extractors": [],
        "classifiers": [{"name": "billing"}, {"name": "post"}],
        "documents": [
            {
                "location": each,
                "language": "en-us",
                "classifiers": [{"classifierName": "billing"}, {"classifierName": "post"}],
            }
            for each in locations
        ],
    }


def test_a_training_document_that_cannot_be_read_is_a_problem_at_its_place() -> None:
    world = DisturbedWorld()
    training = world.stores["training"] = FakeBlobStore("training", world.clock)
    good = [f"good-{number}.txt" for number in range(10)]
    for name in good:
        training.put(name, GOOD)
    training.upload("archived.txt", GOOD)
    training.archive("archived.txt")
    training.upload("cut.txt", ODD["cut gzip"].data, content_encoding="gzip")
    training.upload("bomb.txt", ODD["a bomb"].data, content_encoding="gzip")
    training.upload("called-gzip.txt", GOOD, content_encoding="gzip")
    project = Project(name="letters", kind=ProjectKind.MULTI, language="en-us", container="training")
    labels = labels_of(*good, "archived.txt", "cut.txt", "bomb.txt", "called-gzip.txt")
    with pytest.raises(LabelsRefusedError) as caught:
        world.services.projects.put_labels(project, labels)
    problems = {problem.place: problem.what for problem in caught.value.problems}
    assert list(problems) == ["documents[10]", "documents[11]", "documents[12]"]
    assert "archive tier" in problems["documents[10]"]
    assert "gzip stream is cut" in problems["documents[11]"]
    assert "PIPELINE_MAX_DOCUMENT_BYTES" in problems["documents[12]"]
