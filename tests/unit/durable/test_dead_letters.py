"""A message that nothing can be done with is kept as it came, once, under a name that leads nowhere else."""

from __future__ import annotations

import json

import pytest

from shared.durable.dead_letters import DeadLetters
from shared.durable.step_dead_letters import StepDeadLetters
from shared.durable.steps import Done
from shared.durable.store import Stored
from shared.errors import StorageUnavailableError
from shared.messages import StepMessage
from tests.fakes import FakeBlobStore, VirtualClock
from tests.unit.durable.letters import Letter, LetterFacts, Office, letter


@pytest.fixture
def blobs() -> FakeBlobStore:
    return FakeBlobStore("pipeline", VirtualClock())


def keep(blobs: FakeBlobStore, message_id: str, body: str = "noise") -> str:
    return DeadLetters(blobs).keep(queue="batches", message_id=message_id, body=body, reason="not a StepMessage")


@pytest.mark.parametrize("body", ["", "noise", '{"id":"x"}', "Gr\u00fc\u00dfe \U0001f600", "\ufffd" * 10])
def test_a_message_is_kept_with_its_queue_its_id_and_the_reason(blobs: FakeBlobStore, body: str) -> None:
    name = keep(blobs, "m1", body)
    assert name == "dead-letters/batches/m1.json"
    kept = {"schema": 1, "queue": "batches", "id": "m1", "reason": "not a StepMessage", "body": body}
    assert json.loads(blobs.blobs[name].data) == kept
    assert blobs.blobs[name].info.metadata == {"queue": "batches"}


def test_the_same_message_is_kept_once(blobs: FakeBlobStore) -> None:
    assert keep(blobs, "m1") == keep(blobs, "m1")
    assert len(blobs.blobs) == 1


@pytest.mark.parametrize("message_id", ["a", "A-9" * 21 + "z", "0b8f7e2c-8a39-4d63-9d3a-2f5a1a0d1b11"])
def test_an_id_as_queues_give_it_is_the_name(blobs: FakeBlobStore, message_id: str) -> None:
    assert keep(blobs, message_id) == f"dead-letters/batches/{message_id}.json"


@pytest.mark.parametrize("message_id", ["", "a" * 65, "../x", "a/b", "a b", "a\n", "\u00e4", "a.json"])
def test_any_other_id_is_replaced_by_a_hash_of_the_body(blobs: FakeBlobStore, message_id: str) -> None:
    name = keep(blobs, message_id)
    assert name.startswith("dead-letters/batches/")
    assert len(name.removeprefix("dead-letters/batches/").removesuffix(".json")) == 32
    assert keep(blobs, message_id) == name
    assert keep(blobs, message_id, "other noise") != name


def test_an_operator_reads_of_it_in_the_log(blobs: FakeBlobStore, caplog: pytest.LogCaptureFixture) -> None:
    name = keep(blobs, "m1")
    assert f"dead_letter_kept queue=batches id=m1 blob={name}: not a StepMessage" in caplog.text


# What becomes of a step's record


def step_letters(office: Office) -> StepDeadLetters[Letter, LetterFacts]:
    def give_up(stored: Stored[Letter], why: str) -> Done[Letter]:
        raise AssertionError(f"it was given up: {why}")

    return StepDeadLetters(
        steps=office.steps,
        dead_letters=DeadLetters(office.blobs),
        queue_name="letters",
        give_up=give_up,
        close=office.store.close,
    )


def test_a_revival_that_could_not_be_sent_is_not_counted() -> None:
    """The sweep repeats it at each pass: counted, the fourth would end a record of which no step was tried."""
    office = Office()
    office.create()
    office.refuse("queue.send")
    for _ in range(5):
        with pytest.raises(StorageUnavailableError):
            step_letters(office).handle("m1", body=StepMessage(id="a1").to_text())
    assert office.find().record.dead_letters == 0
    office.refuse()
    step_letters(office).handle("m1", body=StepMessage(id="a1").to_text())
    assert office.find().record.dead_letters == 1
    assert office.messages() == [StepMessage(id="a1", failures_in_a_row=1)]


def test_a_letter_that_is_put_back_gives_the_step_all_its_tries_again() -> None:
    office = Office()
    office.create(letter().model_copy(update={"failing": "KeyError", "dead_letters": 3}))
    assert step_letters(office).put_back(StepMessage(id="a1").to_text())
    assert (office.find().record.failing, office.find().record.dead_letters) == (None, 0)
    assert office.messages() == [StepMessage(id="a1")]
