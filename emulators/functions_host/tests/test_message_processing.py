"""The fate of one message, on a queue that only remembers what was asked of it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from azurite_process.processes import wait_until
from functions_host.faults import CrashPoint, Faults
from functions_host.message_lease import LeaseKeeper, MessageLease
from functions_host.queues.backoff import PollingBackoff
from functions_host.queues.processing import MessageProcessor, MessageRules, ReceivedMessage, poison_name
from functions_host.queues.trigger import queue_trigger_data
from functions_host.timings import HostTimings
from functions_host.worker.invocation import Outcome

BODY = base64.b64encode(b"body").decode()


class FakeQueue:
    """Answers like a queue, except for the errors it is told to give, one for each call."""

    def __init__(self, name: str, *errors: Exception) -> None:
        self.queue_name = name
        self.calls: list[tuple[Any, ...]] = []
        self._errors = list(errors)

    def send_message(self, content: str) -> None:
        self._do("send", content)

    def delete_message(self, message_id: str, pop_receipt: str) -> None:
        self._do("delete", message_id, pop_receipt)

    def update_message(self, message_id: str, *, pop_receipt: str, visibility_timeout: int) -> Any:
        self._do("update", message_id, pop_receipt, visibility_timeout)
        return SimpleNamespace(pop_receipt=f"receipt-{len(self.calls)}")

    def _do(self, *call: Any) -> None:
        self.calls.append(call)
        if self._errors:
            raise self._errors.pop(0)


def failure(status: int, kind: type[HttpResponseError] = HttpResponseError) -> HttpResponseError:
    error = kind(message="no")
    error.status_code = status
    return error


def message(dequeue_count: int = 1, content: str = BODY) -> Any:
    facts = {"id": "m", "pop_receipt": "r", "dequeue_count": dequeue_count, "content": content}
    return SimpleNamespace(**facts, expires_on=None, inserted_on=None, next_visible_on=None)


@pytest.fixture
def keeper() -> Iterator[LeaseKeeper]:
    keeper = LeaseKeeper(HostTimings())
    yield keeper
    keeper.close()


def process(
    keeper: LeaseKeeper,
    outcome: Outcome,
    given: Any,
    *,
    queue: FakeQueue | None = None,
    poison: FakeQueue | None = None,
    duplicates: float = 0,
    drops_undecodable: bool = False,
) -> tuple[list[Any], list[Any]]:
    """Process one message; gives back the calls to its queue and the bodies that the function saw."""
    own = queue or FakeQueue("q")
    seen: list[Any] = []

    def handle(received: ReceivedMessage) -> tuple[str, Outcome]:
        seen.append(received.body)
        return "f", outcome

    rules = MessageRules(
        is_base64=True,
        max_dequeue_count=3,
        release_seconds=30,
        find_poison_queue=lambda _: poison,  # type: ignore[arg-type,return-value]
        drops_undecodable=drops_undecodable,
    )
    MessageProcessor(own, rules, handle, keeper, Faults({}, duplicates, 1)).process(given)  # type: ignore[arg-type]
    return own.calls, seen


DELETED = [("delete", "m", "r")]
RELEASED = [("update", "m", "r", 30)]


@pytest.mark.parametrize(
    ("outcome", "dequeue_count", "expected", "poisoned"),
    [
        pytest.param(Outcome.SUCCEEDED, 1, DELETED, False, id="success deletes"),
        pytest.param(Outcome.SUCCEEDED, 3, DELETED, False, id="success in the last try"),
        pytest.param(Outcome.FAILED, 1, RELEASED, False, id="failure releases with the delay of host.json"),
        pytest.param(Outcome.FAILED, 3, DELETED, True, id="failure in the last try poisons"),
        pytest.param(Outcome.TIMED_OUT, 1, RELEASED, False, id="a timeout releases"),
        pytest.param(Outcome.TIMED_OUT, 3, DELETED, True, id="a timeout in the last try poisons"),
    ],
)
def test_the_outcome_decides_the_fate_of_a_message(
    keeper: LeaseKeeper, outcome: Outcome, dequeue_count: int, expected: list[Any], poisoned: bool
) -> None:
    poison = FakeQueue("q-poison")
    calls, seen = process(keeper, outcome, message(dequeue_count), poison=poison)
    assert (calls, seen) == (expected, [b"body"])
    assert poison.calls == ([("send", BODY)] if poisoned else [])


def test_a_message_received_too_often_is_poisoned_without_a_call(keeper: LeaseKeeper) -> None:
    poison = FakeQueue("q-poison")
    calls, seen = process(keeper, Outcome.SUCCEEDED, message(4), poison=poison)
    assert (calls, seen, poison.calls) == (DELETED, [], [("send", BODY)])


def test_without_a_poison_queue_a_failed_message_stays_hidden(keeper: LeaseKeeper) -> None:
    assert process(keeper, Outcome.FAILED, message(9)) == ([], [b"body"])


def test_what_is_not_base64_is_poisoned_as_it_is(keeper: LeaseKeeper) -> None:
    poison = FakeQueue("q-poison")
    calls, seen = process(keeper, Outcome.SUCCEEDED, message(1, "not base64!"), poison=poison)
    assert (calls, seen, poison.calls) == (DELETED, [], [("send", "not base64!")])


def test_the_blob_triggers_queue_deletes_what_is_not_base64(keeper: LeaseKeeper) -> None:
    poison = FakeQueue("q-poison")
    calls, _ = process(keeper, Outcome.SUCCEEDED, message(1, "?"), poison=poison, drops_undecodable=True)
    assert (calls, poison.calls) == (DELETED, [])


@pytest.mark.parametrize("error", [failure(400), failure(404, ResourceNotFoundError)], ids=["mismatch", "gone"])
def test_a_message_that_someone_else_owns_is_left_to_them(keeper: LeaseKeeper, error: Exception) -> None:
    for outcome in (Outcome.SUCCEEDED, Outcome.FAILED):
        process(keeper, outcome, message(), queue=FakeQueue("q", error), poison=FakeQueue("q-poison"))


def test_a_missing_poison_queue_is_created(keeper: LeaseKeeper) -> None:
    poison = FakeQueue("q-poison", failure(404, ResourceNotFoundError))
    poison.create_queue = lambda: poison.calls.append(("create",))  # type: ignore[attr-defined]
    process(keeper, Outcome.FAILED, message(3), poison=poison)
    assert poison.calls == [("send", BODY), ("create",), ("send", BODY)]


def test_a_requested_duplicate_releases_at_once_and_only_the_first_delivery(keeper: LeaseKeeper) -> None:
    assert process(keeper, Outcome.SUCCEEDED, message(1), duplicates=1)[0] == [("update", "m", "r", 0)]
    assert process(keeper, Outcome.SUCCEEDED, message(2), duplicates=1)[0] == DELETED


@pytest.mark.parametrize(
    ("name", "expected"),
    [("jobs", "jobs-poison"), ("jobs-poison", None), ("q" * 56, "q" * 56 + "-poison"), ("q" * 57, None)],
)
def test_poison_queues_are_named_after_their_queue(name: str, expected: str | None) -> None:
    assert poison_name(name) == expected


def test_every_renewal_uses_the_newest_receipt() -> None:
    queue = FakeQueue("q")
    keeper = LeaseKeeper(HostTimings(receive_visibility=7, renewal=0.01))
    lease = MessageLease(queue, "m", "receipt-0")  # type: ignore[arg-type]
    with keeper.keeping(lease):
        wait_until(lambda: len(queue.calls) >= 3, seconds=5, what="three renewals")
    keeper.close()
    assert queue.calls[:3] == [("update", "m", f"receipt-{number}", 7) for number in range(3)]
    assert lease.pop_receipt == f"receipt-{len(queue.calls)}"


def test_renewal_ends_when_the_message_is_someone_elses() -> None:
    lost, kept = FakeQueue("q", failure(400)), FakeQueue("q")
    keeper = LeaseKeeper(HostTimings(renewal=0.01))
    with (
        keeper.keeping(MessageLease(lost, "m", "r")),  # type: ignore[arg-type]
        keeper.keeping(MessageLease(kept, "m", "r")),  # type: ignore[arg-type]
    ):
        wait_until(lambda: len(kept.calls) >= 4, seconds=5, what="renewals of the other message")
    keeper.close()
    assert len(lost.calls) == 1


def test_a_server_error_is_renewed_again_sooner() -> None:
    queue = FakeQueue("q", failure(503))
    keeper = LeaseKeeper(HostTimings(renewal=0.02, renewal_floor=0.01))
    with keeper.keeping(MessageLease(queue, "m", "r")):  # type: ignore[arg-type]
        wait_until(lambda: len(queue.calls) >= 2, seconds=5, what="a second renewal")
    keeper.close()
    assert queue.calls[1][2] == "r"


def test_empty_polls_wait_longer_and_longer_until_a_message_comes() -> None:
    backoff = PollingBackoff(0.1, 5)
    delays = [backoff.next_delay() for _ in range(10)]
    assert delays[0] == 0.1
    assert delays == sorted(delays)
    assert delays[-1] == 5
    backoff.reset()
    assert backoff.next_delay() == 0.1


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(b'{"id": 7, "visit": "x"}', {"Id": "7", "visit": "x"}, id="json overrides, ignoring case"),
        pytest.param(b"[1]", {"Id": "m"}, id="an array adds nothing"),
        pytest.param(b"plain", {"Id": "m", "QueueTrigger": "plain"}, id="text"),
        pytest.param(b"\xff", {"QueueTrigger": "\ufffd"}, id="no utf-8"),
    ],
)
def test_the_properties_of_a_json_body_join_the_metadata(body: bytes, expected: dict[str, str]) -> None:
    metadata = queue_trigger_data(ReceivedMessage(body, message())).metadata
    assert {name: str(metadata[name].python_value) for name in expected} == expected


def test_faults_are_read_from_the_environment() -> None:
    faults = Faults.from_environment({"FUNCTIONS_HOST_CRASH": "after-function:advance_job:3"})
    assert faults._crashes == {(CrashPoint.AFTER_FUNCTION, "advance_job"): 3}
    with pytest.raises(ValueError, match="nowhere"):
        Faults.from_environment({"FUNCTIONS_HOST_CRASH": "nowhere:advance_job:3"})


def test_duplicates_follow_their_seed() -> None:
    first, second = (Faults.from_environment({"FUNCTIONS_HOST_DUPLICATES": "0.5:7"}) for _ in range(2))
    choices = [first.wants_duplicate(1) for _ in range(50)]
    assert choices == [second.wants_duplicate(1) for _ in range(50)]
    assert 10 < sum(choices) < 40
