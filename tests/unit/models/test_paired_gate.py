"""The gate on golden documents that both models have classified: its verdicts, and what they lead to."""

from __future__ import annotations

import pytest

from shared.models.gate import (
    MIN_DOCUMENTS,
    GateDecision,
    GateRule,
    OnUnclear,
    Verdict,
    documents_needed,
    evaluate_paired_gate,
)
from shared.models.statistics import Pair

RIGHT, WRONG = frozenset({"billing"}), frozenset({"hr"})


def pairs(*, both: int = 0, won: int = 0, lost: int = 0, neither: int = 0) -> list[Pair]:
    """How many documents both models are right about, the candidate alone (won), the active model alone, and nobody."""
    kinds = ((both, RIGHT, RIGHT), (won, RIGHT, WRONG), (lost, WRONG, RIGHT), (neither, WRONG, WRONG))
    return [Pair(RIGHT, candidate, active) for times, candidate, active in kinds for _ in range(times)]


def decide(golden: list[Pair], *, force: bool = False, **rule: object) -> GateDecision:
    return evaluate_paired_gate(GateRule.model_validate(rule), golden, force=force, active_label="old")


VERDICTS = {
    # documents -> verdict, passed
    "the same answers": (pairs(both=200, neither=40), Verdict.AS_GOOD, True),
    "a few won": (pairs(both=200, won=14, lost=4, neither=22), Verdict.BETTER, True),
    "as many won as lost": (pairs(both=200, won=8, lost=8, neither=24), Verdict.AS_GOOD, True),
    "a little lost": (pairs(both=200, won=4, lost=12, neither=24), Verdict.AS_GOOD, True),
    "more lost than is tolerated": (pairs(both=180, won=4, lost=20, neither=36), Verdict.WORSE, False),
    "many answers differ, and few documents": (pairs(both=30, won=8, lost=8, neither=14), Verdict.UNCLEAR, True),
    "the same, and worse by the estimate": (pairs(both=30, won=6, lost=10, neither=14), Verdict.UNCLEAR, False),
    # The interval is wider than the tolerance here, and lies on one side all the same.
    "half of few documents lost": (pairs(both=28, won=1, lost=31), Verdict.WORSE, False),
    "half of few documents won": (pairs(both=28, won=31, lost=1), Verdict.BETTER, True),
    # Two of two are what chance gives in one of four.
    "only two answers differ": (pairs(both=58, won=2), Verdict.AS_GOOD, True),
    "fewer documents than tell anything": (pairs(lost=MIN_DOCUMENTS - 1), Verdict.UNCLEAR, False),
}


@pytest.mark.parametrize("case", VERDICTS)
def test_a_verdict_says_what_the_golden_documents_show(case: str) -> None:
    golden, verdict, passed = VERDICTS[case]
    decision = decide(golden)
    assert (decision.verdict, decision.passed, decision.forced) == (verdict, passed, False)
    assert (decision.documents_needed is not None) is (verdict is Verdict.UNCLEAR)


def test_an_unclear_comparison_is_refused_where_the_rule_says_so_and_a_clear_one_is_not() -> None:
    unclear, better = VERDICTS["many answers differ, and few documents"][0], VERDICTS["half of few documents won"][0]
    assert not decide(unclear, on_unclear=OnUnclear.REFUSE).passed
    assert decide(better, on_unclear=OnUnclear.REFUSE).passed


def test_as_many_documents_as_the_verdict_asks_for_make_it_clear() -> None:
    """Added in the same proportions."""
    decision = decide(pairs(both=30, won=8, lost=8, neither=14))
    assert decision.documents_needed is not None
    times = decision.documents_needed / 60
    assert 1 < times < 10
    more = [pair for pair in pairs(both=30, won=8, lost=8, neither=14) for _ in range(round(times + 0.5))]
    assert decide(more).verdict is Verdict.AS_GOOD
    assert "about " + str(decision.documents_needed) in decision.reason


def test_no_number_of_documents_settles_a_tolerance_of_nothing() -> None:
    decision = decide(pairs(both=200, won=8, lost=8), tolerance=0)
    assert (decision.verdict, decision.documents_needed) == (Verdict.UNCLEAR, None)
    assert documents_needed(240, spread=0.04, tolerance=0) is None


def test_a_class_that_loses_too_much_is_refused_although_the_whole_is_as_good() -> None:
    small = frozenset({"legal"})
    golden = [*pairs(both=236, won=2), *[Pair(small, WRONG, small)] * 2, *[Pair(small, small, small)] * 2]
    assert decide(golden).passed
    refused = decide(golden, no_class_loses_more_than=0.3)
    assert (refused.verdict, refused.passed) == (Verdict.AS_GOOD, False)
    assert "legal lost 0.50 of recall" in refused.reason
    assert [(loss.name, loss.recall_lost, loss.documents) for loss in refused.losses] == [("legal", 0.5, 4)]


def test_force_passes_what_is_worse_and_says_so() -> None:
    decision = decide(VERDICTS["more lost than is tolerated"][0], force=True)
    assert (decision.passed, decision.forced, decision.verdict) == (True, True, Verdict.WORSE)
    assert decision.reason.startswith("forced, although ")


def test_the_reason_of_too_few_documents_does_not_speak_of_the_tolerance() -> None:
    reason = decide(pairs(both=29)).reason
    assert "too few documents" in reason
    assert "more than the tolerance" not in reason
