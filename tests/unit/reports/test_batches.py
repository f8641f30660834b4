"""GET /api/batches and /api/batches/{id}: open and closed batches, in short and in full."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.batches.batch import BatchDocument, plan_batch
from shared.durable import store
from tests.fakes import START
from tests.faults.world import MODEL
from tests.services_on_fakes import LONG_RUNNING, PipelineOnFakes


def listed(world: PipelineOnFakes) -> list[dict[str, Any]]:
    batches: list[dict[str, Any]] = world.services.batch_report.list().to_members()["batches"]
    return batches


def found(world: PipelineOnFakes, batch_id: str) -> dict[str, Any]:
    body = world.services.batch_report.find(batch_id)
    assert body is not None
    return body.to_members()


def as_json(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def test_open_batches_are_listed_before_closed_ones(world: PipelineOnFakes) -> None:
    world.upload("done.txt", "about billing")
    world.run()
    world.service.reads_before_done = LONG_RUNNING
    world.upload("running.txt", "about billing")
    world.deliver_for(minutes=1)
    running, (done,) = world.the_open_one().record, world.closed_batches()
    name = f"batches/closed/2026-03-01/{done.id}.json"
    assert listed(world) == [
        {
            "id": running.id,
            "state": "submitted",
            "documents": 1,
            "created": as_json(running.created),
            "due": as_json(running.due),
            "closed": None,
            "waiting_for_model": False,
        },
        {
            "id": done.id,
            "state": "closed",
            "documents": 1,
            "created": as_json(done.created),
            "due": None,
            "closed": as_json(world.state.blobs[name].info.last_modified),
            "waiting_for_model": False,
        },
    ]


def test_more_closed_batches_of_a_day_than_are_searched_are_said_to_be_there(
    world: PipelineOnFakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        world.upload(f"{number}.txt", "about billing")
        world.run()
    assert world.services.batch_report.list().searched_all
    monkeypatch.setattr(store, "MAX_SEARCHED", 2)
    found = world.services.batch_report.list()
    assert (len(found.batches), found.searched_all) == (2, False)


def test_a_batch_that_waits_for_a_model_says_so(world: PipelineOnFakes) -> None:
    world.model.model = None
    world.upload("letter.txt", "about billing")
    world.deliver_for(minutes=1)
    (summary,) = listed(world)
    assert (summary["state"], summary["waiting_for_model"]) == ("planned", True)


def test_a_batch_whose_metadata_are_lost_is_listed_as_unreadable(world: PipelineOnFakes) -> None:
    world.state.write_unhooked("batches/open/x.json", b"{}")
    (summary,) = listed(world)
    assert summary == {
        "id": "x",
        "state": "unreadable",
        "documents": 0,
        "created": None,
        "due": None,
        "closed": None,
        "waiting_for_model": False,
    }


@pytest.mark.parametrize(("days_ago", "shown"), [(6, 1), (7, 0)])
def test_closed_batches_of_the_last_seven_days_are_listed(world: PipelineOnFakes, days_ago: int, shown: int) -> None:
    close_one(world, days_ago)
    assert len(listed(world)) == shown


@pytest.mark.parametrize(("days_ago", "is_found"), [(29, True), (30, False)])
def test_a_closed_batch_is_found_for_thirty_days(world: PipelineOnFakes, days_ago: int, is_found: bool) -> None:
    batch_id = close_one(world, days_ago)
    assert (world.services.batch_report.find(batch_id) is not None) is is_found


def close_one(world: PipelineOnFakes, days_ago: int) -> str:
    document = BatchDocument(document=world.upload("letter.txt", "about billing", event=False))
    stored = world.batches.store.create(plan_batch([document], START - timedelta(days=days_ago)))
    assert stored is not None
    world.batches.store.close(stored)
    return stored.record.id


def test_a_batch_is_found_in_full_while_it_is_open(world: PipelineOnFakes) -> None:
    world.service.reads_before_done = LONG_RUNNING
    document = world.upload("letter.txt", "about billing")
    world.deliver_for(minutes=1)
    batch = world.the_open_one().record
    (job,) = batch.jobs
    assert found(world, batch.id) == {
        "id": batch.id,
        "state": "submitted",
        "created": as_json(batch.created),
        "due": as_json(batch.due),
        "api_version": "2021-preview",
        "model": MODEL.model_dump(mode="json"),
        "waiting": None,
        "deferred": None,
        "failing": None,
        "dead_letters": 0,
        "documents": [
            {
                "document": {
                    "name": "letter.txt",
                    "etag": document.etag,
                    "last_modified": "2026-03-01T12:00:00Z",
                    "size": 13,
                },
                "source": "event",
                "attempt": 0,
                "requested": None,
                "is_first": True,
                "record_etag": None,
                "outcome": None,
            }
        ],
        "jobs": [
            {
                "job_id": job.job_id,
                "submitted": as_json(job.submitted),
                "expires": as_json(job.submitted + timedelta(hours=24)),
                "texts": {f"{batch.id[:8]}.0": 13},
                "warnings": {},
            }
        ],
        "history": [
            {"at": as_json(batch.created), "what": "planned"},
            {"at": as_json(job.submitted), "what": f"submitted 1 texts as job {job.job_id}"},
        ],
    }


def test_a_closed_batch_keeps_its_history_and_the_outcomes(world: PipelineOnFakes) -> None:
    world.upload("letter.txt", "about billing")
    world.run()
    (batch,) = world.closed_batches()
    body = found(world, batch.id)
    assert body["state"] == "closed"
    assert [each["outcome"] for each in body["documents"]] == ["classified"]
    assert [each["what"] for each in body["history"]] == [
        "planned",
        f"submitted 1 texts as job {batch.jobs[0].job_id}",
        "classified 1, failed 0, resubmitted 0",
    ]


@pytest.mark.parametrize(
    "batch_id", ["0" * 32, "", "..", "0" * 31, "0" * 33, "G" * 32, "models/active", "0" * 32 + "\n"]
)
def test_an_unknown_batch_is_not_found(world: PipelineOnFakes, batch_id: str) -> None:
    assert world.services.batch_report.find(batch_id) is None


def test_what_no_batch_was_ever_called_costs_no_call(world: PipelineOnFakes) -> None:
    world.services.batch_report.find("../models/active")
    assert world.trace == []
