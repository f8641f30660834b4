"""One blob of ours that cannot be read, or has metadata of nobody's: everything else goes on, and people are told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.documents.reconcile import TOTALS, read_totals
from shared.errors import StateUnreadableError
from shared.models.active_model import ACTIVE_MODEL
from tests.services_on_fakes import PipelineOnFakes

FACTS = {
    "state": "planned",
    "documents": "1",
    "created": "2026-01-01T00:00:00+00:00",
    "due": "2026-01-01T00:00:00+00:00",
}
ODD: dict[str, dict[str, str]] = {
    "words": {"due": "soon", "created": "x", "documents": "many", "state": "melted"},
    "none": {},
    "the end of time": FACTS | {"due": "9999-12-31T23:59:59+00:00"},
    "the beginning of time": FACTS | {"due": "0001-01-01T00:00:00+14:00", "created": "0001-01-01T00:00:00+14:00"},
    "huge": FACTS | {"documents": "9" * 5000},
    "half a deferral": FACTS | {"deferred": "language_throttled", "deferred_since": "then"},
    "a deferral without times": FACTS | {"deferred": "language_throttled"},
}
DAMAGED: dict[str, tuple[str, bytes, dict[str, str]]] = {
    "a batch that is not JSON": (f"batches/open/{'a' * 32}.json", b"{", FACTS),
    "a batch of schema 2": (f"batches/open/{'b' * 32}.json", b'{"schema":2}', FACTS),
    "a closed batch that is cut": (f"batches/closed/2026-03-01/{'b' * 32}.json", b'{"schema":1', FACTS),
    "a file of somebody's in batches/open": ("batches/open/readme.txt", b"hello", {}),
    "an operation that is not JSON": ("operations/open/20260301120000-abc.json", b"{", FACTS),
    "a closed operation of schema 2": ("operations/closed/2026-03-01/20260301120000-abc.json", b'{"schema":2}', FACTS),
    "totals of schema 2": (TOTALS, b'{"schema":2}', {}),
    "totals that are cut": (TOTALS, b'{"schema":1', {}),
    "empty totals": (TOTALS, b"", {}),
    "a model in use that is cut": (ACTIVE_MODEL, b"{", {}),
    "a lock that is cut": ("operations/locks/letters.json", b"{", {}),
    "a dead letter that is cut": ("dead-letters/batches/m.json", b"{", {}),
}
DAMAGED |= {
    f"a batch with odd metadata: {name}": (f"batches/open/{'c' * 32}.json", b"{", odd) for name, odd in ODD.items()
}
DAMAGED |= {
    f"an operation with odd metadata: {name}": ("operations/open/20260301120000-abc.json", b"{", odd)
    for name, odd in ODD.items()
}


def damaged_world(world: PipelineOnFakes, case: str) -> PipelineOnFakes:
    """A document whose event was lost, and one blob of ours in the way."""
    name, data, metadata = DAMAGED[case]
    world.upload("lost.txt", "about billing", event=False)
    world.state.write_unhooked(name, data, metadata)
    world.clock.advance(timedelta(hours=1))
    return world


ASKED: dict[str, Callable[[PipelineOnFakes], object]] = {
    "status": lambda world: world.services.status(),
    "health": lambda world: world.services.health(),
    "document": lambda world: world.services.document_report("lost.txt"),
    "batches": lambda world: world.services.batch_report.list(),
    "operations": lambda world: world.services.operations.list("letters"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_people_are_answered(world: PipelineOnFakes, case: str) -> None:
    damaged_world(world, case)
    for ask in ASKED.values():
        assert ask(world) is not None


@pytest.mark.parametrize("case", DAMAGED)
def test_a_lost_document_is_found_and_classified(world: PipelineOnFakes, case: str) -> None:
    damaged_world(world, case)
    world.services.reconcile()
    world.deliver_for(30)
    assert world.violations() == []
    assert world.failure_codes() == []


@pytest.mark.parametrize("case", [each for each in DAMAGED if "model" not in each])
def test_the_sweep_does_all_it_can(world: PipelineOnFakes, case: str) -> None:
    damaged_world(world, case)
    world.services.sweep()


@pytest.mark.parametrize("odd", ODD)
def test_a_good_batch_with_odd_metadata_is_revived_and_has_its_own_again(world: PipelineOnFakes, odd: str) -> None:
    world.model.model = None
    world.upload("letter.txt", "about billing")
    world.deliver_for(1)
    batch = world.the_open_one().record
    name = f"batches/open/{batch.id}.json"
    world.state.write_unhooked(name, batch.to_json(), ODD[odd])
    world.queues["batches"].clear()
    world.clock.advance(timedelta(hours=1))
    world.services.sweep()
    assert len(world.queued_steps()) == 1
    metadata = world.state.blobs[name].info.metadata
    assert (metadata["documents"], metadata["state"]) == ("1", "planned")


@pytest.mark.parametrize("case", [each for each in DAMAGED if "totals" in each])
def test_totals_that_cannot_be_read_are_replaced_by_the_next_pass(
    world: PipelineOnFakes, case: str, caplog: pytest.LogCaptureFixture
) -> None:
    damaged_world(world, case)
    status = world.services.status()
    assert status.documents is None
    assert "status/totals.json" in status.problems[0]
    assert f"state_unreadable blob={TOTALS}" in caplog.text
    with pytest.raises(StateUnreadableError):
        read_totals(world.state)
    world.services.reconcile()
    assert world.services.status().problems == []


def test_status_and_health_say_that_the_model_in_use_cannot_be_read(world: PipelineOnFakes) -> None:
    damaged_world(world, "a model in use that is cut")
    status = world.services.status()
    assert status.active_model is None
    assert "models/active.json" in status.problems[0]
    part = world.services.health().parts["model in use"]
    assert not part.healthy
    assert (part.problem or "").startswith("StateUnreadableError: models/active.json")


def test_documents_wait_for_a_model_that_cannot_be_read_and_say_why(world: PipelineOnFakes) -> None:
    world.batch_steps = world.services.batch_steps
    world.publish()
    world.state.write_unhooked(ACTIVE_MODEL, b"{")
    world.services.active_model.forget()
    world.upload("letter.txt", "about billing")
    world.deliver_for(60)
    assert world.failure_codes() == []
    assert world.max_dequeue == 1
    assert "models/active.json" in (world.the_open_one().record.waiting or "")
    assert world.services.status().batches.waiting_for_model.batches == 1
    world.publish()
    world.run()
    assert world.classified() == ["letter.txt.json"]


def test_one_document_that_cannot_be_sent_leaves_the_others_to_reconcile(world: PipelineOnFakes) -> None:
    for number in range(3):
        world.upload(f"letter-{number}.txt", "about billing", event=False)
    world.clock.advance(timedelta(hours=1))
    sent: list[str] = []

    def bug(name: str) -> None:
        if name == "documents-queue.send":
            sent.append(name)
            if len(sent) == 2:
                raise ZeroDivisionError

    world.disturb = bug
    with pytest.raises(ZeroDivisionError):
        world.services.reconcile()
    assert len(world.queued_documents()) == 2
    totals = read_totals(world.state)
    assert totals is not None
    assert totals.sent == 2
