"""A record that cannot be read (damaged, or of another release) does not stop the work on the others."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import TypeAdapter

from shared.batches.batch import Batch, BatchDocument, Batches, BatchFacts, plan_batch
from shared.batches.open_batches import open_versions
from shared.documents.ref import DocumentRef
from shared.durable.dead_letters import DeadLetters
from shared.durable.retry import RetryPolicy
from shared.durable.step_dead_letters import StepDeadLetters
from shared.durable.steps import Done, StepQueue
from shared.durable.store import RecordStore, Stored
from shared.durable.sweep import revive_stalled
from shared.messages import StepMessage
from tests.fakes import START, FakeBlobStore, FakeQueue, VirtualClock, serial_fan_out


class Unreadable:
    """Two stalled batches, one of them damaged."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.state = FakeBlobStore("pipeline", self.clock)
        self.queue = FakeQueue("batches", self.clock)
        self.batches: Batches = StepQueue(
            "batch",
            RecordStore(self.state, "batches", record=TypeAdapter(Batch), facts=BatchFacts),
            self.queue,
            RetryPolicy([1.0], 1.0, lambda: 0.0),
            self.clock,
        )
        self.good, self.damaged = (self._create(name) for name in ("good.txt", "damaged.txt"))
        info = self.state.find(f"batches/open/{self.damaged}.json")
        assert info is not None
        self.state.put(info.name, b'{"schema": 99}', metadata=info.metadata)
        self.clock.advance(timedelta(hours=1))

    def _create(self, name: str) -> str:
        document = DocumentRef(name=name, etag=f'"{name}"', last_modified=START, size=1)
        batch = plan_batch([BatchDocument(document=document)], START)
        assert self.batches.store.create(batch) is not None
        return batch.id


@pytest.fixture
def world() -> Unreadable:
    return Unreadable()


def test_the_sweep_revives_the_others_and_says_which_it_cannot_read(
    world: Unreadable, caplog: pytest.LogCaptureFixture
) -> None:
    assert revive_stalled(world.batches, serial_fan_out) == 1
    (message,) = world.queue.peek(32)
    assert StepMessage.model_validate_json(message.text or "").id == world.good
    assert f"state_unreadable blob=batches/open/{world.damaged}.json" in caplog.text


def test_reconcile_takes_its_documents_for_lost_and_those_of_the_others_for_held(world: Unreadable) -> None:
    assert open_versions(world.batches, serial_fan_out) == {("good.txt", '"good.txt"')}


def test_its_dead_letter_is_kept_and_nothing_else_is_done(world: Unreadable) -> None:
    def give_up(stored: Stored[Batch], why: str) -> Done[Batch]:
        raise AssertionError(f"{stored.record.id} was given up: {why}")

    dead_letters = StepDeadLetters(
        world.batches, DeadLetters(world.state), "batches", give_up, world.batches.store.close
    )
    dead_letters.handle("1", body=StepMessage(id=world.damaged).to_text())
    assert [info.name for info in world.state.list("dead-letters/")] == ["dead-letters/batches/1.json"]
    assert world.state.find(f"batches/open/{world.damaged}.json") is not None
