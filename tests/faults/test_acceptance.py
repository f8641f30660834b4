"""A project that asks for a precision: every record has its decision, at no further call and the same after a crash."""

from __future__ import annotations

from collections import defaultdict

import pytest

from shared.documents.record_schema import ClassificationRecord, Decision, RecordDecision, RecordFacts
from shared.documents.ref import record_name
from shared.models.acceptance import Acceptance, AcceptanceRule, Threshold, is_audited
from tests.faults.test_crash_points import burst
from tests.faults.world import World

RULE = AcceptanceRule(precision=0.9, confidence=0.8)
# The service of these worlds is 0.9 sure of everything.
ACCEPTS = Acceptance(rule=RULE, threshold=Threshold(threshold=0.9, documents=240, accepted=200, right=190))
ACCEPTS_LESS = Acceptance(rule=RULE, threshold=Threshold(threshold=0.91, documents=240, accepted=20, right=20))
ACCEPTS_NOTHING = Acceptance(rule=RULE, threshold=Threshold(threshold=None, documents=12, documents_needed=45))
HALF: dict[str, object] = {"audit_percent": 50.0}
NONE: dict[str, object] = {"audit_percent": 0.0}


def decisions(world: World) -> dict[str, RecordDecision | None]:
    found = {name: world.classification(name) for name in world.stores["documents"].blobs}
    return {name: record.decision for name, record in found.items() if record is not None}


def classified(acceptance: Acceptance | None, changes: dict[str, object], *, in_hand: bool = False) -> World:
    world = World(acceptance=acceptance, changes=changes, in_hand=in_hand)
    burst(world)
    world.run()
    assert world.violations() == []
    return world


@pytest.mark.parametrize(
    ("acceptance", "expected"),
    [(ACCEPTS, Decision.ACCEPTED), (ACCEPTS_LESS, Decision.REVIEW), (ACCEPTS_NOTHING, Decision.REVIEW)],
)
def test_every_record_and_its_metadata_say_what_was_decided_and_by_what(
    acceptance: Acceptance, expected: Decision
) -> None:
    world = classified(acceptance, NONE)
    decided = RecordDecision(
        decision=expected,
        threshold=acceptance.threshold.threshold,
        precision=0.9,
        confidence=0.8,
        documents=acceptance.threshold.documents,
    )
    found = decisions(world)
    assert len(found) == 30
    assert all(each == decided for each in found.values())
    for name in found:
        metadata = world.stores["classifications"].blobs[record_name(name)].info.metadata
        assert RecordFacts.read(metadata).decision == expected


def test_without_a_rule_records_and_metadata_say_nothing() -> None:
    world = classified(None, HALF)
    assert set(decisions(world).values()) == {None}
    assert all("decision" not in blob.info.metadata for blob in world.stores["classifications"].blobs.values())


def test_a_share_of_the_accepted_goes_to_review_as_an_audit() -> None:
    world = classified(ACCEPTS, HALF)
    for name, decision in decisions(world).items():
        etag = world.stores["documents"].blobs[name].info.etag
        audited = is_audited(name=name, etag=etag, model="first", percent=50)
        assert decision is not None
        assert (decision.decision, decision.is_audit) == (
            (Decision.REVIEW, True) if audited else (Decision.ACCEPTED, False)
        )
    assert {each.is_audit for each in decisions(world).values() if each} == {True, False}


def test_of_what_goes_to_review_in_any_case_nothing_is_an_audit() -> None:
    assert not any(each and each.is_audit for each in decisions(classified(ACCEPTS_LESS, HALF)).values())


@pytest.mark.parametrize("in_hand", [False, True], ids=["through the queues", "in hand"])
def test_a_decision_costs_no_call_and_a_project_without_a_rule_has_those_it_had(in_hand: bool) -> None:
    without = classified(None, HALF, in_hand=in_hand)
    accepted = classified(ACCEPTS, NONE, in_hand=in_hand)
    assert {each.decision for each in decisions(accepted).values() if each} == {Decision.ACCEPTED}
    assert without.calls == accepted.calls > 100


def test_a_batch_keeps_what_it_was_submitted_with_when_the_promise_changes() -> None:
    """The service takes long, and meanwhile the rule and the share of audits are changed."""
    world = World(acceptance=ACCEPTS, changes=NONE)
    world.service.reads_before_done = 3
    burst(world, 3)

    def change() -> None:
        if world.service.jobs:
            world.model.acceptance = ACCEPTS_NOTHING
            world.settings = world.settings.model_copy(update={"audit_percent": 100.0})
            world.start_process()

    world.run(between=change)
    assert [each.decision for each in decisions(world).values() if each] == [Decision.ACCEPTED] * 3
    world.upload("later.txt", "billing")
    world.run()
    later = decisions(world)["later.txt"]
    assert later is not None
    assert (later.decision, later.threshold) == (Decision.REVIEW, None)


def test_a_crash_at_any_call_loses_nothing_and_writes_the_same_records_again(monkeypatch: pytest.MonkeyPatch) -> None:
    written: dict[tuple[str, str, str], list[bytes]] = defaultdict(list)
    to_json = ClassificationRecord.to_json

    def noted(record: ClassificationRecord) -> bytes:
        data = to_json(record)
        written[record.document.name, record.document.etag, record.batch.id].append(data)
        return data

    monkeypatch.setattr(ClassificationRecord, "to_json", noted)
    undisturbed = World(acceptance=ACCEPTS, changes=HALF)
    burst(undisturbed)
    undisturbed.run()
    repeated = 0
    for number in range(1, undisturbed.calls + 1):
        written.clear()
        world = World(acceptance=ACCEPTS, changes=HALF, crash_at=(number, "after"))
        burst(world)
        world.run()
        assert (world.violations(), world.crashes) == ([], 1), f"crash after call {number}"
        assert all(len(set(each)) == 1 for each in written.values()), f"crash after call {number}"
        repeated += any(len(each) > 1 for each in written.values())
        for name, decision in decisions(world).items():
            etag = world.stores["documents"].blobs[name].info.etag
            assert decision is not None
            assert decision.is_audit == is_audited(name=name, etag=etag, model="first", percent=50)
    assert repeated > 20, "no crash made a record be written twice"


def test_a_document_in_parts_is_decided_when_the_promise_changes_between_two_of_its_jobs() -> None:
    text = "shipping and billing. " * 15_000

    def world_with(crash_at: tuple[int, str] | None) -> World:
        world = World(acceptance=ACCEPTS, changes=NONE, crash_at=crash_at)
        world.upload("long.txt", text)

        def change() -> None:
            if world.crashes:
                world.model.acceptance = ACCEPTS_LESS

        world.run(between=change)
        return world

    undisturbed = world_with(None)
    decided = []
    for number in range(1, undisturbed.calls + 1):
        record = world_with((number, "after")).classification("long.txt")
        assert record is not None
        assert record.decision is not None, f"crash after call {number}"
        decided.append(record.decision.threshold)
        expected = Decision.ACCEPTED if record.decision.threshold == 0.9 else Decision.REVIEW
        assert record.decision.decision == expected
    assert set(decided) == {0.9, 0.91}
