"""What the host gave up on is kept, and its documents get a failure record."""

from __future__ import annotations

import json

import pytest

from shared.messages import StepMessage
from tests.faults.world import MODEL
from tests.services_on_fakes import PipelineOnFakes


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
    body = StepMessage(id=batch).to_text()
    world.services.batch_dead_letters.handle("m1", body=body)
    assert world.failure_codes() == ["poisoned", "poisoned"]
    assert world.open_batches() == 0
    failure = world.failure("a.txt")
    assert failure is not None
    assert "dead-letters/batches/m1.json" in failure.message
    assert kept(world, "batches", "m1")["body"] == body


def test_the_same_dead_letter_of_a_batch_twice_changes_nothing(world: PipelineOnFakes) -> None:
    body = StepMessage(id=open_batch(world)).to_text()
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
    assert "batch_unreadable" in caplog.text
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


def test_an_upload_given_up_on_fails_its_current_version(world: PipelineOnFakes) -> None:
    document = world.upload("a.txt", "about billing", event=False)
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
