"""Where everything is, for people and alerts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from shared.pipeline.reconcile import reconcile_documents
from shared.pipeline.status import classify_again, document_status, job_status, list_jobs, pipeline_status

from tests.fakes import START
from tests.faults.world import MODEL
from tests.services_on_fakes import PipelineOnFakes


def state_of(world: PipelineOnFakes, name: str) -> str | None:
    status = document_status(world.pipeline, name)
    return None if status is None else status["state"]


# the pipeline


def test_an_empty_pipeline_waits_for_nothing(world: PipelineOnFakes) -> None:
    status = pipeline_status(world.pipeline)
    assert status["queues"] == {"documents": 0, "collect": 0, "jobs": 0}
    assert status["oldest_waiting"] is None
    assert status["documents"] is None
    assert status["recent_failures"] == []


def test_jobs_are_counted_by_state_with_their_documents(world: PipelineOnFakes) -> None:
    world.service.reads_before_done = 1_000_000
    world.upload_letters(30)
    world.deliver_until(world.clock() + timedelta(minutes=1))
    jobs = pipeline_status(world.pipeline)["jobs"]
    assert jobs["submitted"] == {"jobs": 2, "documents": 30}
    assert jobs["planned"] == {"jobs": 0, "documents": 0}
    assert jobs["listed_all"] is True


def test_jobs_without_a_model_are_counted_apart(world: PipelineOnFakes) -> None:
    world.model.model = None
    world.upload_letters(3)
    world.deliver_until(world.clock() + timedelta(minutes=1))
    status = pipeline_status(world.pipeline)
    assert status["jobs"]["waiting_for_model"] == {"jobs": 1, "documents": 3}


def test_the_oldest_waiting_is_the_oldest_message_or_job(world: PipelineOnFakes) -> None:
    world.model.model = None
    world.upload_letters(3)
    world.deliver_until(world.clock() + timedelta(minutes=1))
    oldest = pipeline_status(world.pipeline)["oldest_waiting"]
    assert START.isoformat() <= oldest <= (START + timedelta(seconds=10)).isoformat()


def test_totals_are_those_of_the_last_reconcile(world: PipelineOnFakes) -> None:
    world.upload("a.txt", "about billing")
    world.upload("b.txt", " ")
    world.run()
    reconcile_documents(world.pipeline)
    documents = pipeline_status(world.pipeline)["documents"]
    assert (documents["documents"], documents["classified"], documents["failed"]) == (2, 1, 1)


def test_the_twenty_newest_failures_are_shown_newest_first(world: PipelineOnFakes) -> None:
    for number in range(25):
        world.upload(f"{number:02}.txt", " ")
        world.run()
        world.clock.advance(timedelta(seconds=5))
    failures = pipeline_status(world.pipeline)["recent_failures"]
    assert [each["record"] for each in failures] == [f"{number:02}.txt.json" for number in range(24, 4, -1)]
    assert failures[0]["code"] == "empty"


# one document


def test_a_document_nobody_knows_has_no_status(world: PipelineOnFakes) -> None:
    assert document_status(world.pipeline, "nowhere.txt") is None


def test_a_document_goes_from_waiting_over_its_job_to_classified(world: PipelineOnFakes) -> None:
    world.model.model = None
    world.upload("letter.txt", "about billing")
    assert state_of(world, "letter.txt") == "waiting"
    world.deliver_until(world.clock() + timedelta(minutes=1))
    status = document_status(world.pipeline, "letter.txt")
    assert status is not None
    assert (status["state"], status["job"]["state"]) == ("planned", "planned")
    assert "no model" in status["why"]
    world.model.model = MODEL
    world.run()
    status = document_status(world.pipeline, "letter.txt")
    assert status is not None
    assert status["state"] == "classified"
    assert [each["name"] for each in status["classification"]["classes"]] == ["billing"]
    assert status["failure"] is None


def test_a_failed_document_says_why(world: PipelineOnFakes) -> None:
    world.upload("letter.txt", bytes(range(256)))
    world.run()
    status = document_status(world.pipeline, "letter.txt")
    assert status is not None
    assert (status["state"], status["failure"]["code"]) == ("failed", "binary")
    assert status["why"] == status["failure"]["message"]


def test_a_newer_version_waits_although_the_older_has_a_record(world: PipelineOnFakes) -> None:
    world.upload("letter.txt", "about billing")
    world.run()
    world.upload("letter.txt", "about shipping", event=False)
    status = document_status(world.pipeline, "letter.txt")
    assert status is not None
    assert status["state"] == "waiting"
    assert "older version" in status["why"]


def test_a_deleted_document_keeps_its_record(world: PipelineOnFakes) -> None:
    world.upload("letter.txt", "about billing")
    world.run()
    world.remove("letter.txt")
    assert state_of(world, "letter.txt") == "deleted"


def test_a_blob_that_is_no_document_is_ignored(world: PipelineOnFakes) -> None:
    world.upload("picture.png", "about billing", event=False)
    assert state_of(world, "picture.png") == "ignored"


@pytest.mark.parametrize("name", ["../state/models/active", "..", "./letter.txt", "a/../../state/x"])
def test_a_name_that_climbs_out_of_the_container_is_unknown(world: PipelineOnFakes, name: str) -> None:
    assert document_status(world.pipeline, name) is None


# jobs


def test_jobs_are_listed_open_ones_first(world: PipelineOnFakes) -> None:
    world.upload("done.txt", "about billing")
    world.run()
    world.service.reads_before_done = 1_000_000
    world.upload("running.txt", "about billing")
    world.deliver_until(world.clock() + timedelta(minutes=1))
    jobs = list_jobs(world.pipeline)
    assert [job["state"] for job in jobs] == ["submitted", "closed"]


def test_a_job_is_found_open_and_closed_with_its_history(world: PipelineOnFakes) -> None:
    world.upload("letter.txt", "about billing")
    world.deliver_until(world.clock() + timedelta(seconds=3))
    job = list_jobs(world.pipeline)[0]["id"]
    opened = job_status(world.pipeline, job)
    world.run()
    closed = job_status(world.pipeline, job)
    assert opened is not None
    assert closed is not None
    assert len(opened["events"]) < len(closed["events"])
    assert closed["documents"][0]["outcome"] == "classified"


def test_an_unknown_job_has_no_status(world: PipelineOnFakes) -> None:
    assert job_status(world.pipeline, "0" * 32) is None


# again


def test_classify_again_sends_the_current_version_whatever_record_it_has(world: PipelineOnFakes) -> None:
    world.upload("letter.txt", "about billing")
    world.run()
    document = classify_again(world.pipeline, "letter.txt")
    assert document is not None
    world.run()
    assert sum(world.service.submissions.values()) == 2
    assert world.violations() == []


def test_classify_again_knows_when_there_is_no_such_document(world: PipelineOnFakes) -> None:
    assert classify_again(world.pipeline, "nowhere.txt") is None
