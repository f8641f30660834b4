"""The operation's record: one of three kinds, each with its own members; what can be cancelled, and what is left."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from shared.durable.record import MAX_HISTORY, STALL_GRACE, STEP_ALLOWANCE
from shared.language.values import ServiceError
from shared.models.evaluations import EvaluationFigures
from shared.models.gate import GateRule, Metric, evaluate_gate
from shared.operations.operation import (
    MAX_REASON,
    OPERATION,
    Operation,
    OperationFacts,
    OperationKind,
    OperationState,
    Publish,
    Reclassify,
    ReclassifyRequest,
    RedriveDeadLetters,
    RedriveDeadLettersRequest,
    Retrain,
    RetrainRequest,
    Step,
    created_on,
)
from tests.fakes import START

COMMON: dict[str, Any] = {
    "id": "20260301120000-0a1b2c3d4e5f",
    "created": START,
    "due": START + STEP_ALLOWANCE,
    "project": "letters",
    "api_version": "2023-04-01",
}
FIGURES = EvaluationFigures(
    label="next",
    micro_f1=0.9,
    micro_precision=0.8,
    micro_recall=0.7,
    macro_f1=0.6,
    macro_precision=0.5,
    macro_recall=0.4,
    classes={},
)
RETRAIN = Retrain(
    **COMMON,
    step=Step.GATE,
    label="next",
    request=RetrainRequest(model="next", force=True, gate=GateRule(metric=Metric.MACRO_F1, tolerance=0.1)),
    intents={Step.TRAIN: START},
    manual_split=True,
    candidate_evaluation=FIGURES,
    active_evaluation=FIGURES,
    gate=evaluate_gate(GateRule(), FIGURES, FIGURES, force=False, active_label="first"),
).evolve(START + timedelta(seconds=1), "evaluated")
PUBLISH = Publish(
    **COMMON,
    step=Step.SWAP,
    label="next",
    reference="staging",
    replaced_model_id="first-20260301",
    swap_not_before=START,
    swap_is_deployment=True,
    job_id="work-1",
)
RECLASSIFY = Reclassify(
    **(COMMON | {"project": "~reclassify"}),
    step=Step.SEND_PAGE,
    request=ReclassifyRequest(prefix="mail/", older_than_model="first"),
    model="first",
    total=7,
    token="page 2",
    seen=5,
    sent=3,
)
REDRIVE = RedriveDeadLetters(
    **(COMMON | {"project": "~dead-letters"}),
    step=Step.SEND_PAGE,
    request=RedriveDeadLettersRequest(queue="batches"),
    total=7,
    skipped=2,
)
EACH: list[Operation] = [RETRAIN, PUBLISH, RECLASSIFY, REDRIVE]


@pytest.mark.parametrize("operation", EACH, ids=lambda each: each.kind)
def test_an_operation_comes_back_from_json_as_the_kind_it_was(operation: Operation) -> None:
    read = OPERATION.validate_json(operation.to_json())
    assert type(read) is type(operation)
    assert read == operation


@pytest.mark.parametrize("operation", EACH, ids=lambda each: each.kind)
def test_an_ended_operation_comes_back_with_its_reason_and_errors(operation: Operation) -> None:
    errors = (ServiceError("Broken", "no", "task 0"), ServiceError("Ill", "still"))
    ended = operation.evolve(START, "over", **operation.ending(START, OperationState.FAILED, "why", errors))
    read = OPERATION.validate_json(ended.to_json())
    assert read == ended
    assert [(error.code, error.message, error.target) for error in read.errors] == [
        ("Broken", "no", "task 0"),
        ("Ill", "still", None),
    ]


MEMBERS_OF_OTHERS: dict[str, tuple[Operation, set[str]]] = {
    "a publication has no gate, evaluation or walk": (PUBLISH, {"gate", "candidate_evaluation", "request", "token"}),
    "a reclassification has no label or gate": (RECLASSIFY, {"label", "reference", "gate", "swap_not_before"}),
    "a retraining has no walk": (RETRAIN, {"token", "seen", "sent", "total"}),
}


@pytest.mark.parametrize("case", MEMBERS_OF_OTHERS)
def test_no_kind_has_members_that_only_another_one_uses(case: str) -> None:
    operation, others = MEMBERS_OF_OTHERS[case]
    assert json.loads(operation.to_json()).keys() & others == set()


NONSENSE: dict[str, dict[str, Any]] = {
    "no kind": {"kind": None},
    "an unknown kind": {"kind": "retire"},
    "a kind that its members do not fit": {"kind": "reclassify"},
    "an unknown step": {"step": "rest"},
    "an unknown state": {"state": "waiting"},
    "another schema": {"schema": 2},
    "a time without a zone": {"created": "2026-03-01T12:00:00"},
    "an unknown member of the request": {"request": {"typo": "next"}},
    "a negative tolerance": {"request": {"gate": {"tolerance": -0.1}}},
    "a name that the service forbids": {"request": {"model": "näxt"}},
}


@pytest.mark.parametrize("case", NONSENSE)
def test_nonsense_is_refused(case: str) -> None:
    content = json.loads(RETRAIN.to_json()) | NONSENSE[case]
    with pytest.raises(ValidationError):
        OPERATION.validate_json(json.dumps(content))


def test_a_record_without_a_kind_is_refused() -> None:
    content = json.loads(PUBLISH.to_json())
    del content["kind"]
    with pytest.raises(ValidationError):
        OPERATION.validate_json(json.dumps(content))


def test_members_of_a_newer_release_are_ignored_so_that_a_roll_back_reads_what_it_finds() -> None:
    content = json.loads(PUBLISH.to_json()) | {"colour": "green"}
    assert OPERATION.validate_json(json.dumps(content)) == PUBLISH


# What listings show


@pytest.mark.parametrize("operation", EACH, ids=lambda each: each.kind)
def test_a_listing_shows_project_kind_and_state(operation: Operation) -> None:
    facts = OperationFacts.read(operation.facts().to_metadata())
    assert facts is not None
    assert (facts.project, facts.kind, facts.state) == (operation.project, operation.kind, OperationState.RUNNING)
    assert (facts.created, facts.due) == (operation.created, operation.due)


@pytest.mark.parametrize("changed", [{"kind": "retire"}, {"state": ""}, {"due": "soon"}])
def test_metadata_that_were_tampered_with_are_no_facts(changed: dict[str, str]) -> None:
    assert OperationFacts.read(PUBLISH.facts().to_metadata() | changed) is None


def test_an_operation_stalls_a_quarter_of_an_hour_past_its_due_time() -> None:
    facts = PUBLISH.facts()
    assert not facts.is_stalled(facts.due + STALL_GRACE)
    assert facts.is_stalled(facts.due + STALL_GRACE + timedelta(seconds=1))


# Its course


def test_a_line_of_history_names_the_step_it_was_written_in() -> None:
    moved = PUBLISH.evolve(START + timedelta(minutes=1), "swap job 7", step=Step.WAIT_SWAP)
    assert (moved.history[-1].what, moved.step) == ("swap: swap job 7", Step.WAIT_SWAP)
    assert moved.entered == START + timedelta(minutes=1)
    assert moved.due == START + timedelta(minutes=1) + STEP_ALLOWANCE


def test_an_operation_without_history_entered_its_step_when_it_was_created() -> None:
    assert PUBLISH.entered == START


def test_history_keeps_its_newest_lines() -> None:
    operation = RECLASSIFY
    for number in range(MAX_HISTORY + 5):
        operation = operation.evolve(START, f"page {number}")
    assert len(operation.history) == MAX_HISTORY
    assert [operation.history[0].what, operation.history[-1].what] == [
        "send_page: page 5",
        f"send_page: page {MAX_HISTORY + 4}",
    ]


def test_a_reason_is_cut_where_a_service_tells_a_novel() -> None:
    assert len(PUBLISH.ending(START, OperationState.FAILED, "x" * 5_000)["reason"]) == MAX_REASON


NOT_CANCELLABLE = {Step.WAIT_PUBLISHING, Step.SWAP, Step.WAIT_SWAP, Step.SWITCH}


@pytest.mark.parametrize("step", Step)
def test_what_the_service_cannot_stop_is_not_cancellable(step: Step) -> None:
    running = PUBLISH.model_copy(update={"step": step})
    assert running.is_cancellable is (step not in NOT_CANCELLABLE)
    intended = running.model_copy(update={"intents": {step: START}})
    assert intended.is_cancellable is (step not in {*NOT_CANCELLABLE, Step.PUBLISH})


@pytest.mark.parametrize("state", OperationState)
def test_only_a_running_operation_can_be_cancelled(state: OperationState) -> None:
    operation = RETRAIN.model_copy(update={"state": state})
    assert operation.is_cancellable is (state is OperationState.RUNNING)
    assert operation.is_ended is (state is not OperationState.RUNNING)


@pytest.mark.parametrize("step", Step)
def test_after_a_swap_was_asked_for_production_may_hold_the_new_model(step: Step) -> None:
    running = PUBLISH.model_copy(update={"step": step})
    unsure = "production may hold the new model already"
    assert (unsure in running.aftermath) is (step in {Step.WAIT_SWAP, Step.SWITCH})
    intended = running.model_copy(update={"intents": {Step.SWAP: START}})
    assert (unsure in intended.aftermath) is (step in {Step.SWAP, Step.WAIT_SWAP, Step.SWITCH})


@pytest.mark.parametrize(("operation_id", "day"), [("20260301120000-a", START.date()), ("2026", None), ("../..", None)])
def test_an_id_tells_the_day_of_its_operation(operation_id: str, day: object) -> None:
    assert created_on(operation_id) == day


def test_every_kind_of_operation_is_in_the_union() -> None:
    assert {each.kind for each in EACH} == set(OperationKind)
