"""The service refuses every request, whatever the text: no document is to blame, so documents wait.

An expired deployment is such a case, an API version that the service no longer takes another (InvalidTask). A refusal
that only some documents get stays theirs.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from datetime import date, timedelta

import httpx
import pytest

from shared.batches.batch import Batch, BatchState
from shared.batches.refusals import ASK_AGAIN
from shared.language.probe import PROBE_TEXT
from shared.models.active_model import Active, InUse
from tests.fakes import START
from tests.faults.disturbed import DisturbedWorld, Wire
from tests.faults.test_fault_matrix import NEXT_MODEL, assert_books_closed
from tests.faults.world import MODEL, FixedModel

TODAY = START.date()
EXPIRED = {"code": "InvalidRequest", "message": "Deployment 'production' has expired."}
INVALID_TASK = {
    "code": "InvalidRequest",
    "message": "Invalid request.",
    "innererror": {"code": "InvalidTask", "message": "The request holds no task this API version knows."},
}


@dataclass
class Refusing:
    """Answers POSTs with 400 while `refuses` says so of their texts, and writes down what they held."""

    world: DisturbedWorld
    error: dict[str, object] = field(default_factory=lambda: dict(EXPIRED))
    accepts: bool = False
    bad: str = ""
    status: int = 400
    posts: list[list[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        Wire(self.world, self.answer)

    def answer(self, request: httpx.Request) -> httpx.Response | None:
        if request.method != "POST":
            return None
        texts = [each["text"] for each in json.loads(request.content)["analysisInput"]["documents"]]
        self.posts.append(texts)
        is_bad = bool(self.bad) and any(self.bad in text for text in texts)
        if (self.accepts and not is_bad) or "/analyze" not in request.url.path:
            return None
        return httpx.Response(self.status, json={"error": self.error})

    @property
    def probes(self) -> int:
        return self.posts.count([PROBE_TEXT])

    @property
    def of_documents(self) -> int:
        return len(self.posts) - self.probes


def run_for(world: DisturbedWorld, minutes: float) -> None:
    world._deliver_until(world.clock() + timedelta(minutes=minutes))


def open_batches(world: DisturbedWorld) -> list[Batch]:
    blobs = world.stores["state"].blobs
    return [Batch.model_validate_json(blobs[name].data) for name in blobs if name.startswith("batches/open/")]


@pytest.mark.parametrize("error", [EXPIRED, INVALID_TASK], ids=["expired", "InvalidTask"])
def test_25_documents_whose_every_request_is_refused_cost_one_post_and_a_probe_and_wait(
    error: dict[str, object],
) -> None:
    world = DisturbedWorld()
    refusing = Refusing(world, error)
    world.upload_letters(25)
    run_for(world, 0.6)
    assert (refusing.of_documents, refusing.probes) == (1, 1)
    (batch,) = open_batches(world)
    assert (batch.state, batch.is_refused, len(batch.open_documents)) == (BatchState.PLANNED, True, 25)
    assert batch.waiting is not None
    assert "refuses every request" in batch.waiting
    assert "400 " in batch.waiting
    assert batch.waiting_since is not None
    assert START <= batch.waiting_since <= world.clock()
    assert world.failure_codes() == []


def test_later_batches_post_nothing_and_one_probe_a_minute_asks_again() -> None:
    world = DisturbedWorld()
    refusing = Refusing(world)
    world.upload_letters(250)
    run_for(world, 30)
    assert refusing.of_documents == 1, "no batch but the first one sends its documents"
    assert 5 <= refusing.probes <= 1 + 30 * timedelta(minutes=1) / ASK_AGAIN
    assert len(open_batches(world)) == 10
    assert world.failure_codes() == []
    world.upload("late.txt", "a late letter about billing")
    before = len(refusing.posts)
    run_for(world, 30)
    assert refusing.of_documents == 1
    assert len(refusing.posts) - before <= 30 * timedelta(minutes=1) / ASK_AGAIN
    assert world.max_dequeue == 1


def test_work_goes_on_by_itself_when_the_service_accepts_again() -> None:
    world = DisturbedWorld()
    refusing = Refusing(world)
    world.upload_letters(250)
    run_for(world, 30)
    refusing.accepts = True
    back = world.clock()
    world.run()
    assert_books_closed(world)
    assert len(world.classified()) == 250
    assert world.extra_submissions() == 0
    assert world.clock() <= back + timedelta(minutes=15)


def test_a_model_that_is_published_meanwhile_is_used_at_once() -> None:
    world = DisturbedWorld()
    refusing = Refusing(world)
    world.upload_letters(50)
    run_for(world, 30)
    refusing.accepts = True
    world.service.models.add("model-2")
    world.model.model = NEXT_MODEL
    before = refusing.probes
    world.run()
    assert_books_closed(world)
    assert {job.model_id for job in world.service.jobs.values()} == {"model-2"}
    assert refusing.probes == before, "nothing is known against the new model"


def test_a_document_that_is_refused_alone_is_its_own_failure_and_costs_two_probes() -> None:
    world = DisturbedWorld()
    refusing = Refusing(world, accepts=True, bad="letter 7 ")
    world.upload_letters(25)
    world.run()
    assert_books_closed(world)
    assert world.failure_codes() == ["refused"]
    assert len(world.classified()) == 24
    assert refusing.of_documents <= 11
    # One when the batch was refused first, and one before the document ends.
    assert refusing.probes == 2


@pytest.mark.parametrize("accepts", [True, False], ids=["the document's", "the request's"])
def test_a_batch_of_one_is_told_from_a_refused_request_by_one_probe(accepts: bool) -> None:
    world = DisturbedWorld()
    refusing = Refusing(world, accepts=accepts, bad="letter")
    world.upload_letters(1)
    run_for(world, 0.6)
    assert (refusing.of_documents, refusing.probes) == (1, 1)
    assert world.failure_codes() == (["refused"] if accepts else [])
    assert len(open_batches(world)) == (0 if accepts else 1)


def test_a_refusal_that_points_at_a_document_needs_no_probe() -> None:
    world = DisturbedWorld()
    error = {"code": "InvalidRequest", "message": "odd", "target": "#/analysisInput/documents/0"}
    refusing = Refusing(world, dict(error), accepts=True, bad="letter")
    world.upload_letters(1)
    world.run()
    assert (refusing.of_documents, refusing.probes) == (1, 0)
    assert world.failure_codes() == ["refused"]


def test_a_bad_document_that_waited_with_the_others_still_ends_as_its_own_failure() -> None:
    world = DisturbedWorld()
    refusing = Refusing(world, bad="letter 7 ")
    world.upload_letters(25)
    run_for(world, 10)
    refusing.accepts = True
    world.run()
    assert_books_closed(world)
    assert world.failure_codes() == ["refused"]
    assert len(world.classified()) == 24


@dataclass
class ExpiringModel(FixedModel):
    """A model in use whose deployment's end is known."""

    expires: date | None = TODAY

    def find(self) -> InUse:
        return Active(MODEL, self.expires)


