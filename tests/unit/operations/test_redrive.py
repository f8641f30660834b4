"""What failed is sent again, and dead letters are put back: what is sent, what is left out, crashes. On fakes."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from shared.documents.messages import DocumentMessage, WakeMessage
from shared.documents.ref import DocumentRef, FailureCode
from shared.errors import ConfirmationNeededError, OperationRunningError
from shared.messages import StepMessage
from shared.operations.operation import (
    Operation,
    OperationState,
    Reclassify,
    ReclassifyRequest,
    RedriveDeadLetters,
    RedriveDeadLettersRequest,
    RedriveRequest,
)
from tests.faults.test_fault_matrix import DOCUMENT_NOISE
from tests.unit.operations.operations_world import OperationsWorld

NAMES = ["a/1.txt", "a/2.txt", "b/1.txt", "b/2.txt", "b/3.txt"]


@pytest.fixture
def world() -> OperationsWorld:
    return failed_world()


def failed_world() -> OperationsWorld:
    """Five documents with failure records, one `no_result` and the others `poisoned`; the cause is gone."""
    world = OperationsWorld(changes={"reclassify_limit": len(NAMES)})
    world.publish("first")
    for name in NAMES:
        fail(world, name, FailureCode.NO_RESULT if name == "b/3.txt" else FailureCode.POISONED)
    return world


def fail(world: OperationsWorld, name: str, code: FailureCode = FailureCode.POISONED) -> DocumentRef:
    document = world.upload(name, f"{name} about billing", event=False)
    world.services.records.write_failure(document, code, "something was away")
    return document


def start(world: OperationsWorld, **request: Any) -> Operation:
    return world.services.reclassification.start(RedriveRequest(**request).reclassification)


def redrive(world: OperationsWorld, **request: Any) -> Reclassify:
    """To its end, and everything it sent to its end too."""
    return redriven(world.finish(start(world, **request)))


def redriven(operation: Operation) -> Reclassify:
    assert isinstance(operation, Reclassify)
    return operation


def times_classified(world: OperationsWorld) -> dict[str, int]:
    """How often the service was sent each document's text."""
    return {name: world.service.submissions[f"{name} about billing"] for name in world.stores["documents"]._blobs}


# Failures


def test_everything_that_failed_is_classified_once_the_cause_is_gone(world: OperationsWorld) -> None:
    ended = redrive(world)
    assert (ended.state, ended.reason, ended.percent) == (OperationState.SUCCEEDED, "sent 5 of 5", 100)
    assert times_classified(world) == dict.fromkeys(NAMES, 1)
    assert world.stores["failures"]._blobs == {}
    assert world.violations() == world.untruthful() == []


def test_redriving_again_afterwards_finds_nothing_to_send(world: OperationsWorld) -> None:
    redrive(world)
    ended = redrive(world)
    assert (ended.total, ended.seen, ended.sent, ended.percent) == (0, 0, 0, 100)
    assert times_classified(world) == dict.fromkeys(NAMES, 1)


@pytest.mark.parametrize("deliveries", range(8))
def test_redriving_again_at_any_moment_before_they_are_classified_adds_nothing(
    world: OperationsWorld, deliveries: int
) -> None:
    first = start(world)
    while not world.find(first).is_ended:
        world.deliver_next()
    for _ in range(deliveries):
        if world._next_queue():
            world.deliver_next()
    second = redriven(world.finish(start(world)))
    assert second.state is OperationState.SUCCEEDED
    assert times_classified(world) == dict.fromkeys(NAMES, 1)
    assert world.violations() == []


CHOSEN: dict[str, tuple[dict[str, Any], int]] = {
    "a reason": ({"reason": "poisoned"}, 4),
    "another reason": ({"reason": "no_result"}, 1),
    "a reason that nothing has": ({"reason": "binary"}, 0),
    "a prefix": ({"prefix": "b/"}, 3),
    "both": ({"reason": "poisoned", "prefix": "b/"}, 2),
}


@pytest.mark.parametrize("case", CHOSEN)
def test_a_reason_and_a_prefix_choose_what_is_counted_and_sent(world: OperationsWorld, case: str) -> None:
    request, expected = CHOSEN[case]
    assert world.services.reclassification.count(RedriveRequest(**request).reclassification) == expected
    ended = redrive(world, **request)
    assert (ended.total, ended.sent, ended.percent) == (expected, expected, 100)
    assert sum(times_classified(world).values()) == expected
    assert world.violations() == []


