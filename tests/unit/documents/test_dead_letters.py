"""What the host gave up on is kept; a bug ends in failure records, and anything else is tried again."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from shared.durable.step_dead_letters import MAX_REVIVALS
from shared.errors import StorageUnavailableError
from shared.messages import StepMessage
from tests.faults.world import MODEL
from tests.services_on_fakes import PipelineOnFakes


def failing_at(call: str, error: Exception) -> Callable[[str], None]:
    def disturb(name: str) -> None:
        if name == call:
            raise error

    return disturb


def kept(world: PipelineOnFakes, queue: str, message_id: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(world.state.read(f"dead-letters/{queue}/{message_id}.json").data)
    return found


def open_batch(world: PipelineOnFakes, names: tuple[str, ...] = ("a.txt", "b.txt")) -> str:
    world.model.model = None
    for name in names:
        world.upload(name, "about billing")
    world.deliver_until(world.clock() + world.settings.grace)
    return world.the_open_one().record.id


def test_a_batch_given_up_on_fails_its_documents_with_the_reason(world: PipelineOnFakes) -> None:
    batch = open_batch(world)
    name_bug(world)
    body = StepMessage(id=batch).to_text()
    world.services.batch_dead_letters.handle("m1", body=body)
    assert world.failure_codes() == ["poisoned", "poisoned"]
    assert world.open_batches() == 0
    failure = world.failure("a.txt")
    assert failure is not None
    assert "dead-letters/batches/m1.json" in failure.message
    assert "ZeroDivisionError" in failure.message
    assert kept(world, "batches", "m1")["body"] == body


def name_bug(world: PipelineOnFakes) -> None:
    """As the step does that met it."""
    world.batches.store.save(world.the_open_one().change(failing="ZeroDivisionError"))


def test_a_batch_whose_step_shows_no_bug_is_tried_again(world: PipelineOnFakes) -> None:
    """The process died, or storage took no message: not the documents' doing."""
    body = StepMessage(id=open_batch(world)).to_text()
    world.queues["batches"].clear()
    world.services.batch_dead_letters.handle("m1", body=body)
    assert world.failure_codes() == []
    assert "tried again in 5 minutes" in world.the_open_one().record.last_event
    world.model.model = MODEL
    world.run()
    assert world.classified() == ["a.txt.json", "b.txt.json"]


def test_a_batch_that_takes_its_process_down_every_time_is_given_up_at_last(world: PipelineOnFakes) -> None:
    body = StepMessage(id=open_batch(world)).to_text()
    delays = []
    for number in range(MAX_REVIVALS):
        world.queues["batches"].clear()
        world.services.batch_dead_letters.handle(f"m{number}", body=body)
        visible = world.queues["batches"].next_visible()
        assert visible is not None
        delays.append(round((visible - world.clock()).total_seconds() / 60))
        assert world.failure_codes() == []
    assert delays == [5, 15, 45]
    world.services.batch_dead_letters.handle("last", body=body)
    assert world.failure_codes() == ["poisoned", "poisoned"]


def test_a_step_that_comes_to_its_end_begins_the_count_of_dead_letters_anew(world: PipelineOnFakes) -> None:
    stored = world.batches.store.find(open_batch(world))
    assert stored is not None
    stored = stored.change(dead_letters=MAX_REVIVALS, failing="ZeroDivisionError")
    evolved = stored.evolve(world.clock(), "a step ended").record
    assert (evolved.dead_letters, evolved.failing) == (0, None)
    noted = stored.note(world.clock(), "revived by the sweep").record
    assert (noted.dead_letters, noted.failing) == (MAX_REVIVALS, "ZeroDivisionError")


def test_the_same_dead_letter_of_a_batch_twice_changes_nothing(world: PipelineOnFakes) -> None:
    body = StepMessage(id=open_batch(world)).to_text()
    name_bug(world)
    world.services.batch_dead_letters.handle("m1", body=body)
    before = world.failure("a.txt")
    world.services.batch_dead_letters.handle("m1", body=body)
    assert world.failure("a.txt") == before
    assert world.dead_letters() == ["dead-letters/batches/m1.json"]


