"""Classifying again what has a record: what is counted, what is sent, and how the version is known. On fakes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from shared.errors import ConfirmationNeededError, OperationRunningError
from shared.language.values import ModelRef, ProjectKind
from shared.messages import Message
from shared.models.active_model import ActiveModelRecord
from shared.operations.operation import Operation, OperationState, Reclassify, ReclassifyRequest
from shared.operations.reclassify import RECLASSIFY_PROJECT
from shared.storage.ports import SentMessage
from tests.unit.operations.operations_world import OperationsWorld

LIMIT = 5
NAMES = ["a/1.txt", "a/2.txt", "b/1.txt", "b/2.txt", "b/3.txt"]


@pytest.fixture(params=["2021-preview", "2023-04-01"])
def world(request: pytest.FixtureRequest) -> OperationsWorld:
    """Five documents classified by `first`, under prefixes `a/` (2) and `b/` (3)."""
    world = OperationsWorld(api_version=request.param, changes={"reclassify_limit": LIMIT})
    world.publish("first")
    upload(world, *NAMES)
    return world


def upload(world: OperationsWorld, *names: str) -> None:
    for name in names:
        world.upload(name, f"{name} about billing")
    world.run()


def count(world: OperationsWorld, **request: object) -> int:
    return world.services.reclassification.count(ReclassifyRequest.model_validate(request))


def start(world: OperationsWorld, **request: object) -> Operation:
    return world.services.reclassification.start(ReclassifyRequest.model_validate(request))


def reclassify(world: OperationsWorld, **request: object) -> Reclassify:
    """To its end, and everything it sent to its end too."""
    ended = world.finish(start(world, **request))
    assert isinstance(ended, Reclassify)
    return ended


def times_classified(world: OperationsWorld) -> dict[str, int]:
    """How often the service was sent each document's text."""
    return {name: world.service.submissions[f"{name} about billing"] for name in world.stores["documents"]._blobs}


def age(world: OperationsWorld, name: str, **metadata: str | None) -> None:
    """Change the metadata of a record, as an older release or somebody's tool may have left them; None removes."""
    blob = world.stores["classifications"]._blobs[f"{name}.json"]
    changed = {key: value for key, value in (dict(blob.info.metadata) | metadata).items() if value is not None}
    world.stores["classifications"]._write(f"{name}.json", blob.data, changed, must_be="*")


# What is counted

COUNTS: dict[str, tuple[dict[str, Any], int]] = {
    "everything": ({}, 5),
    "a prefix": ({"prefix": "a/"}, 2),
    "a prefix that no document has": ({"prefix": "c/"}, 0),
    "records by the active model": ({"older_than_model": True}, 0),
    "records by the model named": ({"older_than_model": "first"}, 0),
    "records by others than a model nobody used": ({"older_than_model": "never"}, 5),
    "not by the model": ({"older_than_model": False}, 5),
    "failures, of which there are none": ({"failed": True}, 0),
}


@pytest.mark.parametrize("case", COUNTS)
def test_a_request_counts_what_it_would_send(world: OperationsWorld, case: str) -> None:
    request, expected = COUNTS[case]
    assert count(world, **request) == expected
    assert set(times_classified(world).values()) == {1}


@pytest.mark.parametrize("case", COUNTS)
def test_a_reclassification_sends_what_it_counted(world: OperationsWorld, case: str) -> None:
    request, expected = COUNTS[case]
    ended = reclassify(world, **request)
    assert (ended.state, ended.sent, ended.total, ended.percent) == (OperationState.SUCCEEDED, expected, expected, 100)
    assert ended.reason == f"sent {expected} of {expected}"
    assert sum(times_classified(world).values()) == len(NAMES) + expected
    assert world.violations() == world.untruthful() == []


def test_only_records_by_older_models_are_classified_again(world: OperationsWorld) -> None:
    world.publish("second")
    upload(world, "b/4.txt")
    assert count(world, older_than_model=True) == 5
    assert count(world, older_than_model="first") == 1
    ended = reclassify(world, older_than_model=True, prefix="b/")
    assert (ended.model, ended.seen, ended.sent) == ("second", 4, 3)
    labels = {record.document.name: record.model.label for record in world.records()}
    assert labels == dict.fromkeys(["a/1.txt", "a/2.txt"], "first") | dict.fromkeys(
        ["b/1.txt", "b/2.txt", "b/3.txt", "b/4.txt"], "second"
    )
    assert times_classified(world)["b/4.txt"] == 1