def test_a_version_that_was_overwritten_or_deleted_is_left_out(world: OperationsWorld) -> None:
    world.upload("a/1.txt", "a/1.txt about shipping", event=False)
    world.remove("a/2.txt")
    operation = start(world)
    while not world.find(operation).is_ended:
        world.deliver_next()
    ended = redriven(world.find(operation))
    assert (ended.sent, ended.skipped, ended.percent) == (3, 2, 100)
    assert ended.reason == "sent 3 of 5, left out 2"
    world.run()
    assert world.service.submissions["a/1.txt about billing"] == 0
    assert world.service.submissions["a/1.txt about shipping"] == 0
    world.clock.advance(timedelta(hours=1))
    world.reconcile()
    world.run()
    assert world.violations() == []


def test_redriving_more_than_one_batch_again_at_once_adds_nothing(world: OperationsWorld) -> None:
    """Repeats are dropped in one batch; what the first request sent lies in two, and waits while the second begins."""
    names = [f"c/{number:02}.txt" for number in range(30)]
    for name in names:
        fail(world, name)
    first = start(world, prefix="c/", confirm=True)
    while not world.find(first).is_ended:
        world.deliver_next()
    ended = redriven(world.finish(start(world, prefix="c/", confirm=True)))
    assert ended.state is OperationState.SUCCEEDED
    assert [times_classified(world)[name] for name in names] == [1] * len(names)


def test_a_version_that_was_classified_already_is_not_classified_again(world: OperationsWorld) -> None:
    """Its failure record has not been removed yet."""
    failures = world.stores["failures"]
    late = failures._blobs["a/1.txt.json"]
    assert redrive(world, prefix="a/1").sent == 1
    failures._write("a/1.txt.json", late.data, dict(late.info.metadata), must_be="*")
    assert redrive(world, prefix="a/1").sent == 1
    assert times_classified(world)["a/1.txt"] == 1


def test_what_cannot_be_classified_still_keeps_its_failure(world: OperationsWorld) -> None:
    world.upload("a/1.txt", b" ", event=True)
    world.run()
    ended = redrive(world, reason="empty")
    assert ended.sent == 1
    failure = world.failure("a/1.txt")
    assert failure is not None
    assert failure.code is FailureCode.EMPTY


def test_more_than_the_limit_needs_a_confirmation(world: OperationsWorld) -> None:
    fail(world, "b/4.txt")
    with pytest.raises(ConfirmationNeededError, match=r"6 documents would be classified again"):
        start(world)
    assert redrive(world, confirm=True).sent == 6


def test_a_redrive_is_a_reclassification_of_what_failed_and_one_of_them_runs_at_a_time(world: OperationsWorld) -> None:
    request = RedriveRequest(reason=FailureCode.POISONED, prefix="a/", confirm=True)
    assert request.reclassification == ReclassifyRequest(
        failed=True, reason=FailureCode.POISONED, prefix="a/", confirm=True
    )
    start(world)
    with pytest.raises(OperationRunningError):
        world.services.reclassification.start(ReclassifyRequest())


def test_a_reason_without_failures_is_refused() -> None:
    with pytest.raises(ValidationError, match="goes with failed"):
        ReclassifyRequest(reason=FailureCode.POISONED)


def test_a_redrive_can_be_cancelled_between_two_pages(world: OperationsWorld) -> None:
    world.stores["failures"].page_size = 2
    operation = start(world)
    world.deliver_next()
    assert world.services.operations.cancel(operation.id) is not None
    ended = redriven(world.finish(operation))
    assert (ended.state, ended.sent) == (OperationState.CANCELLED, 2)
    assert sum(times_classified(world).values()) == 2
    assert world.locks() == world.violations() == []


def every_crash(fresh: Callable[[], OperationsWorld], begin: Callable[[OperationsWorld], Operation]) -> Any:
    """Worlds in which the process died before, then after, each call that the operation made; each run to its end."""
    whole = fresh()
    before = whole.calls
    operation = begin(whole)
    started = whole.calls - before
    while not whole.find(operation).is_ended:
        whole.deliver_next()
    calls = whole.calls - before
    assert calls - started > 10
    for number in range(started + 1, calls + 1):
        for moment in ("before", "after"):
            crashed = fresh()
            begun = crashed.calls
            operation = begin(crashed)
            crashed.crash_at = (begun + number, moment)
            ended = crashed.finish(operation)
            # Not after a call that ends in an error: a batch that is no longer open is looked for.
            assert crashed.crashes == 1 or moment == "after"
            assert ended.state is OperationState.SUCCEEDED, (number, moment)
            assert crashed.locks() == []
            yield crashed


def test_a_crash_at_any_call_of_a_redrive_loses_no_document() -> None:
    def paged() -> OperationsWorld:
        world = failed_world()
        world.stores["failures"].page_size = 2
        return world

    for crashed in every_crash(paged, start):
        # Not more than twice: the page in hand comes again once the lock on its message has ended.
        assert set(times_classified(crashed).values()) <= {1, 2}
        assert crashed.stores["failures"]._blobs == {}
        assert crashed.violations() == []