@pytest.mark.parametrize("body", ["", "noise", '{"schema":1,"id":"../x"}', "\ufffd" * 10])
def test_a_batch_s_message_that_cannot_be_read_is_only_kept(world: PipelineOnFakes, body: str) -> None:
    open_batch(world)
    world.services.batch_dead_letters.handle("m1", body=body)
    assert world.failure_codes() == []
    assert kept(world, "batches", "m1")["body"] == body


def test_a_batch_that_cannot_be_read_is_left_for_people(
    world: PipelineOnFakes, caplog: pytest.LogCaptureFixture
) -> None:
    batch = open_batch(world)
    world.state.write_unhooked(f"batches/open/{batch}.json", b'{"broken')
    world.services.batch_dead_letters.handle("m1", body=StepMessage(id=batch).to_text())
    assert "state_unreadable" in caplog.text
    assert world.failure_codes() == []


def test_a_wake_given_up_on_is_kept_and_another_sent_after_the_grace(world: PipelineOnFakes) -> None:
    world.services.document_dead_letters.handle_wake("m1", body="{}")
    assert kept(world, "collect", "m1")["reason"] == "collect_documents failed five times"
    visible = world.queues["collect"].next_visible()
    assert visible is not None
    assert visible - world.clock() >= world.settings.grace * 0.99


def host_message(container: str, name: str) -> str:
    """As the host writes it."""
    return json.dumps(
        {
            "Type": "BlobTrigger",
            "FunctionId": "Host.Functions.accept_document",
            "BlobType": "BlockBlob",
            "ContainerName": container,
            "BlobName": name,
            "ETag": '"0x1"',
        }
    )


def test_an_upload_given_up_on_is_accepted_when_that_works_now(world: PipelineOnFakes) -> None:
    world.upload("a.txt", "about billing", event=False)
    world.services.document_dead_letters.handle_upload("m1", body=host_message("documents", "a.txt"))
    world.run()
    assert world.failure_codes() == []
    assert world.classified() == ["a.txt.json"]
    assert world.dead_letters() == ["dead-letters/webjobs-blobtrigger-poison/m1.json"]


def test_an_upload_given_up_on_while_storage_refuses_stays_where_it_is(world: PipelineOnFakes) -> None:
    world.upload("a.txt", "about billing", event=False)
    world.disturb = failing_at("documents-queue.send", StorageUnavailableError("403"))
    with pytest.raises(StorageUnavailableError):
        world.services.document_dead_letters.handle_upload("m1", body=host_message("documents", "a.txt"))
    assert world.failure_codes() == []


def test_an_upload_that_cannot_be_accepted_again_fails_its_current_version(world: PipelineOnFakes) -> None:
    document = world.upload("a.txt", "about billing", event=False)
    world.disturb = failing_at("documents-queue.send", ZeroDivisionError())
    world.services.document_dead_letters.handle_upload("m1", body=host_message("documents", "a.txt"))
    failure = world.failure("a.txt")
    assert failure is not None
    assert (failure.document, failure.code.value) == (document, "poisoned")


OTHERS = {
    "another container": host_message("secrets", "a.txt"),
    "not a .txt": host_message("documents", "a.png"),
    "a blob that is gone": host_message("documents", "gone.txt"),
    "a name that no blob has": host_message("documents", "a\0.txt"),
    "noise": "noise",
}


@pytest.mark.parametrize("case", OTHERS)
def test_any_other_upload_message_is_only_kept(world: PipelineOnFakes, case: str) -> None:
    world.upload("a.txt", "about billing", event=False)
    world.services.document_dead_letters.handle_upload("m1", body=OTHERS[case])
    assert world.failure_codes() == []
    assert kept(world, "webjobs-blobtrigger-poison", "m1")["body"] == OTHERS[case]


def test_a_document_given_up_on_can_be_classified_once_the_cause_is_removed(world: PipelineOnFakes) -> None:
    world.services.batch_dead_letters.handle("m1", body=StepMessage(id=open_batch(world)).to_text())
    world.model.model = MODEL
    for name in ("a.txt", "b.txt"):
        world.upload(name, "about billing")
    world.run()
    assert world.violations() == []
    assert world.failure_codes() == []
