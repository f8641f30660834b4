"""Is what acceptance promises kept? Unseen documents are split at random into golden ones and the rest.

The threshold comes from the golden documents; what it accepts of the rest is counted against the truth. Beside it the
best possible: the most that anybody who knew the truth could accept of the rest, from the surest down, at the precision
that was asked for.

The guarantee is about all splits: a promise is made and broken in at most one of ten. The share of the promises made
that were kept is another figure, and a harder one where the model can hardly be as good as was asked: then few promises
are made, and those by luck. It is judged where a promise was made in one split of ten at least, and shown everywhere.
What the golden documents had in luck the rest lacks, because both come from one corpus: figures are a little too low.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import fmean
from typing import Any

from bench.report import Gate
from bench.trust.answers import VIEWS, Model, answers_of, load_view
from shared.documents.record_schema import Decision
from shared.models.acceptance import AcceptanceRule, Right, decide, is_right, result_confidence
from shared.models.threshold import GoldenResult, choose_threshold

GOLDEN = 240
PRECISIONS = (0.9, 0.95)
CONFIDENCE = 0.9
# An answer without classes is never accepted, and no grid reaches it.
UNSURE = -1.0
# A share of the splits: fewer promises than that were made by luck, and too few to judge.
OFTEN = 0.1


@dataclass(frozen=True)
class Kept:
    """What came of all splits, as shares of the rest; `accepted` and `precision` are means of those with a promise."""

    promised: int
    kept: int
    accepted: float
    precision: float
    best: float


def measure_acceptance(pool: Executor, data: Path, *, splits: int) -> tuple[list[Gate], dict[str, Any]]:
    jobs = [
        (view, right, precision)
        for view, (_, is_single) in VIEWS.items()
        for right in ((Right.EXACT,) if is_single else (Right.EXACT, Right.ALL_CLASSES))
        for precision in PRECISIONS
    ]
    list(pool.map(_results, list(VIEWS), [Right.EXACT] * len(VIEWS), [data] * len(VIEWS)))
    measured = pool.map(_measure, *zip(*jobs, strict=True), [splits] * len(jobs), [data] * len(jobs))
    gates: list[Gate] = []
    details: dict[str, Any] = {}
    for (view, right, precision), kept in zip(jobs, measured, strict=True):
        name = f"{view} {right.value} {precision:g}"
        details[f"{name}: splits without a promise"] = 1 - kept.promised / splits
        details[f"{name}: best possible"] = kept.best
        broken = (kept.promised - kept.kept) / splits
        gates.append(Gate(f"{name}: made and broken, of all splits", broken, 1 - CONFIDENCE, at_most=True))
        if kept.promised:
            share = kept.kept / kept.promised
            if kept.promised >= OFTEN * splits:
                gates.append(Gate(f"{name}: kept, of the promises made", share, 0.9))
            else:
                details[f"{name}: kept, of the promises made"] = share
            details[f"{name}: accepted"] = kept.accepted
            details[f"{name}: precision of the accepted"] = kept.precision
    return gates, details


def _measure(view: str, right: Right, precision: float, splits: int, data: Path) -> Kept:
    rule = AcceptanceRule(precision=precision, confidence=CONFIDENCE, right=right)
    return try_promises(_results(view, right, data), rule, golden=GOLDEN, splits=splits)


def _results(view: str, right: Right, data: Path) -> list[GoldenResult]:
    corpus = load_view(view, data)
    answers = answers_of(Model(view, tuple(range(len(corpus.training)))), data)
    return [
        GoldenResult(_or_unsure(result_confidence(each.values())), is_right(true, frozenset(each), right))
        for each, true in zip(answers, corpus.true, strict=True)
    ]


def _or_unsure(confidence: float | None) -> float:
    return UNSURE if confidence is None else confidence


def try_promises(results: Sequence[GoldenResult], rule: AcceptanceRule, *, golden: int, splits: int) -> Kept:
    random, order = Random(golden), list(results)
    kept = 0
    accepted: list[float] = []
    precisions: list[float] = []
    best: list[float] = []
    for _ in range(splits):
        random.shuffle(order)
        rest = order[golden:]
        best.append(best_share(rest, rule.precision))
        threshold = choose_threshold(order[:golden], rule).threshold
        if threshold is None:
            continue
        taken = [each for each in rest if decide(threshold, confidence=each.confidence) is Decision.ACCEPTED]
        right = sum(each.is_right for each in taken)
        # Nothing accepted breaks no promise.
        kept += right >= rule.precision * len(taken)
        precisions += [right / len(taken)] if taken else []
        accepted.append(len(taken) / len(rest))
    return Kept(len(accepted), kept, *(fmean(each) if each else 0.0 for each in (accepted, precisions, best)))


def best_share(results: Sequence[GoldenResult], precision: float) -> float:
    """The most that can be accepted from the surest down, at this precision; equally sure ones go together."""
    surest_first = sorted(results, key=lambda each: -each.confidence)
    right, most = 0, 0
    for number, each in enumerate(surest_first, start=1):
        right += each.is_right
        is_last = number == len(surest_first) or surest_first[number].confidence < each.confidence
        if is_last and each.confidence > UNSURE and right >= precision * number:
            most = number
    return most / len(results)