def test_only_records_with_the_decision_named_are_counted_and_classified_again(world: OperationsWorld) -> None:
    age(world, "a/1.txt", decision="review")
    age(world, "b/1.txt", decision="review")
    age(world, "b/2.txt", decision="accepted")
    age(world, "b/3.txt", decision="odd")
    assert [count(world, decision=each) for each in ("review", "accepted", None)] == [2, 1, 5]
    assert count(world, decision="review", prefix="b/") == 1
    ended = reclassify(world, decision="review")
    assert (ended.state, ended.total, ended.sent, ended.seen) == (OperationState.SUCCEEDED, 2, 2, 5)
    assert {name for name, times in times_classified(world).items() if times == 2} == {"a/1.txt", "b/1.txt"}


def test_older_than_the_active_model_means_the_same_while_submissions_are_held(world: OperationsWorld) -> None:
    request = ReclassifyRequest(older_than_model=True)
    world.services.active_model.hold()
    assert world.in_use() is None
    assert world.services.reclassification.excepted_model(request) == "first"


def test_without_a_model_in_use_older_than_it_takes_every_record(world: OperationsWorld) -> None:
    world.services.active_model.remove("letters")
    assert count(world, older_than_model=True) == 5


def test_the_model_excepted_is_the_one_that_was_active_at_the_start(world: OperationsWorld) -> None:
    model = ModelRef(project="letters", kind=ProjectKind.MULTI, reference="x", label="other")
    operation = start(world, older_than_model="second")
    world.services.active_model.switch(
        ActiveModelRecord(model=model, api_version=world.api_version, published=world.clock())
    )
    found = world.find(operation)
    assert isinstance(found, Reclassify)
    assert found.model == "second"


def test_failed_documents_are_sent_again_and_their_failures_give_way(world: OperationsWorld) -> None:
    world.upload("a/bad.txt", b" ")
    world.run()
    assert world.failure("a/bad.txt") is not None
    assert count(world, failed=True) == 1
    ended = reclassify(world, failed=True)
    assert ended.sent == 1
    assert world.failure("a/bad.txt") is not None
    assert set(times_classified(world).values()) == {0, 1}
    assert world.violations() == []


# The limit


def test_more_than_the_limit_needs_a_confirmation(world: OperationsWorld) -> None:
    upload(world, "b/6.txt")
    with pytest.raises(ConfirmationNeededError, match=r"6 documents would be classified again") as refused:
        start(world)
    assert refused.value.count == LIMIT + 1
    assert world.locks() == []
    assert world.queues["operations"].length() == 0
    assert reclassify(world, confirm=True).sent == LIMIT + 1


def test_exactly_the_limit_needs_none(world: OperationsWorld) -> None:
    assert reclassify(world).sent == LIMIT


def test_one_reclassification_runs_at_a_time_beside_the_operations_of_projects(world: OperationsWorld) -> None:
    first = start(world)
    with pytest.raises(OperationRunningError) as refused:
        start(world, prefix="a/")
    assert refused.value.operation_id == first.id
    assert world.publish("second").state is OperationState.SUCCEEDED
    assert world.find(first).state is OperationState.SUCCEEDED
    assert [each.id for each in world.services.operations.list(RECLASSIFY_PROJECT)] == [first.id]


@pytest.mark.parametrize("body", [{"older": "first"}, {"prefix": 3}, {"older_than_model": 3.5}, {"confirm": "perhaps"}])
def test_a_request_that_is_not_understood_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ReclassifyRequest.model_validate(body)


# Pages, crashes, cancelling


def paged(world: OperationsWorld) -> None:
    world.stores["classifications"].page_size = 2


def test_a_long_listing_is_sent_page_by_page_a_message_each(world: OperationsWorld) -> None:
    paged(world)
    ended = reclassify(world)
    assert [event.what for event in ended.history] == [f"send_page: sent {sent} of 5" for sent in (2, 4, 5)]
    assert (ended.seen, ended.sent) == (5, 5)
    assert set(times_classified(world).values()) == {2}


def test_progress_is_told_in_percent_of_what_was_counted(world: OperationsWorld) -> None:
    paged(world)
    operation = start(world)
    told = []
    while not (found := world.find(operation)).is_ended:
        told.append(found.percent)
        world.deliver_next()
    assert [*dict.fromkeys([*told, found.percent])] == [None, 40, 80, 100]


def count_sent(world: OperationsWorld) -> list[Message]:
    """The messages that are sent to the documents queue from now on."""
    queue = world.queues["documents"]
    sent: list[Message] = []
    send = queue.send

    def note(message: Message, *, delay: timedelta = timedelta(0)) -> SentMessage:
        sent.append(message)
        return send(message, delay=delay)

    queue.send = note  # type: ignore[method-assign]
    return sent


