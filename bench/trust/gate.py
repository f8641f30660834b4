"""How often the gate is wrong about a candidate: golden documents are drawn again and again, and it judges each time.

Candidate and active model differ in what they were trained on:

apart     two random halves of the labels: as good, and nothing in common. Real retrainings share most of their labels
          and so most of their mistakes; nothing harder to tell apart is as good.
retrained each lacks another fifth of the labels: as good, as two trainings of one project are.
poorer    part of the active model's labels are gone, as many as cost it 10 points on all unseen documents.
spoiled   part of the active model's labels are wrong, as many as cost it 10 points.

"As good" means as good on all unseen documents together: pairs that differ there by more than half a point are left
out. Golden documents are drawn from these, each at most once. The rule of before compares evaluations that were made on
two different draws.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from bench.report import Gate
from bench.trust.answers import Model, answered_classes, answers_of, load_view, micro_f1
from shared.models.gate import GateRule, Metric, Verdict, evaluate_gate, evaluate_paired_gate
from shared.models.statistics import Classes, Pair, counts_by_class

CORPORA = ("newsgroups", "packages")
ALIKE, WORSE = ("apart", "retrained"), ("poorer", "spoiled")
GOLDEN, FEW = 240, 60
# Pairs of each kind that are trained.
TWINS = 10
SAME, POORER = 0.005, 0.10
# Trainings that look for what costs 10 points, and how near is near enough.
SEARCH, NEAR = 7, 0.01


@dataclass(frozen=True)
class Matched:
    """Two models and how much better the candidate is on all unseen documents."""

    candidate: tuple[Classes, ...]
    active: tuple[Classes, ...]
    difference: float


@dataclass(frozen=True)
class Verdicts:
    """Of as many runs: what the paired rule said and passed, and what the rule of before passed."""

    runs: int
    said: Counter[Verdict]
    passed: int
    passed_clearly: int
    passed_before: int

    def share_wrong(self, *, is_good: bool) -> float:
        return (self.runs - self.passed if is_good else self.passed) / self.runs

    def share_wrong_before(self, *, is_good: bool) -> float:
        return (self.runs - self.passed_before if is_good else self.passed_before) / self.runs

    def share_clearly_wrong(self, *, is_good: bool) -> float:
        """Passed or refused wrongly by a verdict that is not `unclear`."""
        clear = self.runs - self.said[Verdict.UNCLEAR]
        return (clear - self.passed_clearly if is_good else self.passed_clearly) / self.runs


def measure_gate(pool: Executor, data: Path, *, resamples: int) -> tuple[list[Gate], dict[str, Any]]:
    gates: list[Gate] = []
    details: dict[str, Any] = {}
    jobs = [(name, kind) for name in CORPORA for kind in (*ALIKE, *WORSE)]
    found = list(pool.map(_matched, *zip(*jobs, strict=True), [data] * len(jobs)))
    trues = {name: tuple(load_view(name, data).true) for name in CORPORA}
    tried = [(job, golden) for job in range(len(jobs)) for golden in (GOLDEN, FEW)]
    verdicts = pool.map(
        judge,
        [trues[jobs[job][0]] for job, _ in tried],
        [found[job] for job, _ in tried],
        [golden for _, golden in tried],
        [resamples] * len(tried),
    )
    for (job, golden), measured in zip(tried, verdicts, strict=True):
        name, kind = jobs[job]
        differences = [each.difference for each in found[job]]
        details[f"{name}, {kind}, {golden} golden documents"] = {
            "pairs": len(differences),
            "differences": [round(each, 4) for each in differences],
            "verdicts": {verdict.value: number / resamples for verdict, number in measured.said.items()},
            "passed": measured.passed / resamples,
            "passed before": measured.passed_before / resamples,
        }
        gates += _gates(name, kind, golden, measured)
    return gates, details


def _gates(name: str, kind: str, golden: int, measured: Verdicts) -> Iterator[Gate]:
    """`today` is the rule of before, which calls nothing unclear."""
    is_good = kind in ALIKE
    what = f"{name}: {'as good' if is_good else '10 points worse'}, {kind}: "
    before = f"{measured.share_wrong_before(is_good=is_good):.3f}"
    if golden == GOLDEN:
        what += f"{'refused' if is_good else 'passed'} at {golden}"
        bound = 0.04 if is_good else 0.03
        yield Gate(what, measured.share_wrong(is_good=is_good), bound, at_most=True, today=before)
        return
    wrong = measured.share_clearly_wrong(is_good=is_good)
    yield Gate(f"{what}clear and wrong at {golden}", wrong, 0.1, at_most=True, today=before)
    if kind == "apart":
        unclear = measured.said[Verdict.UNCLEAR] / measured.runs
        yield Gate(f"{what}unclear at {golden}", unclear, 0.5, today="never")


def _matched(name: str, kind: str, data: Path) -> list[Matched]:
    """Pairs of models of one kind."""
    if kind in ALIKE:
        found = [pair for seed in range(TWINS) for pair in _twins(name, kind, seed, data)]
        same = [pair for pair in found if abs(pair.difference) <= SAME]
        # Where none is, the nearest stand for them, and the details say by how much they differ.
        return same or sorted(found, key=lambda pair: abs(pair.difference))[:2]
    return [_worse(name, kind, seed, data) for seed in range(2)]


def _twins(name: str, kind: str, seed: int, data: Path) -> list[Matched]:
    """Two models that know as much, each as candidate and as active model."""
    shuffled = _shuffled(name, seed, data)
    part = len(shuffled) // (2 if kind == "apart" else 5)
    first, second = (shuffled[:part], shuffled[part : 2 * part])
    if kind == "retrained":
        first, second = shuffled[part:], (*shuffled[:part], *shuffled[2 * part :])
    models = Model(name, first), Model(name, second)
    return [_compared(models[0], models[1], data), _compared(models[1], models[0], data)]


def _worse(name: str, kind: str, seed: int, data: Path) -> Matched:
    """The candidate nearest to 10 points worse, found by halving."""
    shuffled = _shuffled(name, seed, data)
    active, low, high = Model(name, shuffled), 0.0, 1.0
    best: Matched | None = None
    for _ in range(SEARCH):
        share = (low + high) / 2
        if kind == "poorer":
            candidate = Model(name, shuffled[: round((1 - share) * len(shuffled))])
        else:
            candidate = Model(name, shuffled, spoiled=share)
        found = _compared(candidate, active, data)
        if best is None or abs(found.difference + POORER) < abs(best.difference + POORER):
            best = found
        if abs(best.difference + POORER) <= NEAR:
            break
        low, high = (share, high) if found.difference > -POORER else (low, share)
    assert best is not None
    return best


def _shuffled(name: str, seed: int, data: Path) -> tuple[int, ...]:
    numbers = list(range(len(load_view(name, data).training)))
    Random(seed).shuffle(numbers)
    return tuple(numbers)


def _compared(candidate: Model, active: Model, data: Path) -> Matched:
    true = load_view(candidate.view, data).true
    ours, theirs = (answered_classes(answers_of(model, data)) for model in (candidate, active))
    return Matched(tuple(ours), tuple(theirs), micro_f1(true, ours) - micro_f1(true, theirs))


@dataclass(frozen=True)
class Metrics:
    """What the service says of a model after it has tested it on documents of its own choice."""

    micro_f1: float
    micro_precision: float
    micro_recall: float
    macro_f1: float
    macro_precision: float
    macro_recall: float


def metrics(true: Sequence[Classes], answered: Sequence[Classes]) -> Metrics:
    counts = counts_by_class(list(zip(true, answered, strict=True)))
    return Metrics(**{metric.value: metric.of_counts(counts) for metric in Metric})


def judge(true: Sequence[Classes], matched: Sequence[Matched], golden: int, resamples: int) -> Verdicts:
    """Both rules, with their defaults, on so many golden documents."""
    random, rule = Random(golden), GateRule()
    said: Counter[Verdict] = Counter()
    passed = before = clearly = 0
    for run in range(resamples):
        pair = matched[run % len(matched)]
        drawn, others = (random.sample(range(len(true)), golden) for _ in range(2))
        pairs = [Pair(true[place], pair.candidate[place], pair.active[place]) for place in drawn]
        decision = evaluate_paired_gate(rule, pairs, force=False, active_label="active")
        said[decision.verdict] += 1
        passed += decision.passed
        clearly += decision.passed and decision.verdict is not Verdict.UNCLEAR
        ours, theirs = (
            metrics([true[place] for place in places], [answered[place] for place in places])
            for places, answered in ((drawn, pair.candidate), (others, pair.active))
        )
        before += evaluate_gate(rule, ours, theirs, force=False, active_label="active").passed
    return Verdicts(resamples, said, passed=passed, passed_clearly=clearly, passed_before=before)
