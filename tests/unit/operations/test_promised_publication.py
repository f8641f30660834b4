"""A published model goes into use with its promise, and documents are decided by it. On fakes."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import pytest

from shared.documents.record_schema import Decision
from shared.language.values import ProjectKind
from shared.models.acceptance import AcceptanceRule
from shared.models.trial import AnsweredClass, Trial, TrialDocument, TrialStore
from shared.operations.operation import ReclassifyRequest
from tests.unit.operations.operations_world import API_VERSIONS, OperationsWorld

RULE = AcceptanceRule(precision=0.9, confidence=0.9)
LETTERS = 30


def trial_of(label: str, *, ended: datetime, wrong_at: float) -> Trial:
    """300 golden documents answered right and most surely, 50 answered wrong at `wrong_at`."""
    answers = [("billing", 0.995)] * 300 + [("shipping", wrong_at)] * 50
    return Trial(
        project="letters",
        kind=ProjectKind.MULTI,
        label=label,
        api_version="2021-preview",
        ended=ended,
        documents=tuple(
            TrialDocument(
                location=f"{number}.txt",
                etag='"1"',
                labels=("billing",),
                classes=(AnsweredClass(name=name, confidence=confidence),),
            )
            for number, (name, confidence) in enumerate(answers)
        ),
    )


@pytest.fixture(params=API_VERSIONS)
def world(request: pytest.FixtureRequest) -> OperationsWorld:
    return OperationsWorld(api_version=request.param, changes={"audit_percent": 0.0})


def put_trial(world: OperationsWorld, label: str, *, wrong_at: float) -> None:
    TrialStore(world.stores["state"]).put(trial_of(label, ended=world.clock(), wrong_at=wrong_at))


def decided(world: OperationsWorld) -> Counter[tuple[str, Decision | None, float | None]]:
    """Records by model, decision and threshold."""
    return Counter(
        (record.model.label, decision.decision if decision else None, decision.threshold if decision else None)
        for record in world.records()
        for decision in [record.decision]
    )


def upload(world: OperationsWorld, folder: str, count: int = 3) -> None:
    for number in range(count):
        world.upload(f"{folder}/{number}.txt", f"{folder} letter {number} about billing")
    world.run()


def test_a_model_goes_into_use_with_the_promise_that_its_trial_allows(world: OperationsWorld) -> None:
    world.services.promises.set_rule("letters", RULE)
    put_trial(world, "first", wrong_at=0.655)
    world.publish("first")
    record = world.services.active_model.find_record()
    assert record is not None
    assert record.acceptance is not None
    assert record.acceptance == world.services.promises.find("letters", label="first")


def test_a_model_of_another_project_than_the_one_that_classifies_has_none_to_make(world: OperationsWorld) -> None:
    world.publish("first")
    world.services.promises.set_rule("other", RULE)
    upload(world, "a")
    assert decided(world) == {("first", None, None): 3}


def test_documents_are_decided_by_the_promise_of_the_model_that_classified_them_and_records_keep_theirs(
    world: OperationsWorld,
) -> None:
    world.publish("first")
    upload(world, "unasked")
    put_trial(world, "first", wrong_at=0.655)
    world.services.promises.set_rule("letters", RULE)
    upload(world, "asked")
    world.publish("second")
    put_trial(world, "second", wrong_at=0.945)  # more than the 0.9 that the service is sure of its answers
    world.services.promises.set_rule("letters", RULE)
    upload(world, "second")
    world.services.promises.set_rule("letters", None)
    upload(world, "ended")
    assert decided(world) == {
        ("first", None, None): 3,
        ("first", Decision.ACCEPTED, 0.66): 3,
        ("second", Decision.REVIEW, 0.95): 3,
        ("second", None, None): 3,
    }
    assert world.violations() == world.untruthful() == []


def test_documents_that_were_sent_to_review_are_classified_again_by_a_better_model(world: OperationsWorld) -> None:
    world.services.promises.set_rule("letters", RULE)
    world.publish("first")
    upload(world, "a")
    assert {decision for _, decision, _ in decided(world)} == {Decision.REVIEW}
    put_trial(world, "first", wrong_at=0.655)
    world.services.promises.set_rule("letters", RULE)
    upload(world, "b")
    request = ReclassifyRequest(decision=Decision.REVIEW)
    assert world.services.reclassification.count(request) == 3
    world.finish(world.services.reclassification.start(request))
    assert decided(world) == {("first", Decision.ACCEPTED, 0.66): 6}


def test_documents_of_a_project_with_a_promise_cost_the_calls_that_they_cost_without(world: OperationsWorld) -> None:
    calls = []
    for rule in (None, RULE):
        one = OperationsWorld(api_version=world.api_version, changes={"audit_percent": 0.0})
        one.publish("first")
        put_trial(one, "first", wrong_at=0.655)
        one.services.promises.set_rule("letters", rule)
        one.services.active_model.forget()  # the same cache, whoever put the rule
        before = one.calls
        upload(one, "a", LETTERS)
        calls.append(one.calls - before)
        assert {decision for _, decision, _ in decided(one)} == {Decision.ACCEPTED if rule else None}
    assert calls[0] == calls[1] > LETTERS
