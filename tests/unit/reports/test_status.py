"""GET /api/status: where everything is, for people and alerts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from scipy import stats

from shared.batches.batch import BatchFacts, BatchState
from shared.durable.store import Listed
from shared.errors import StateUnreadableError
from shared.language.values import ModelRef
from shared.models.acceptance import Acceptance, AcceptanceRule, Audited, Right, Threshold
from shared.reports import status as status_report
from shared.reports.bodies import LISTED
from shared.reports.status import count_batches
from tests.fakes import START
from tests.faults.world import MODEL
from tests.services_on_fakes import LONG_RUNNING, PipelineOnFakes

NOON = "2026-03-01T12:00:00Z"
NONE = {"batches": 0, "documents": 0}


def status(world: PipelineOnFakes) -> dict[str, Any]:
    return world.services.status().to_members()


def test_an_empty_pipeline_waits_for_nothing(world: PipelineOnFakes) -> None:
    found = status(world)
    assert START <= datetime.fromisoformat(found.pop("as_of")) <= START + timedelta(seconds=1)
    assert found == {
        "documents": None,
        "batches": {"planned": NONE, "submitted": NONE, "waiting_for_model": NONE, "listed_all": True},
        "waiting": None,
        "queues": {"documents": 0, "collect": 0, "batches": 0},
        "throughput": {"batches": 0, "documents": 0, "listed_all": True},
        "oldest_waiting": None,
        "recent_failures": [],
        "searched_all_failures": True,
        "active_model": None,
        "acceptance": None,
        "waits": [],
        "problems": [],
    }


def test_batches_are_counted_by_state_with_their_documents(world: PipelineOnFakes) -> None:
    world.service.reads_before_done = LONG_RUNNING
    world.upload_letters(30)
    world.deliver_for(minutes=1)
    assert status(world)["batches"] == {
        "planned": NONE,
        "submitted": {"batches": 2, "documents": 30},
        "waiting_for_model": NONE,
        "listed_all": True,
    }


def test_batches_without_a_model_are_counted_apart(world: PipelineOnFakes) -> None:
    world.model.model = None
    world.upload_letters(3)
    world.deliver_for(minutes=1)
    found = status(world)
    assert found["batches"]["waiting_for_model"] == {"batches": 1, "documents": 3}
    assert found["waiting"]["why"] == "no model is in use: publish one, or set LANGUAGE_MODEL"
    assert START <= datetime.fromisoformat(found["waiting"]["since"]) <= START + timedelta(minutes=1)
    assert found["waiting"]["batch"] == world.the_open_one().record.id
    assert found["batches"]["planned"] == NONE
    assert found["queues"] == {"documents": 0, "collect": 0, "batches": 1}


def listed(state: BatchState = BatchState.PLANNED, *, documents: int = 2, waiting: bool = False) -> Listed[BatchFacts]:
    facts = BatchFacts(created=START, due=START, state=state, documents=documents, waiting=waiting)
    return Listed("b1", facts, START)


def test_a_batch_whose_facts_cannot_be_read_counts_as_planned_with_no_documents() -> None:
    found = count_batches([Listed("b1", None, START), listed(documents=4)]).to_members()
    assert found["planned"] == {"batches": 2, "documents": 4}


@pytest.mark.parametrize(("count", "all_of_them"), [(LISTED - 1, True), (LISTED, False)])
def test_it_is_said_when_not_all_open_batches_were_listed(count: int, all_of_them: bool) -> None:
    assert count_batches([listed()] * count).listed_all is all_of_them


def test_the_oldest_waiting_is_the_oldest_message_or_batch(world: PipelineOnFakes) -> None:
    world.model.model = None
    world.upload_letters(3)
    world.deliver_for(minutes=1)
    oldest = datetime.fromisoformat(status(world)["oldest_waiting"])
    assert START <= oldest <= START + timedelta(seconds=10)
    world.upload("younger.txt", "about billing")
    world.deliver_events()
    assert datetime.fromisoformat(status(world)["oldest_waiting"]) == oldest


def test_totals_are_those_of_the_last_reconcile(world: PipelineOnFakes) -> None:
    world.upload("a.txt", "about billing")
    world.upload("b.txt", " ")
    world.run()
    world.clock.now = START + timedelta(hours=1)
    totals = world.services.reconcile()
    assert status(world)["documents"] == {
        "as_of": totals.as_of.isoformat().replace("+00:00", "Z"),
        "began": (totals.began or START).isoformat().replace("+00:00", "Z"),
        "documents": 2,
        "classified": 1,
        "failed": 1,
        "missing": 0,
        "sent": 0,
        "last_sent": None,
    }


def test_the_twenty_newest_failures_are_shown_newest_first(world: PipelineOnFakes) -> None:
    for number in range(25):
        world.upload(f"{number:02}.txt", " ")
        world.run()
        world.clock.advance(timedelta(seconds=5))
    failures = status(world)["recent_failures"]
    assert [each["record"] for each in failures] == [f"{number:02}.txt.json" for number in range(24, 4, -1)]
    first = world.failure("24.txt")
    assert first is not None
    assert failures[0] == {
        "record": "24.txt.json",
        "code": "empty",
        "batch": first.batch,
        "failed": first.failed.replace(microsecond=0).isoformat().replace("+00:00", "Z"),
    }


def test_of_many_failure_records_those_are_shown_that_the_last_walk_found_the_newest(
    world: PipelineOnFakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status_report, "SEARCHED_FAILURES", 30)
    for number in range(30):
        world.upload(f"{number:03}.txt", " ")
    world.run()
    assert status(world)["searched_all_failures"] is True
    for number in range(100, 140):
        world.clock.advance(timedelta(seconds=5))
        world.upload(f"{number:03}.txt", " ")
        world.run()
    before = status(world)
    assert (before["searched_all_failures"], before["recent_failures"][0]["record"][:1]) == (False, "0")
    world.stores["failures"].page_size = 7
    world.services.reconcile()
    after = status(world)
    assert [each["record"] for each in after["recent_failures"]] == [f"{n:03}.txt.json" for n in range(139, 119, -1)]
    assert after["searched_all_failures"] is False


@pytest.mark.parametrize("model", [None, MODEL], ids=["no model", "a model"])
@pytest.mark.parametrize("promise", ["none", "kept", "not to be kept"])
def test_a_status_costs_ten_calls_at_most_and_no_more_with_history(
    world: PipelineOnFakes, model: ModelRef | None, promise: str
) -> None:
    if model is not None:
        world.publish(acceptance={"none": None, "kept": ACCEPTS, "not to be kept": NOTHING}[promise])
    world.model.model = model
    world.upload_letters(60)
    world.deliver_for(minutes=30)
    for number in range(2_000):
        world.stores["failures"].write_unhooked(f"{number:04}.txt.json", b"{}", {"etag": '"1"'})
        world.state.write_unhooked(f"batches/closed/2026-03-01/{number:032x}.json", b"{}")
    world.services.reconcile()
    for ask in (world.services.status, world.services.batch_report.list, world.services.sweep.metrics.log_pipeline):
        world.services.active_model.forget()
        world.trace.clear()
        ask()
        assert 0 < len(world.trace) <= 10, world.trace


# the active model


def test_the_model_of_the_settings_is_shown_while_none_was_published() -> None:
    settings: dict[str, object] = {"language_model": "model-1", "language_project_kind": "multi_label"}
    assert status(PipelineOnFakes(changes=settings))["active_model"] == {
        "project": "letters",
        "kind": "multi_label",
        "reference": "model-1",
        "label": "model-1",
        "api_version": None,
        "published": None,
        "operation": None,
        "expires": None,
        "held_until": None,
        "warning": None,
    }


def test_the_published_model_is_shown_with_its_operation_and_its_hold(world: PipelineOnFakes) -> None:
    until = START + timedelta(minutes=15)
    world.publish(operation="20260301120000-0123456789ab", published=START, held_until=until)
    assert status(world)["active_model"] == {
        "project": "letters",
        "kind": "multi_label",
        "reference": "model-1",
        "label": "first",
        "api_version": None,
        "published": NOON,
        "operation": "20260301120000-0123456789ab",
        "expires": None,
        "held_until": "2026-03-01T12:15:00Z",
        "warning": None,
    }


# what is promised


ACCEPTS = Acceptance(
    rule=AcceptanceRule(precision=0.95, confidence=0.9),
    threshold=Threshold(threshold=0.8, documents=240, accepted=200, right=196),
)


def test_the_promise_is_shown_with_what_was_accepted_as_the_last_walk_counted_it() -> None:
    world = PipelineOnFakes(changes={"audit_percent": 0.0})
    world.publish(acceptance=ACCEPTS)
    assert status(world)["acceptance"] == {
        "threshold": 0.8,
        "precision": 0.95,
        "confidence": 0.9,
        "right": "exact",
        "documents": 240,
        "documents_needed": None,
        "accepted": None,
        "review": None,
        "precision_in_use": None,
        "warning": None,
    }
    for acceptance, count in ((ACCEPTS, 4), (NOTHING, 3), (None, 2)):
        world.model.acceptance = acceptance
        for number in range(count):
            world.upload(f"{count}-{number}.txt", "billing")
        world.deliver_for(minutes=30)
    world.upload("4-0.txt", "shipping", event=False)  # its record is of an older version
    world.trace.clear()
    world.services.reconcile()
    calls = len(world.trace)
    found = status(world)
    assert (found["documents"]["documents"], found["documents"]["classified"]) == (9, 8)
    assert (found["acceptance"]["accepted"], found["acceptance"]["review"]) == (3, 3)
    for blob in world.stores["classifications"].blobs.values():
        blob.info = replace(blob.info, metadata={"etag": blob.info.metadata["etag"]})
    world.trace.clear()
    world.services.reconcile()
    assert len(world.trace) == calls, "counting the decisions costs no call"


NOTHING = Acceptance(rule=ACCEPTS.rule, threshold=Threshold(threshold=None, documents=12, documents_needed=59))


def test_without_a_promise_it_says_how_many_golden_documents_are_needed(world: PipelineOnFakes) -> None:
    world.publish(acceptance=NOTHING)
    found = status(world)["acceptance"]
    assert (found["threshold"], found["documents"], found["documents_needed"]) == (None, 12, 59)
    assert "12 golden documents are too few" in found["warning"]


def test_a_model_without_a_promise_shows_none(world: PipelineOnFakes) -> None:
    world.publish()
    assert status(world)["acceptance"] is None


@dataclass(frozen=True)
class Audits:
    """What people have decided; given only for the model that is asked for."""

    right: int
    of: int
    since: datetime = START

    def find(self, project: str, *, model: str, since: datetime, rule: Right) -> Audited:
        assert (project, model, since, rule) == ("letters", "first", START, Right.EXACT)
        return self


def test_the_precision_in_use_lies_between_the_bounds_of_clopper_and_pearson(world: PipelineOnFakes) -> None:
    world.publish(acceptance=ACCEPTS, published=START)
    report = replace(world.services.status, audited=Audits(right=95, of=100).find)
    found = report().to_members()["acceptance"]["precision_in_use"]
    theirs = stats.binomtest(95, 100).proportion_ci(0.9, method="exact")
    assert (found["right"], found["of"], found["since"]) == (95, 100, NOON)
    assert (found["low"], found["high"]) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


def test_before_anything_was_audited_there_is_no_precision_in_use(world: PipelineOnFakes) -> None:
    world.publish(acceptance=ACCEPTS, published=START)
    report = replace(world.services.status, audited=Audits(right=0, of=0).find)
    assert report().to_members()["acceptance"]["precision_in_use"] is None


def test_audits_that_cannot_be_read_are_a_problem_and_nothing_more(world: PipelineOnFakes) -> None:
    def unreadable(_project: str, *, model: str, since: datetime, rule: Right) -> Audited | None:
        raise StateUnreadableError("reviews/audited.json in the pipeline container: odd")

    world.publish(acceptance=ACCEPTS)
    found = replace(world.services.status, audited=unreadable)().to_members()
    assert found["acceptance"]["threshold"] == 0.8
    assert found["acceptance"]["precision_in_use"] is None
    assert found["problems"] == ["reviews/audited.json in the pipeline container: odd"]


@pytest.mark.parametrize(
    ("expires", "warning"),
    [
        (date(2026, 4, 1), None),
        (date(2026, 3, 31), "its deployment expires in 30 days; retrain and publish before 2026-03-31"),
        (date(2026, 3, 1), "its deployment expired on 2026-03-01; retrain and publish"),
        (date(2026, 2, 28), "its deployment expired on 2026-02-28; retrain and publish"),
    ],
    ids=["31 days", "30 days", "today", "gone"],
)
def test_a_deployment_warns_thirty_days_before_it_expires(
    world: PipelineOnFakes, expires: date, warning: str | None
) -> None:
    world.publish(expires=expires)
    found = status(world)["active_model"]
    assert (found["expires"], found["warning"]) == (expires.isoformat(), warning)
