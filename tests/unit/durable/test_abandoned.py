"""What the host abandons is taken by the sweep, kept and handled, whatever it holds."""

from __future__ import annotations

import base64
import json
import logging
from dataclasses import replace

import pytest

from shared.durable.abandoned import HIDDEN_FOR, MAX_DURATION, MAX_TRIES, Abandoned
from shared.durable.dead_letters import DeadLetters
from shared.messages import StepMessage
from tests.fakes import FakeBlobStore, FakeQueue, VirtualClock
from tests.services_on_fakes import PipelineOnFakes


class Office:
    """The abandoned messages of one queue, and a handler that may be broken."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.queue = FakeQueue("batches-poison", self.clock)
        self.blobs = FakeBlobStore("pipeline", self.clock)
        self.letters = DeadLetters(self.blobs)
        self.handled: list[str] = []
        self.broken: set[str] = set()
        self.abandoned = Abandoned("batches", self.queue, self.handle, self.letters, self.clock)

    def handle(self, message_id: str, *, body: str) -> None:
        self.letters.keep(queue="batches", message_id=message_id, body=body, reason="failed five times")
        if body in self.broken:
            raise ValueError(body)
        self.handled.append(body)

    def kept(self) -> dict[str, str]:
        """Reasons by body."""
        letters = [json.loads(blob.data) for blob in self.blobs.blobs.values()]
        assert {letter["queue"] for letter in letters} <= {"batches"}
        return {letter["body"]: letter["reason"] for letter in letters}


@pytest.fixture
def office() -> Office:
    return Office()


def encoded(body: str) -> str:
    return base64.b64encode(body.encode()).decode()


def test_every_message_is_handled_once_and_gone(office: Office) -> None:
    for number in range(70):
        office.queue.send_raw(encoded(str(number)))
    assert office.abandoned() == 70
    assert sorted(office.handled, key=int) == [str(number) for number in range(70)]
    assert office.queue.length() == 0
    assert office.abandoned() == 0


@pytest.mark.parametrize("body", ["{plain}", "/w==", "\u20ac", ""], ids=["plain", "no UTF-8", "no ASCII", "nothing"])
def test_what_the_host_cannot_decode_is_kept_as_it_came_and_gone(
    office: Office, body: str, caplog: pytest.LogCaptureFixture
) -> None:
    office.queue.send_raw(body)
    assert office.abandoned() == 1
    assert list(office.kept()) == [body]
    assert office.queue.length() == 0
    assert "dead_letter_kept queue=batches" in caplog.text
    assert {record.levelno for record in caplog.records} == {logging.ERROR}


def test_one_that_cannot_be_handled_takes_no_other_with_it_and_comes_back(office: Office) -> None:
    office.broken = {"b"}
    for body in "abc":
        office.queue.send_raw(encoded(body))
    with pytest.raises(ValueError, match="b"):
        office.abandoned()
    assert office.handled == ["a", "c"]
    assert office.queue.length() == 1
    office.broken = set()
    office.clock.advance(HIDDEN_FOR)
    assert office.abandoned() == 1
    assert office.handled == ["a", "c", "b"]


def test_one_that_can_never_be_handled_is_kept_with_the_reason_and_ends(office: Office) -> None:
    office.broken = {"b"}
    office.queue.send_raw(encoded("b"))
    for _ in range(MAX_TRIES - 1):
        with pytest.raises(ValueError, match="b"):
            office.abandoned()
        office.clock.advance(HIDDEN_FOR)
    assert office.abandoned() == 1
    assert office.queue.length() == 0
    assert "ValueError" in office.kept()["b"]


def test_a_message_that_cannot_be_kept_stays(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise OSError("storage does not answer")

    monkeypatch.setattr(office.blobs, "put", refuse)
    office.queue.send_raw("{plain}")
    with pytest.raises(OSError, match="does not answer"):
        office.abandoned()
    assert office.queue.length() == 1


# the sweep

QUEUES = {
    "webjobs-blobtrigger-poison": "webjobs-blobtrigger-poison",
    "events": "events-poison",
    "collect": "collect-poison",
    "batches": "batches-poison",
    "operations": "operations-poison",
}


def test_a_queue_whose_name_leaves_no_room_for_the_suffix_keeps_its_messages() -> None:
    """The host has nowhere to move them either."""
    world = PipelineOnFakes(changes={"events_queue": "e" * 57})
    world.services.sweep()
    assert sorted(name for name in world.queues if name.endswith("-poison")) == sorted(
        set(QUEUES.values()) - {"events-poison"}
    )


@pytest.mark.parametrize("queue", QUEUES)
@pytest.mark.parametrize("body", ["{plain}", encoded("noise")], ids=["undecodable", "no message of ours"])
def test_the_sweep_looks_into_every_queue_that_the_host_moves_messages_to(
    world: PipelineOnFakes, queue: str, body: str
) -> None:
    abandoned = world.open_queue(QUEUES[queue])
    abandoned.send_raw(body)
    world.services.sweep()
    assert [name.split("/")[1] for name in world.dead_letters()] == [queue]
    assert abandoned.length() == 0


def test_the_sweep_hands_an_abandoned_step_to_what_ends_its_batch(world: PipelineOnFakes) -> None:
    world.model.model = None
    world.upload("a.txt", "about billing")
    world.deliver_for(5)
    message = StepMessage(id=world.the_open_one().record.id)
    world.open_queue("batches-poison").send(message)
    world.trace.clear()
    world.services.sweep()
    (name,) = world.dead_letters()
    letter = json.loads(world.state.blobs[name].data)
    assert (letter["body"], letter["reason"]) == (message.to_text(), "a step of the batch failed five times")
    assert "state.read" in world.trace[world.trace.index("state.put") :], "its batch is looked up once it is kept"


def test_a_part_of_the_sweep_that_fails_takes_no_other_with_it(
    world: PipelineOnFakes, caplog: pytest.LogCaptureFixture
) -> None:
    world.open_queue("operations-poison").send_raw("{plain}")
    caplog.set_level(logging.INFO)

    def refuse(name: str) -> None:
        if name == "batches-poison-queue.receive":
            raise OSError("storage does not answer")

    world.disturb = refuse
    with pytest.raises(OSError, match="does not answer"):
        world.services.sweep()
    assert "timer_part_failed part=abandoned batches" in caplog.text
    assert len(world.dead_letters()) == 1
    assert "pipeline_metrics" in caplog.text


def test_one_pass_ends_in_time_for_the_rest_of_the_sweep(office: Office) -> None:
    """After many failures; what is left is for the next pass."""
    for number in range(200):
        office.queue.send(StepMessage(id=f"{number:032}"))
    slow = office.handle

    def handle(message_id: str, *, body: str) -> None:
        office.clock.advance(MAX_DURATION / 50)
        slow(message_id, body=body)

    passes = replace(office.abandoned, handle=handle)
    assert passes() < 200
    assert sum(iter(passes, 0)) + len(office.handled) >= 200
    assert office.queue.length() == 0