@pytest.mark.parametrize("days", [0, -30], ids=["today", "a month ago"])
def test_past_its_known_expiry_a_refusal_needs_no_probe_and_the_reason_says_expired(days: int) -> None:
    world = DisturbedWorld()
    expired = START.date() + timedelta(days=days)
    world.model = ExpiringModel(expires=expired)
    world.start_process()
    refusing = Refusing(world)
    world.upload_letters(25)
    run_for(world, 0.6)
    assert (refusing.of_documents, refusing.probes) == (1, 0)
    (batch,) = open_batches(world)
    assert f"expired on {expired}" in (batch.waiting or "")


def test_an_expiry_that_was_put_off_holds_nothing_back() -> None:
    world = DisturbedWorld()
    world.model = ExpiringModel()
    world.start_process()
    refusing = Refusing(world, accepts=True, bad="letter 7 ")
    world.upload_letters(25)
    world.run()
    assert_books_closed(world)
    assert world.failure_codes() == ["refused"]
    assert len(world.classified()) == 24
    # At once taken for expired; a minute later the probe is accepted, and the batch is sent again and halved.
    assert refusing.of_documents <= 1 + 11


def test_a_probe_that_gets_no_answer_ends_no_document() -> None:
    world = DisturbedWorld()
    refusing = Refusing(world)

    def answer(request: httpx.Request) -> httpx.Response | None:
        if request.method == "POST" and PROBE_TEXT.encode() in request.content:
            return httpx.Response(503)
        return refusing.answer(request)

    world.service.answer = answer
    world.upload_letters(1)
    run_for(world, 30)
    assert world.failure_codes() == []
    refusing.accepts = True
    world.run()
    assert_books_closed(world)
    assert len(world.classified()) == 1


def test_the_log_says_once_that_requests_are_refused_and_once_that_they_are_accepted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    world = DisturbedWorld()
    refusing = Refusing(world)
    world.upload_letters(50)
    run_for(world, 30)
    refusing.accepts = True
    world.run()
    lines = [record.getMessage() for record in caplog.records]
    assert sum(line.startswith("submissions_refused ") for line in lines) == 1
    assert sum(line.startswith("submissions_accepted ") for line in lines) == 1


def test_a_document_whose_later_part_is_refused_like_every_request_waits_and_is_classified_by_one_model() -> None:
    world = DisturbedWorld()
    refusing = Refusing(world, accepts=True)

    def expire_after_the_first_part(request: httpx.Request) -> httpx.Response | None:
        if request.method == "POST" and len(world.service.jobs) == 1:
            refusing.accepts = False
        return refusing.answer(request)

    world.service.answer = expire_after_the_first_part
    world.upload("long.txt", "shipping and billing. " * 15_000)
    run_for(world, 30)
    assert world.failure_codes() == []
    (batch,) = open_batches(world)
    assert batch.is_refused
    world.service.answer = lambda _: None
    world.run()
    assert_books_closed(world)
    assert world.classified() == ["long.txt.json"]
