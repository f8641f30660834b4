"""GET /api/metrics: what closed batches counted, by day and model, beside the model's trial."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from shared.batches.answer_counts import AnswerCounts
from shared.batches.batch import BatchDocument, Outcome, plan_batch
from shared.documents.ref import DocumentRef
from shared.durable import store
from shared.language.values import ModelRef, ProjectKind
from shared.models.trial import AnsweredClass, Trial, TrialDocument, TrialStore, trial_blob
from shared.reports.model_metrics import COMPARED_MODELS
from tests.fakes import START
from tests.faults.world import MODEL
from tests.services_on_fakes import PipelineOnFakes

TODAY, YESTERDAY = "2026-03-01", "2026-02-28"
NEXT = MODEL.model_copy(update={"label": "second", "reference": "model-2"})
SURE, UNSURE = (0,) * 9 + (25,), (0, 0, 0, 0, 25) + (0,) * 5


def metrics(world: PipelineOnFakes, days: int = 7) -> dict[str, Any]:
    return world.services.metrics_report(days).to_members()


def close_batch(
    world: PipelineOnFakes,
    number: int = 0,
    *,
    days_ago: float = 0,
    model: ModelRef | None = MODEL,
    answers: AnswerCounts | None = None,
) -> None:
    """A batch that was planned so many days ago and ended with these counts; 25 of class "billing" if it has none."""
    created = START - timedelta(days=days_ago) + timedelta(seconds=number)
    documents = [
        BatchDocument(
            document=DocumentRef(name=f"{number}-{each}.txt", etag=f'"{days_ago}"', last_modified=created, size=5),
            outcome=Outcome.CLASSIFIED,
        )
        for each in range(25)
    ]
    counts = answers or AnswerCounts(classified=25, classes={"billing": 25}, confidence=SURE)
    batch = plan_batch(documents, created).model_copy(update={"model": model, "answers": counts})
    stored = world.batches.store.create(batch)
    assert stored is not None
    world.batches.store.close(stored)


def put_trial(world: PipelineOnFakes, label: str = "first", *, right_when_sure: int = 90) -> None:
    """200 golden documents: of 100 sure ones so many are right, of 100 others 40. Nine in ten are "billing"."""
    documents = [
        TrialDocument(
            location=f"{number}.txt",
            etag='"1"',
            labels=("billing" if number % 10 else "hr",) if is_right else ("other",),
            classes=(AnsweredClass(name="billing" if number % 10 else "hr", confidence=confidence),),
        )
        for confidence, right in ((0.95, right_when_sure), (0.45, 40))
        for number in range(100)
        for is_right in (number < right,)
    ]
    trial = Trial(
        project=MODEL.project,
        kind=MODEL.kind,
        label=label,
        api_version="2021-preview",
        ended=START,
        documents=tuple(documents),
    )
    TrialStore(world.state).put(trial)


def test_closed_batches_are_added_up_by_day_and_model(world: PipelineOnFakes) -> None:
    some = AnswerCounts(
        classified=10, classes={"hr": 4, "billing": 7}, confidence=(0, 1, 0, 0, 0, 0, 0, 2, 0, 6), accepted=6, review=4
    )
    close_batch(world, 1, days_ago=1, answers=some)
    close_batch(world, 2, days_ago=1, answers=some)
    close_batch(world, 3, answers=some)
    close_batch(world, 4, model=NEXT, answers=some)
    body = metrics(world)
    row = {
        "day": TODAY,
        "project": "letters",
        "model": "first",
        "documents": 10,
        "without_class": 1,
        "classes": {"billing": 7, "hr": 4},
        "other_classes": 0,
        "confidence": [0, 1, 0, 0, 0, 0, 0, 2, 0, 6],
        "accepted": 6,
        "review": 4,
        "estimated_accuracy": None,
    }
    before = row | {
        "day": YESTERDAY,
        "documents": 20,
        "without_class": 2,
        "classes": {"billing": 14, "hr": 8},
        "confidence": [0, 2, 0, 0, 0, 0, 0, 4, 0, 12],
        "accepted": 12,
        "review": 8,
    }
    assert body["days"] == [row, row | {"model": "second"}, before]
    assert [(each["model"], each["documents"]) for each in body["models"]] == [("second", 10), ("first", 30)]
    assert body["listed_all"]
    assert body["problems"] == []


def test_what_the_pipeline_classified_is_there(world: PipelineOnFakes) -> None:
    world.upload_letters(30)
    world.upload("blank.txt", " ")
    world.run()
    (row,) = metrics(world)["days"]
    assert (row["model"], row["documents"], row["classes"]) == ("first", 30, {"billing": 30})
    assert sum(row["confidence"]) == 30


def test_nothing_was_classified(world: PipelineOnFakes) -> None:
    body = metrics(world)
    assert (body["days"], body["models"], body["listed_all"]) == ([], [], True)


def test_batches_of_an_earlier_release_are_counted_as_unknown(world: PipelineOnFakes) -> None:
    close_batch(world)
    metadata = {
        "state": "submitted",
        "documents": "25",
        "created": "2026-03-01T09:00:00Z",
        "due": "2026-03-01T09:10:00Z",
    }
    world.state.write_unhooked("batches/closed/2026-03-01/0.json", b"{}", metadata)
    world.state.write_unhooked("batches/closed/2026-03-01/1.json", b"{}", metadata)
    unknown, known = sorted(metrics(world)["days"], key=lambda row: row["model"] or "")
    assert (unknown["project"], unknown["model"], unknown["documents"], unknown["classes"]) == (None, None, 50, {})
    assert (known["model"], known["documents"]) == ("first", 25)
    assert [each["model"] for each in metrics(world)["models"]] == ["first"]


def test_batches_that_classified_nothing_and_blobs_that_are_no_batches_are_not_counted(world: PipelineOnFakes) -> None:
    close_batch(world, answers=AnswerCounts())
    world.state.write_unhooked("batches/closed/2026-03-01/x.json", b"{}", {"state": "odd"})
    assert metrics(world)["days"] == []


@pytest.mark.parametrize(("days_ago", "days", "rows"), [(0, 1, 1), (1, 1, 0), (6, 7, 1), (7, 7, 0), (29, 30, 1)])
def test_today_counts_as_one_of_the_days(world: PipelineOnFakes, days_ago: int, days: int, rows: int) -> None:
    close_batch(world, days_ago=days_ago)
    assert len(metrics(world, days)["days"]) == rows


def test_each_day_costs_one_call_and_each_model_one(world: PipelineOnFakes) -> None:
    for number in range(40):
        close_batch(world, number, days_ago=number % 3, model=NEXT if number % 2 else MODEL)
    world.trace.clear()
    metrics(world)
    assert world.trace == ["state.list"] * 7 + ["state.read"] * 2


def test_of_many_models_those_used_last_are_compared_with_their_trials(world: PipelineOnFakes) -> None:
    labels = [f"model-{number}" for number in range(COMPARED_MODELS + 2)]
    for number, label in enumerate(labels):
        put_trial(world, label)
        close_batch(world, number, model=MODEL.model_copy(update={"label": label}))
    found = {each["model"]: each["estimated_accuracy"] for each in metrics(world)["models"]}
    assert list(found) == labels[::-1]
    assert [label for label, estimate in found.items() if estimate is not None] == labels[: -COMPARED_MODELS - 1 : -1]


def test_a_day_with_more_batches_than_are_listed_says_so(
    world: PipelineOnFakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        close_batch(world, number)
    assert metrics(world)["listed_all"]
    monkeypatch.setattr(store, "MAX_SEARCHED", 2)
    body = metrics(world)
    assert (body["listed_all"], body["models"][0]["documents"]) == (False, 50)


# beside the trial


def test_accuracy_is_estimated_from_the_trial_for_each_day_and_model(world: PipelineOnFakes) -> None:
    put_trial(world)
    close_batch(world, 1, days_ago=1)
    close_batch(world, 2, answers=AnswerCounts(classified=25, classes={"billing": 25}, confidence=UNSURE))
    body = metrics(world)
    assert [(row["day"], row["estimated_accuracy"]) for row in body["days"]] == [(TODAY, 0.4), (YESTERDAY, 0.9)]
    assert [each["estimated_accuracy"] for each in body["models"]] == [0.65]


def test_drift_is_flagged_with_the_class_that_moved(world: PipelineOnFakes) -> None:
    put_trial(world)
    half = AnswerCounts(classified=25, classes={"billing": 22, "hr": 3}, confidence=(0, 0, 0, 0, 12, 0, 0, 0, 0, 13))
    for number in range(10):
        close_batch(world, number, answers=half)
    (like_the_trial,) = metrics(world)["models"]
    moved = half.model_copy(update={"classes": {"billing": 6, "hr": 3, "spam": 16}})
    for number in range(10, 21):
        close_batch(world, number, answers=moved)
    (model,) = metrics(world)["models"]
    assert like_the_trial["drift"]["has_left"] is False
    assert model["drift"] | {"p_value": 0} == {
        "has_left": True,
        "p_value": 0,
        "documents": 275,
        "class": "spam",
        "share": 0.64,
        "share_in_trial": 0.0,
        "confidence": None,
    }
    assert 0 < model["drift"]["p_value"] < 1e-6


def test_the_newest_batches_are_those_that_were_planned_last_whatever_their_ids(world: PipelineOnFakes) -> None:
    put_trial(world)
    usual: Mapping[str, int] = {"billing": 22, "hr": 3}
    confidence = (0, 0, 0, 0, 12, 0, 0, 0, 0, 13)
    for number in range(60):
        classes = dict(usual) if number < 49 else {"spam": 25}
        close_batch(world, number, answers=AnswerCounts(classified=25, classes=classes, confidence=confidence))
    (model,) = metrics(world)["models"]
    assert (model["drift"]["class"], model["drift"]["share"], model["drift"]["documents"]) == ("spam", 1.0, 275)


def test_without_a_trial_nothing_is_estimated(world: PipelineOnFakes) -> None:
    close_batch(world)
    (model,) = metrics(world)["models"]
    assert (model["estimated_accuracy"], model["drift"]) == (None, None)


def test_a_trial_that_cannot_be_read_is_a_problem_and_the_counts_are_there(world: PipelineOnFakes) -> None:
    close_batch(world)
    world.state.write_unhooked(trial_blob(MODEL.project, label=MODEL.label), b"{")
    body = metrics(world)
    assert body["models"][0]["documents"] == 25
    (problem,) = body["problems"]
    assert "trials/letters/first.json" in problem


def test_models_of_two_projects_that_have_one_label_are_two(world: PipelineOnFakes) -> None:
    put_trial(world)
    other = ModelRef(project="mail", kind=ProjectKind.SINGLE, reference="r", label=MODEL.label)
    close_batch(world, 1)
    close_batch(world, 2, model=other)
    found = {(each["project"], each["kind"]): each["estimated_accuracy"] for each in metrics(world)["models"]}
    assert found == {("letters", "multi_label"): 0.9, ("mail", "single_label"): None}
