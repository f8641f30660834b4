"""Submitting again: whole, in halves, apart, or not any more; three submissions of a document at most."""

from __future__ import annotations

import httpx
import pytest

from shared.batches.batch import MAX_ATTEMPTS, Batch, BatchDocument, BatchState, JobReference, Outcome, plan_batch
from shared.batches.resubmit import Resubmit
from shared.documents.ref import FailureCode
from shared.durable.steps import Done, Next, StepLater
from shared.durable.store import Stored
from tests.fakes import START
from tests.faults.disturbed import Wire
from tests.faults.world import MODEL
from tests.services_on_fakes import PipelineOnFakes


def resubmit(world: PipelineOnFakes) -> Resubmit:
    return world.services.batch_steps.poll.resubmit


def submitted(world: PipelineOnFakes, *attempts: int, ended: dict[int, Outcome] | None = None) -> Stored[Batch]:
    documents = [
        BatchDocument(
            document=world.upload(f"{number:02}.txt", "about billing", event=False), attempt=each, record_etag='"old"'
        )
        for number, each in enumerate(attempts)
    ]
    batch = plan_batch(documents, START)
    job = JobReference(job_id="job-1", submitted=START, expires=START, texts={"0": 13})
    changes = {
        "state": BatchState.SUBMITTED,
        "model": MODEL,
        "api_version": "2021-preview",
        "jobs": (job,),
        "documents": batch.with_outcomes(ended or {}),
    }
    stored = world.batches.store.create(batch.model_copy(update=changes))
    assert stored is not None
    world.trace.clear()
    return stored


def others(world: PipelineOnFakes, stored: Stored[Batch]) -> list[Batch]:
    return [each.record for each in world.open() if each.record.id != stored.record.id]


def outcomes(following: Next[Batch]) -> list[Outcome | None]:
    assert isinstance(following, Done)
    return [each.outcome for each in following.stored.record.documents]


def attempts(batch: Batch) -> list[int]:
    return [each.attempt for each in batch.documents]


# whole


def test_a_whole_batch_goes_back_to_planned_without_what_its_submission_left(world: PipelineOnFakes) -> None:
    stored = submitted(world, 0, 0)
    following = resubmit(world).whole(stored, FailureCode.JOB_FAILED, "the job failed")
    assert isinstance(following, StepLater)
    batch = world.the_open_one().record
    assert following.stored.record == batch, "it is saved before a message is sent"
    assert (batch.state, batch.model, batch.api_version, batch.jobs) == (BatchState.PLANNED, None, None, ())
    assert attempts(batch) == [1, 1]
    assert batch.id == stored.record.id
    assert batch.history[-1].what == "resubmitted: the job failed"


def test_documents_that_have_ended_keep_their_outcome_and_their_count(world: PipelineOnFakes) -> None:
    stored = submitted(world, 0, 0, ended={0: Outcome.DELETED})
    resubmit(world).whole(stored, FailureCode.JOB_FAILED, "failed")
    batch = world.the_open_one().record
    assert [(each.attempt, each.outcome) for each in batch.documents] == [(0, Outcome.DELETED), (1, None)]


@pytest.mark.parametrize(("attempt", "goes_on"), [(0, True), (1, True), (2, False)])
def test_the_third_submission_of_a_whole_batch_is_its_last(world: PipelineOnFakes, attempt: int, goes_on: bool) -> None:
    following = resubmit(world).whole(submitted(world, attempt, 0), FailureCode.JOB_EXPIRED, "expired")
    assert isinstance(following, StepLater if goes_on else Done)
    assert world.failure_codes() == ([] if goes_on else ["job_expired", "job_expired"])


def test_the_count_of_a_document_that_has_ended_does_not_end_the_others(world: PipelineOnFakes) -> None:
    stored = submitted(world, 2, 0, ended={0: Outcome.DELETED})
    assert isinstance(resubmit(world).whole(stored, FailureCode.JOB_FAILED, "failed"), StepLater)


def test_the_reason_of_the_last_failure_tells_how_often_it_was_tried(world: PipelineOnFakes) -> None:
    resubmit(world).whole(submitted(world, 2), FailureCode.JOB_FAILED, "the job failed")
    failure = world.failure("00.txt")
    assert failure is not None
    assert failure.message == "the job failed (3 attempts)"


# halves


def test_a_refused_batch_goes_on_in_two_halves_that_count_as_no_attempt(world: PipelineOnFakes) -> None:
    stored = submitted(world, 0, 1, 0, 0, 0)
    following = resubmit(world).halves(stored, "refused")
    assert outcomes(following) == [Outcome.RESUBMITTED] * 5
    halves = sorted(others(world, stored), key=lambda batch: batch.documents[0].document.name)
    assert [[each.document.name for each in half.documents] for half in halves] == [
        ["00.txt", "01.txt"],
        ["02.txt", "03.txt", "04.txt"],
    ]
    assert [attempts(half) for half in halves] == [[0, 1], [0, 0, 0]]
    assert {message.id for message in world.queued_steps()} == {half.id for half in halves}
    assert all(each.record_etag is None for half in halves for each in half.documents)