# Dead letters


def keep(world: OperationsWorld, queue: str, body: str, number: int = 1) -> None:
    world.services.dead_letters.keep(queue=queue, message_id=f"m{number}", body=body, reason="seen five times")


def in_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def start_dead_letters(world: OperationsWorld, **request: Any) -> Operation:
    return world.services.dead_letter_redrive.start(RedriveDeadLettersRequest(**request))


def put_back(world: OperationsWorld, **request: Any) -> RedriveDeadLetters:
    ended = world.finish(start_dead_letters(world, **request))
    assert isinstance(ended, RedriveDeadLetters)
    return ended


def letters(world: OperationsWorld) -> list[str]:
    return sorted(name for name in world.stores["state"]._blobs if name.startswith("dead-letters/"))


def of_the_blob_trigger(world: OperationsWorld) -> None:
    keep(world, "webjobs-blobtrigger-poison", json.dumps({"ContainerName": "documents", "BlobName": "new.txt"}))


def of_an_event(world: OperationsWorld) -> None:
    url = "https://account.blob.core.windows.net/documents/new.txt"
    subject = "/blobServices/default/containers/documents/blobs/new.txt"
    data = {"url": url, "eTag": "0x1"}
    event = {"eventType": "Microsoft.Storage.BlobCreated", "subject": subject, "data": data}
    keep(world, "events", json.dumps([event]))


def of_a_document(world: OperationsWorld) -> None:
    document = world.services.inbox.find_document("new.txt")
    assert document is not None
    keep(world, "documents", in_base64(DocumentMessage(container="documents", document=document).to_text()))


def of_a_batch_given_up(world: OperationsWorld) -> None:
    """The dead letter's handler has written the failure records and closed the batch."""
    world.raise_event(fresh_document(world))
    while not world.open_batches():
        world.deliver_next()
    [name] = [name for name in world.stores["state"]._blobs if name.startswith("batches/open/")]
    batch = name.rpartition("/")[2].removesuffix(".json")
    world.queues["batches"].receive_unhooked(1, timedelta(days=1))
    stored = world.services.batches.store.find(batch)
    assert stored is not None
    given_up = world.services.batch_dead_letters.give_up(stored, "seen five times")
    world.services.batches.store.close(given_up.stored)
    keep(world, "batches", StepMessage(id=batch).to_text())


def of_a_batch_still_open(world: OperationsWorld) -> None:
    world.raise_event(fresh_document(world))
    while not world.open_batches():
        world.deliver_next()
    [message] = world.queues["batches"].receive_unhooked(1, timedelta(days=1))
    keep(world, "batches", message.text or "")


def fresh_document(world: OperationsWorld) -> DocumentRef:
    document = world.services.inbox.find_document("new.txt")
    assert document is not None
    return document


LETTERS: dict[str, Callable[[OperationsWorld], None]] = {
    "of the blob trigger": of_the_blob_trigger,
    "of an event": of_an_event,
    "of a document": of_a_document,
    "of a batch that was given up": of_a_batch_given_up,
    "of a batch that is open": of_a_batch_still_open,
}


def world_with(kind: str) -> OperationsWorld:
    world = OperationsWorld()
    world.publish("first")
    world.upload("new.txt", "new.txt about billing", event=False)
    LETTERS[kind](world)
    return world


@pytest.mark.parametrize("kind", LETTERS)
def test_a_dead_letter_that_is_put_back_ends_in_its_document_s_classification(kind: str) -> None:
    world = world_with(kind)
    ended = put_back(world)
    assert (ended.state, ended.reason, ended.percent) == (OperationState.SUCCEEDED, "put back 1 of 1", 100)
    assert world.classification("new.txt") is not None
    assert letters(world) == world.violations() == world.locks() == []


@pytest.mark.parametrize("kind", LETTERS)
def test_putting_back_again_adds_nothing(kind: str) -> None:
    world = world_with(kind)
    put_back(world)
    ended = put_back(world)
    assert (ended.total, ended.sent, ended.skipped) == (0, 0, 0)
    assert times_classified(world) == {"new.txt": 1}


@pytest.mark.parametrize("kind", LETTERS)
def test_a_letter_whose_document_was_classified_meanwhile_adds_no_classification(kind: str) -> None:
    world = world_with(kind)
    world.services.inbox.classify_again("new.txt")
    world.run()
    assert put_back(world).sent == 1
    assert times_classified(world) == {"new.txt": 1}
    assert letters(world) == world.violations() == []


