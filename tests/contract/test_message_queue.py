"""What the ports promise of a queue, held by the fake of the tests and by the adapter on real Azurite."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import pytest
from azure.storage.queue import QueueClient, QueueServiceClient

from azurite_process.azurite import Azurite
from azurite_process.processes import wait_until
from shared.errors import RaceLostError
from shared.messages import Message, StepMessage
from shared.storage.ports import MessageQueue, QueuedMessage
from shared.storage.queues import AzureMessageQueue
from tests.fakes import FakeQueue, VirtualClock

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


class Note(Message):
    """A message of any size."""

    text: str


class Place(Protocol):
    """A queue, a way to put raw bodies into it, and a way to let time pass until something has happened."""

    @property
    def queue(self) -> MessageQueue: ...

    def send_raw(self, body: str) -> None: ...
    def until_visible(self, count: int, within: timedelta) -> None: ...


@dataclass
class FakePlace:
    clock: VirtualClock
    queue: FakeQueue

    def send_raw(self, body: str) -> None:
        self.queue.send_raw(body)

    def until_visible(self, count: int, within: timedelta) -> None:
        self.clock.advance(within)
        assert len(self.queue.peek(32)) == count


@dataclass
class RealPlace:
    client: QueueClient
    queue: AzureMessageQueue

    def send_raw(self, body: str) -> None:
        self.client.send_message(body, time_to_live=-1)

    def until_visible(self, count: int, within: timedelta) -> None:
        wait_until(
            lambda: len(self.queue.peek(32)) == count, seconds=within.total_seconds() + 10, what=f"{count} messages"
        )


@pytest.fixture(params=["fake", "azurite"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    if request.param == "fake":
        clock = VirtualClock(datetime.now(UTC))
        yield FakePlace(clock, FakeQueue("queue", clock))
        return
    azurite: Azurite = request.getfixturevalue("azurite")
    service = QueueServiceClient.from_connection_string(azurite.connection_string)
    client = service.get_queue_client(f"contract-{uuid.uuid4().hex}")
    queue = AzureMessageQueue(client)
    queue.ensure()
    yield RealPlace(client, queue)
    client.delete_queue()


def step(number: int = 0) -> StepMessage:
    return StepMessage(id=f"{number:032x}")


def texts(messages: list[QueuedMessage]) -> list[Any]:
    return [json.loads(message.text or "null") for message in messages]


# sending


def test_a_message_arrives_as_it_was_sent(place: Place) -> None:
    place.queue.send(step(7))
    (received,) = place.queue.receive(1, visibility=MINUTE)
    assert StepMessage.model_validate_json(received.text or "") == step(7)


def test_the_body_is_base64_as_the_host_expects(place: Place) -> None:
    place.queue.send(step(7))
    (peeked,) = place.queue.peek(1)
    assert base64.b64decode(peeked.raw, validate=True).decode() == step(7).to_text() == peeked.text


def test_any_text_travels(place: Place) -> None:
    note = Note(text='Grüße 東京 \U0001f600 \u2028 <b>&amp;</b> "\\ \n\t')
    place.queue.send(note)
    (received,) = place.queue.receive(1, visibility=MINUTE)
    assert Note.model_validate_json(received.text or "") == note


def test_a_message_of_64_kib_travels(place: Place) -> None:
    frame = len(Note(text="").to_text())
    note = Note(text="x" * (48 * 1_024 - frame))
    place.queue.send(note)
    (received,) = place.queue.receive(1, visibility=MINUTE)
    assert len(received.raw) == 64 * 1_024
    assert Note.model_validate_json(received.text or "") == note


def test_a_message_knows_when_the_queue_took_it(place: Place) -> None:
    place.queue.send(step())
    (peeked,) = place.queue.peek(1)
    assert peeked.inserted_on.tzinfo is not None
    assert peeked.inserted_on.microsecond == 0
    assert abs(peeked.inserted_on - datetime.now(UTC)) < MINUTE


def test_a_delayed_message_is_hidden_until_its_time(place: Place) -> None:
    place.queue.send(step(1), delay=SECOND)
    assert place.queue.peek(1) == []
    assert place.queue.receive(1, visibility=MINUTE) == []
    place.until_visible(1, SECOND)


def test_a_part_of_a_second_is_waited_for_whole(place: Place) -> None:
    """No message may come earlier than the service asked for."""
    place.queue.send(step(1), delay=timedelta(seconds=0.4))
    assert place.queue.peek(1) == []
    place.until_visible(1, SECOND)


@pytest.mark.parametrize("delay", [timedelta(0), timedelta(seconds=-5)], ids=["none", "negative"])
def test_without_a_delay_a_message_is_there_at_once(place: Place, delay: timedelta) -> None:
    place.queue.send(step(1), delay=delay)
    assert len(place.queue.peek(1)) == 1


# peeking


def test_peeking_leaves_messages_where_they_are(place: Place) -> None:
    place.queue.send(step(1))
    for _ in range(2):
        (peeked,) = place.queue.peek(32)
        assert (peeked.dequeue_count, peeked.pop_receipt) == (0, None)


def test_messages_are_peeked_oldest_first_up_to_32(place: Place) -> None:
    for number in range(35):
        place.queue.send(step(number))
    peeked = place.queue.peek(32)
    assert [each["id"] for each in texts(peeked)] == [step(number).id for number in range(32)]


def test_an_empty_queue_peeks_and_receives_nothing(place: Place) -> None:
    assert place.queue.peek(32) == []
    assert place.queue.receive(32, visibility=MINUTE) == []


# receiving


def test_up_to_the_asked_number_is_received_oldest_first(place: Place) -> None:
    for number in range(30):
        place.queue.send(step(number))
    received = place.queue.receive(25, visibility=MINUTE)
    assert [each["id"] for each in texts(received)] == [step(number).id for number in range(25)]
    assert len(place.queue.receive(32, visibility=MINUTE)) == 5


def test_receiving_hides_a_message_from_others(place: Place) -> None:
    place.queue.send(step(1))
    assert len(place.queue.receive(1, visibility=MINUTE)) == 1
    assert place.queue.receive(1, visibility=MINUTE) == []
    assert place.queue.peek(1) == []


def test_a_message_that_nobody_deletes_comes_back_and_counts(place: Place) -> None:
    place.queue.send(step(1))
    (first,) = place.queue.receive(1, visibility=SECOND)
    place.until_visible(1, SECOND)
    (second,) = place.queue.receive(1, visibility=MINUTE)
    assert (first.id, first.dequeue_count) == (second.id, 1)
    assert second.dequeue_count == 2
    assert first.pop_receipt != second.pop_receipt


# deleting


def test_a_deleted_message_is_gone(place: Place) -> None:
    place.queue.send(step(1))
    (received,) = place.queue.receive(1, visibility=MINUTE)
    place.queue.delete(received)
    assert place.queue.length() == 0


def test_deleting_twice_is_success(place: Place) -> None:
    place.queue.send(step(1))
    (received,) = place.queue.receive(1, visibility=MINUTE)
    place.queue.delete(received)
    place.queue.delete(received)


def test_deleting_with_a_stale_receipt_is_success_and_leaves_the_message_to_its_new_owner(place: Place) -> None:
    place.queue.send(step(1))
    (stale,) = place.queue.receive(1, visibility=SECOND)
    place.until_visible(1, SECOND)
    (current,) = place.queue.receive(1, visibility=MINUTE)
    place.queue.delete(stale)
    assert place.queue.length() == 1
    place.queue.delete(current)
    assert place.queue.length() == 0


def test_deleting_one_message_leaves_the_others(place: Place) -> None:
    for number in range(3):
        place.queue.send(step(number))
    place.queue.delete(place.queue.receive(1, visibility=MINUTE)[0])
    assert [each["id"] for each in texts(place.queue.peek(32))] == [step(1).id, step(2).id]


# what a sender does with the message it holds


def test_a_sent_message_can_be_deleted_while_it_is_hidden(place: Place) -> None:
    sent = place.queue.send(step(1), delay=MINUTE)
    place.queue.delete(sent)
    assert place.queue.length() == 0


def test_what_was_sent_knows_when_the_queue_took_it(place: Place) -> None:
    sent = place.queue.send(step(1))
    (peeked,) = place.queue.peek(1)
    assert (sent.id, sent.inserted_on) == (peeked.id, peeked.inserted_on)


def test_a_sent_message_is_moved_with_another_body_and_counts_as_never_received(place: Place) -> None:
    sent = place.queue.send(step(1), delay=MINUTE)
    place.queue.move(sent, step(2), delay=timedelta(0))
    (received,) = place.queue.receive(2, visibility=MINUTE)
    assert StepMessage.model_validate_json(received.text or "") == step(2)
    assert (received.id, received.inserted_on, received.dequeue_count) == (sent.id, sent.inserted_on, 1)


def test_a_message_is_moved_again_and_deleted_with_the_newest_receipt(place: Place) -> None:
    sent = place.queue.send(step(1), delay=MINUTE)
    moved = place.queue.move(sent, step(1), delay=MINUTE)
    again = place.queue.move(moved, step(1), delay=MINUTE)
    with pytest.raises(RaceLostError):
        place.queue.move(sent, step(3), delay=timedelta(0))
    place.queue.delete(sent)
    assert place.queue.length() == 1
    place.queue.delete(again)
    assert place.queue.length() == 0


def test_a_moved_message_is_hidden_until_its_time(place: Place) -> None:
    sent = place.queue.send(step(1))
    place.queue.move(sent, step(1), delay=SECOND)
    assert place.queue.peek(1) == []
    place.until_visible(1, SECOND)


def test_a_message_that_another_received_is_no_longer_its_senders(place: Place) -> None:
    sent = place.queue.send(step(1))
    (received,) = place.queue.receive(1, visibility=MINUTE)
    with pytest.raises(RaceLostError):
        place.queue.move(sent, step(2), delay=timedelta(0))
    place.queue.delete(sent)
    assert place.queue.length() == 1
    place.queue.delete(received)
    with pytest.raises(RaceLostError):
        place.queue.move(sent, step(2), delay=timedelta(0))


# length


def test_the_length_counts_hidden_messages_too(place: Place) -> None:
    place.queue.send(step(1))
    place.queue.send(step(2), delay=MINUTE)
    place.queue.send(step(3))
    place.queue.receive(1, visibility=MINUTE)
    assert place.queue.length() == 3


# bodies that are not ours

UNDECODABLE = {
    "plain JSON": '{"schema":1}',
    "words": "hello world!",
    "base64 of no UTF-8": base64.b64encode(b"\xff\xfe\x00").decode(),
    "base64 with a hole": "aGVs bG8=",
    "base64 cut short": "aGVsbG8",
    "accents": "Grüße",
    "markup": "<QueueMessage>&amp;</QueueMessage>",
}


@pytest.mark.parametrize("case", UNDECODABLE)
def test_a_body_that_is_not_base64_of_utf_8_has_no_text_and_keeps_its_raw_form(place: Place, case: str) -> None:
    place.send_raw(UNDECODABLE[case])
    for message in (*place.queue.peek(1), *place.queue.receive(1, visibility=MINUTE)):
        assert (message.text, message.raw) == (None, UNDECODABLE[case])


def test_an_undecodable_message_can_be_deleted(place: Place) -> None:
    place.send_raw("hello world!")
    place.queue.delete(place.queue.receive(1, visibility=MINUTE)[0])
    assert place.queue.length() == 0


def test_ensure_may_be_repeated(place: Place) -> None:
    place.queue.send(step(1))
    place.queue.ensure()
    assert place.queue.length() == 1


# Only the real queue can show these.


@pytest.fixture
def real(request: pytest.FixtureRequest) -> Iterator[RealPlace]:
    azurite: Azurite = request.getfixturevalue("azurite")
    service = QueueServiceClient.from_connection_string(azurite.connection_string)
    client = service.get_queue_client(f"contract-{uuid.uuid4().hex}")
    queue = AzureMessageQueue(client)
    queue.ensure()
    yield RealPlace(client, queue)
    client.delete_queue()


def test_messages_never_expire(real: RealPlace) -> None:
    real.queue.send(step(1))
    real.queue.send(step(2), delay=SECOND)
    real.until_visible(2, SECOND)
    for message in real.client.peek_messages(max_messages=2):
        assert message.expires_on is not None
        assert message.expires_on.year == 9999


def test_a_delay_beyond_seven_days_is_cut_to_what_the_service_takes(real: RealPlace) -> None:
    real.queue.send(step(1), delay=timedelta(days=400))
    assert real.queue.length() == 1
    assert real.queue.peek(1) == []