def test_a_crash_at_any_call_loses_no_document_and_repeats_a_page_at_most(world: OperationsWorld) -> None:
    def fresh() -> OperationsWorld:
        again = OperationsWorld(api_version=world.api_version, changes={"reclassify_limit": LIMIT})
        again.publish("first")
        upload(again, *NAMES)
        paged(again)
        return again

    paged(world)
    before = world.calls
    operation = start(world)
    started = world.calls - before
    while not world.find(operation).is_ended:
        world.deliver_next()
    calls = world.calls - before
    assert calls - started > 15
    for number in range(started + 1, calls + 1):
        for moment in ("before", "after"):
            crashed = fresh()
            begun = crashed.calls
            operation = start(crashed)
            sent = count_sent(crashed)
            crashed.crash_at = (begun + number, moment)
            ended = crashed.finish(operation)
            assert isinstance(ended, Reclassify)
            assert crashed.crashes == 1
            assert (ended.state, ended.sent) == (OperationState.SUCCEEDED, len(NAMES)), number
            assert len(NAMES) <= len(sent) <= len(NAMES) + 2, number
            assert min(times_classified(crashed).values()) >= 2, number
            assert crashed.locks() == crashed.violations() == []


def test_a_reclassification_can_be_cancelled_between_two_pages(world: OperationsWorld) -> None:
    paged(world)
    operation = start(world)
    world.deliver_next()
    assert world.services.operations.cancel(operation.id) is not None
    ended = world.finish(operation)
    assert isinstance(ended, Reclassify)
    assert (ended.state, ended.sent) == (OperationState.CANCELLED, 2)
    assert sum(times_classified(world).values()) == len(NAMES) + 2
    assert world.locks() == []


def test_a_reclassification_leaves_a_publication_s_hold_alone(world: OperationsWorld) -> None:
    world.services.active_model.hold()
    operation = start(world)
    while not world.find(operation).is_ended:
        world.deliver_next()
    assert world.in_use() is None


# Which version is sent

LONG = "n" * 1_020 + ".txt"
LEFT: dict[str, dict[str, str | None]] = {
    "no metadata at all": dict.fromkeys(("etag", "modified", "size", "batch", "planned", "model")),
    "no ETag": {"etag": None},
    "no time": {"modified": None},
    "a time that is none": {"modified": "yesterday"},
    "a time without a zone": {"modified": "2026-03-01T12:00:00"},
    "no size": {"size": None},
    "a size that is none": {"size": "big"},
    "a model's label that is not ours": {"model": "%FF"},
    "an ETag that is none": {"etag": "odd"},
    "a size that no blob has": {"size": "-1"},
}


@pytest.mark.parametrize("case", LEFT)
def test_where_metadata_do_not_tell_the_version_the_record_does(world: OperationsWorld, case: str) -> None:
    age(world, "a/1.txt", **LEFT[case])
    ended = reclassify(world, prefix="a/")
    assert (ended.state, ended.sent) == (OperationState.SUCCEEDED, 2)
    assert times_classified(world)["a/1.txt"] == 2
    assert world.violations() == []


@pytest.mark.parametrize("name", [LONG, "n" * 985 + "~" + "n" * 20 + ".txt"], ids=["cut", "looks cut"])
def test_a_document_whose_name_is_cut_in_its_record_s_is_found(world: OperationsWorld, name: str) -> None:
    upload(world, name)
    ended = reclassify(world, prefix="nnn")
    assert (ended.state, ended.sent) == (OperationState.SUCCEEDED, 1)
    assert times_classified(world)[name] == 2
    assert world.violations() == []


def test_a_document_changed_meanwhile_is_classified_once_as_it_is_now(world: OperationsWorld) -> None:
    operation = start(world, prefix="a/1")
    world.upload("a/1.txt", "a/1.txt is about shipping now")
    world.finish(operation)
    world.clock.advance(timedelta(hours=1))
    record = world.classification("a/1.txt")
    assert record is not None
    assert [each.name for each in record.classes] == ["shipping"]
    assert world.violations() == []


def test_a_document_deleted_meanwhile_is_left_out(world: OperationsWorld) -> None:
    operation = start(world, prefix="a/1")
    world.remove("a/1.txt")
    assert world.finish(operation).state is OperationState.SUCCEEDED
    assert world.service.submissions["a/1.txt about billing"] == 1
    assert world.failure("a/1.txt") is None


@pytest.mark.parametrize("damage", ["archived", "cut", "of another kind"])
def test_a_record_that_cannot_be_read_does_not_end_the_walk_over_the_others(
    world: OperationsWorld, damage: str
) -> None:
    """Without metadata only its content could tell the version."""
    records = world.stores["classifications"]
    records.put("a/1.txt.json", b'{"docu' if damage == "cut" else b'{"document": 7}')
    if damage == "archived":
        records.archive("a/1.txt.json")
    ended = reclassify(world)
    assert (ended.state, ended.sent) == (OperationState.SUCCEEDED, len(NAMES) - 1)
    assert times_classified(world) == {name: 1 if name == "a/1.txt" else 2 for name in NAMES}