def test_only_open_documents_go_on_in_halves(world: PipelineOnFakes) -> None:
    stored = submitted(world, 0, 0, 0, ended={1: Outcome.SUPERSEDED})
    following = resubmit(world).halves(stored, "refused")
    assert outcomes(following) == [Outcome.RESUBMITTED, Outcome.SUPERSEDED, Outcome.RESUBMITTED]
    assert sorted(each.documents[0].document.name for each in others(world, stored)) == ["00.txt", "02.txt"]


def test_a_refused_batch_of_one_is_a_failure_record(world: PipelineOnFakes) -> None:
    stored = submitted(world, 0, 0, ended={0: Outcome.DELETED})
    assert outcomes(resubmit(world).halves(stored, "refused")) == [Outcome.DELETED, Outcome.FAILED]
    assert world.failure_codes() == ["refused"]
    assert others(world, stored) == []


def test_one_bad_document_among_25_is_isolated_and_the_others_are_classified(world: PipelineOnFakes) -> None:
    """Five halvings: 25, 12, 6, 3, 1 at the worst."""

    def refuse(request: httpx.Request) -> httpx.Response | None:
        if request.method == "POST" and b"the bad one" in request.content:
            return httpx.Response(400, json={"error": {"code": "InvalidRequest", "message": "odd"}})
        return None

    wire = Wire(world, refuse)
    for number in range(25):
        world.upload(f"{number:02}.txt", "the bad one" if number == 13 else f"{number} about billing")
    world.run()
    assert world.failure_codes() == ["refused"]
    assert len(world.classified()) == 24
    assert world.violations() == []
    # With two probes: when the batch is refused first, and before the document ends.
    assert sum(method == "POST" for _, method, _ in wire.requests) <= 13


# apart


def test_documents_apart_are_a_batch_with_the_reason_and_a_message(world: PipelineOnFakes) -> None:
    stored = submitted(world, 0, 0)
    resubmit(world).apart([stored.record.documents[1].model_copy(update={"attempt": 1})], "not mentioned")
    (apart,) = others(world, stored)
    assert [each.document.name for each in apart.documents] == ["01.txt"]
    assert [event.what for event in apart.history] == ["not mentioned"]
    assert [message.id for message in world.queued_steps()] == [apart.id]


def test_going_apart_twice_after_a_crash_makes_one_batch(world: PipelineOnFakes) -> None:
    stored = submitted(world, 0)
    leaving = [stored.record.documents[0].model_copy(update={"attempt": 1})]
    for _ in range(2):
        resubmit(world).apart(leaving, "not mentioned")
    assert len(others(world, stored)) == 1
    assert len(world.queued_steps()) == 2, "the second message repeats a step, which is harmless"


# give_up


def test_giving_up_fails_every_open_document_and_names_batch_model_and_reason(world: PipelineOnFakes) -> None:
    stored = submitted(world, 0, 0, ended={0: Outcome.CLASSIFIED})
    following = resubmit(world).give_up(stored, FailureCode.POISONED, "a step failed five times")
    assert outcomes(following) == [Outcome.CLASSIFIED, Outcome.FAILED]
    failure = world.failure("01.txt")
    assert failure is not None
    assert (failure.code, failure.message) == (FailureCode.POISONED, "a step failed five times")
    assert (failure.batch, failure.model) == (stored.record.id, MODEL.label)
    assert following.stored.record.history[-1].what == "failed: a step failed five times"


# one counter


MISBEHAVING: dict[str, dict[str, object]] = {
    "every job fails": {"status": "failed", "errors": [{"code": "X", "message": "x"}]},
    "every answer leaves the document out": {"status": "succeeded", "errors": []},
}


@pytest.mark.parametrize("case", MISBEHAVING)
def test_a_document_is_submitted_three_times_whatever_goes_wrong(world: PipelineOnFakes, case: str) -> None:
    """Whether its batch is submitted again or it leaves its batch: the count goes with the document."""

    def answer(request: httpx.Request) -> httpx.Response | None:
        if request.method == "POST":
            return None
        tasks = {"completed": 1, "failed": 0, "inProgress": 0, "total": 1}
        times = dict.fromkeys(
            ("createdDateTime", "lastUpdateDateTime", "expirationDateTime"), world.clock().isoformat()
        )
        return httpx.Response(200, json={"jobId": "j", **times, **MISBEHAVING[case], "tasks": tasks})

    world.service.answer = answer
    world.upload("letter.txt", "about billing")
    world.run()
    assert world.service.submissions["about billing"] == MAX_ATTEMPTS == 3
    assert len(world.failure_codes()) == 1
    assert world.violations() == []
