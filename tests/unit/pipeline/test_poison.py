"""What the host gave up on is kept, and its documents get a failure record."""

from __future__ import annotations

import json

import pytest

from shared.messages import JobMessage
from shared.pipeline.manifests import active_name, list_open, manifest_id_of
from shared.pipeline.poison import bury_job, bury_upload, bury_wake
from tests.faults.disturbed import DisturbedWorld


def kept(world: DisturbedWorld, queue: str, message_id: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(world.stores["state"].read(f"poison/{queue}/{message_id}.json").data)
    return found


def open_job(world: DisturbedWorld, names: tuple[str, ...] = ("a.txt", "b.txt")) -> str:
    world.model.model = None
    for name in names:
        world.upload(name, "about billing")
    world._deliver_until(world.clock() + world.settings.grace)
    return manifest_id_of(next(list_open(world.pipeline)))


def test_a_job_given_up_on_fails_its_documents_with_the_reason(world: DisturbedWorld) -> None:
    job = open_job(world)
    body = JobMessage(id=job).to_text()
    bury_job(world.pipeline, "m1", body)
    assert world.failure_codes() == ["poisoned", "poisoned"]
    assert world.open_manifests() == 0
    failure = world.failure("a.txt")
    assert failure is not None
    assert "poison/jobs/m1.json" in failure.message
    assert kept(world, "jobs", "m1")["body"] == body


def test_burying_a_job_twice_changes_nothing(world: DisturbedWorld) -> None:
    body = JobMessage(id=open_job(world)).to_text()
    bury_job(world.pipeline, "m1", body)
    before = world.failure("a.txt")
    bury_job(world.pipeline, "m1", body)
    assert world.failure("a.txt") == before
    assert world.parked() == ["poison/jobs/m1.json"]


@pytest.mark.parametrize("body", ["", "noise", '{"schema":1,"id":"../x"}', "\ufffd" * 10])
def test_a_job_message_nobody_can_read_is_only_kept(world: DisturbedWorld, body: str) -> None:
    open_job(world)
    bury_job(world.pipeline, "m1", body)
    assert world.failure_codes() == []
    assert kept(world, "jobs", "m1")["body"] == body


def test_a_manifest_nobody_can_read_is_left_for_people(world: DisturbedWorld, caplog: pytest.LogCaptureFixture) -> None:
    job = open_job(world)
    world.stores["state"].put(active_name(job), b'{"broken')
    bury_job(world.pipeline, "m1", JobMessage(id=job).to_text())
    assert "manifest_unreadable" in caplog.text
    assert world.failure_codes() == []


def test_a_wake_given_up_on_is_kept_and_another_sent_after_the_grace(world: DisturbedWorld) -> None:
    bury_wake(world.pipeline, "m1", "{}")
    assert kept(world, "collect", "m1")["reason"] == "collect_documents failed five times"
    visible = world.queues["collect"].next_visible()
    assert visible is not None
    assert visible - world.clock() >= world.settings.grace * 0.99


def blob_trigger_poison(container: str, name: str) -> str:
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


def test_an_upload_given_up_on_fails_its_current_version(world: DisturbedWorld) -> None:
    document = world.upload("a.txt", "about billing", event=False)
    bury_upload(world.pipeline, "m1", blob_trigger_poison("documents", "a.txt"))
    failure = world.failure("a.txt")
    assert failure is not None
    assert (failure.document, failure.code.value) == (document, "poisoned")


OTHERS = {
    "another container": blob_trigger_poison("secrets", "a.txt"),
    "not a .txt": blob_trigger_poison("documents", "a.png"),
    "a blob that is gone": blob_trigger_poison("documents", "gone.txt"),
    "noise": "noise",
}


@pytest.mark.parametrize("case", OTHERS)
def test_any_other_upload_message_is_only_kept(world: DisturbedWorld, case: str) -> None:
    world.upload("a.txt", "about billing", event=False)
    bury_upload(world.pipeline, "m1", OTHERS[case])
    assert world.failure_codes() == []
    assert kept(world, "webjobs-blobtrigger-poison", "m1")["body"] == OTHERS[case]


def test_a_buried_document_can_be_classified_once_the_cause_is_mended(world: DisturbedWorld) -> None:
    bury_job(world.pipeline, "m1", JobMessage(id=open_job(world)).to_text())
    world.model.model = DisturbedWorld().model.model
    for name in ("a.txt", "b.txt"):
        world.upload(name, "about billing")
    world.run()
    assert world.violations() == []
    assert world.failure_codes() == []
