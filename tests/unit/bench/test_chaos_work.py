"""The plan of a chaos run is the seed's alone, and holds every kind of change."""

from __future__ import annotations

from bench.chaos.work import Ledger, Plan, make_plan
from shared.documents.ref import record_name

SAMPLES = [f"Sample text number {number}." for number in range(20)]


def carried_out(plan: Plan) -> Ledger:
    ledger = Ledger()
    steps = [(task.name, content) for burst in plan.bursts for task in burst for content in task.versions]
    for number, (name, content) in enumerate(steps):
        if content is None:
            ledger.deleted(name)
        else:
            ledger.put(name, str(number), content)
    return ledger


def test_the_same_seed_gives_the_same_plan_and_another_seed_another() -> None:
    plan = make_plan(300, seed=5, samples=SAMPLES)
    assert plan == make_plan(300, seed=5, samples=SAMPLES)
    assert plan != make_plan(300, seed=6, samples=SAMPLES)


def test_a_plan_overwrites_deletes_and_brings_back_documents_that_are_there() -> None:
    plan = make_plan(500, seed=7, samples=SAMPLES)
    ledger = carried_out(plan)
    assert plan.documents == 500
    assert len(ledger.documents) == plan.documents - plan.deleted + plan.reborn
    assert min(plan.overwritten, plan.deleted, plan.reborn) > 0
    texts = [content.text for content in ledger.versions.values() if content.text is not None]
    assert len(set(texts)) == len(texts)


def test_no_name_occurs_twice_in_a_burst_and_no_two_share_a_record() -> None:
    plan = make_plan(500, seed=8, samples=SAMPLES)
    for burst in plan.bursts:
        assert len({task.name for task in burst}) == len(burst)
    names = {task.name for burst in plan.bursts for task in burst}
    assert len({record_name(name) for name in names}) == len(names)