def test_the_dead_letter_of_a_wake_wakes_the_collector(world: OperationsWorld) -> None:
    keep(world, "collect", '{"schema": 1}')
    operation = start_dead_letters(world)
    world.deliver_next()
    assert world.queues["collect"].length() == 1
    assert world.finish(operation).reason == "put back 1 of 1"


def test_the_dead_letter_of_an_operation_that_runs_lets_it_go_on() -> None:
    world = OperationsWorld()
    operation = world.start("first")
    [message] = world.queues["operations"].receive_unhooked(1, timedelta(days=1))
    keep(world, "operations", message.text or "")
    assert put_back(world).sent == 1
    assert world.find(operation).state is OperationState.SUCCEEDED


STAYS: dict[str, tuple[str, str]] = {
    "noise of the blob trigger": ("webjobs-blobtrigger-poison", "noise"),
    "another container": ("webjobs-blobtrigger-poison", '{"ContainerName": "secrets", "BlobName": "a.txt"}'),
    "noise of events": ("events", "noise"),
    "an event of another kind": ("events", '{"eventType": "Microsoft.Storage.BlobDeleted"}'),
    "noise of wakes": ("collect", "noise"),
    "noise of batches": ("batches", "noise"),
    "a batch that is no more": ("batches", StepMessage(id="0" * 32).to_text()),
    "noise of operations": ("operations", "noise"),
    "an operation that has ended": ("operations", StepMessage(id="20260301120000-0").to_text()),
    "a queue that is not ours": ("elsewhere", "{}"),
} | {f"a document's message: {case}": ("documents", raw) for case, raw in DOCUMENT_NOISE.items()}


@pytest.mark.parametrize("case", STAYS)
def test_what_nothing_can_be_made_of_stays_and_is_counted(case: str) -> None:
    world = OperationsWorld()
    world.publish("first")
    keep(world, *STAYS[case])
    kept = letters(world)
    ended = put_back(world)
    assert (ended.sent, ended.skipped, ended.percent) == (0, 1, 100)
    assert ended.reason == "put back 0 of 1, 1 stay"
    assert letters(world) == kept
    assert all(queue.next_visible() is None for queue in world.queues.values())


def test_a_blob_among_them_that_is_no_letter_of_ours_stays(world: OperationsWorld) -> None:
    world.stores["state"].put("dead-letters/documents/mine.json", b"my notes")
    assert put_back(world).skipped == 1
    assert letters(world) == ["dead-letters/documents/mine.json"]


def test_only_the_letters_of_the_queue_asked_for_are_put_back() -> None:
    world = world_with("of the blob trigger")
    keep(world, "collect", '{"schema": 1}')
    assert world.services.dead_letter_redrive.count(RedriveDeadLettersRequest(queue="collect")) == 1
    assert put_back(world, queue="collect").sent == 1
    assert letters(world) == ["dead-letters/webjobs-blobtrigger-poison/m1.json"]


def test_letters_are_put_back_page_by_page(world: OperationsWorld) -> None:
    for number in range(5):
        keep(world, "webjobs-blobtrigger-poison", '{"ContainerName":"documents","BlobName":"gone.txt"}', number)
    keep(world, "collect", "noise", 9)
    world.stores["state"].page_size = 2
    ended = put_back(world)
    assert [event.what for event in ended.history] == [
        "send_page: put back 1 of 6, 1 stay",
        "send_page: put back 3 of 6, 1 stay",
        "send_page: put back 5 of 6, 1 stay",
    ]


def test_putting_back_can_be_cancelled_and_runs_once_at_a_time() -> None:
    world = world_with("of the blob trigger")
    operation = start_dead_letters(world)
    with pytest.raises(OperationRunningError):
        start_dead_letters(world)
    assert world.services.operations.cancel(operation.id) is not None
    assert world.finish(operation).state is OperationState.CANCELLED
    assert letters(world) == ["dead-letters/webjobs-blobtrigger-poison/m1.json"]


@pytest.mark.parametrize("kind", LETTERS)
def test_a_crash_at_any_call_puts_back_every_letter(kind: str) -> None:
    for crashed in every_crash(lambda: world_with(kind), start_dead_letters):
        assert letters(crashed) == crashed.violations() == []
        assert times_classified(crashed)["new.txt"] in (1, 2)


def test_one_closed_batch_that_cannot_be_read_keeps_no_other_letter(world: OperationsWorld) -> None:
    state = world.stores["state"]
    state.put(f"batches/closed/{world.clock():%Y-%m-%d}/{'1' * 32}.json", b"cut")
    keep(world, "batches", StepMessage(id="1" * 32).to_text())
    keep(world, "collect", WakeMessage().to_text())
    ended = put_back(world)
    assert (ended.state, ended.sent, ended.skipped) == (OperationState.SUCCEEDED, 1, 1)
