"""Estimated accuracy and drift on replayed streams: the emulator's classifier on both corpora, whose truth is known.

A model is trained on the labelled documents that are not golden. All others, golden and new, are the population:
golden documents and the stream are drawn from it independently, so that "as in the trial" is exactly true, and the
accuracy that is estimated is known. Drawn are answers: nothing is classified twice.

Of 500 documents that are right with a probability of p each, chance alone moves the share that is right by
sqrt(p (1 - p) / 500). No estimate without labels can know of that, so two figures stand beside each other: how far
estimates are from the accuracy of the stream, and how far from that of the very window. Beside them the best that
counts by tenth allow: the same estimate with the whole population as its trial.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from bench.report import Gate
from language_emulator.classifier.fitting import fit_classifier
from shared.language.authoring_values import LabelledDocument
from shared.language.values import ProjectKind
from shared.models.acceptance import Right, is_right
from shared.models.calibration import Calibration, calibrate
from shared.models.distribution import TENTHS, Distribution
from shared.models.drift import find_drift
from shared.models.golden import split
from shared.models.trial import AnsweredClass, Trial, TrialDocument, tenth_of_answer, trial_distribution

CORPORA = {"newsgroups": ProjectKind.SINGLE, "packages": ProjectKind.MULTI}
GOLDEN_PERCENT = 20
GOLDEN = (240, 1_000, 4_000)
# Of which the targets are asked; TRIAL_DOCUMENTS is as many.
JUDGED = 1_000
WINDOW, BATCH = 500, 25
RUNS = 1_000
SHIFT, SOON, BEFORE = 0.15, 300, 1_000
POINTS = 0.02


@dataclass(frozen=True)
class Answer:
    """An unseen document as the model answered it, with all that is counted of it."""

    document: TrialDocument
    names: tuple[str, ...]
    tenth: int | None
    is_right: bool


@dataclass(frozen=True)
class Population:
    """Unseen documents; `golden` of them are those that the split makes golden, the rest are the new ones."""

    name: str
    kind: ProjectKind
    classes: Sequence[str]
    golden: Sequence[Answer]
    new: Sequence[Answer]

    @property
    def answers(self) -> list[Answer]:
        return [*self.golden, *self.new]


def measure_metrics(
    data: Path, corpora: Sequence[str] = tuple(CORPORA), *, runs: int = RUNS
) -> tuple[list[Gate], dict[str, Any]]:
    """Gates and details, for `bench trust` to report with its own."""
    gates: list[Gate] = []
    details: dict[str, Any] = {}
    for name in corpora:
        population = classify(data / name, CORPORA[name])
        details[name] = {
            "documents": len(population.answers),
            "accuracy": share(each.is_right for each in population.answers),
            "as they came": measure_as_they_came(population),
            "golden": {size: measure(population, golden=size, runs=runs) for size in GOLDEN},
        }
        show(name, details[name])
        gates += gates_of(name, details[name]["golden"][JUDGED])
    return gates, details


def gates_of(name: str, found: dict[str, float]) -> list[Gate]:
    with_golden = f"{name}, {JUDGED:,} golden"
    return [
        Gate(f"{with_golden}: estimates within 2 points of the stream's accuracy", found["near the stream"], 0.9),
        Gate(f"{with_golden}: estimates within 2 points of the window's", found["near the window"], 0.9),
        Gate(f"{with_golden}: shifts of labels flagged within 300", found["shifts of the labels flagged"], 0.9),
        Gate(f"{with_golden}: shifts of answers flagged within 300", found["shifts of the answers flagged"], 0.9),
        Gate(f"{with_golden}: false alarms in 200 windows", found["false alarms in 200 windows"], 1, at_most=True),
    ]


def show(name: str, found: dict[str, Any]) -> None:
    print(f"{name}: {found['documents']:,} unseen documents, accuracy {found['accuracy']:.3f}")
    for each in found["as they came"]:
        print("  as they came: estimated {estimated:.3f}, true {true:.3f}, drift p {p_value:.2g}".format(**each))
    for size, figures in found["golden"].items():
        print(f"  {size:,} golden: " + ", ".join(f"{what} {value:.3f}" for what, value in figures.items()), flush=True)


# the population


def classify(folder: Path, kind: ProjectKind) -> Population:
    """Train on what is not golden, and classify the rest."""
    labels = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    expected: dict[str, list[str]] = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    classes: list[str] = labels["intentNames"]
    labelled = [
        LabelledDocument(each["location"], each["culture"], tuple(classes[number] for number in each["intents"]))
        for each in labels["documents"]
    ]
    sides = split(labelled, percent=GOLDEN_PERCENT)
    classifier = fit_classifier(
        [read_text(folder / each.location) for each in sides.training],
        [each.classes for each in sides.training],
        classes,
        single_label=kind is ProjectKind.SINGLE,
        on_progress=lambda _: None,
    )

    def answers(documents: Sequence[tuple[Path, Sequence[str]]]) -> list[Answer]:
        given = classifier.classify([read_text(path) for path, _ in documents])
        return [
            answer(path.name, true, [(each.name, each.confidence) for each in scores])
            for (path, true), scores in zip(documents, given, strict=True)
        ]

    golden = answers([(folder / each.location, each.classes) for each in sides.golden])
    new = answers([(folder / "new" / name, true) for name, true in expected.items()])
    return Population(folder.name, kind, classes, golden, new)


def read_text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", errors="replace")


def answer(name: str, true: Sequence[str], given: Sequence[tuple[str, float]]) -> Answer:
    answered = tuple(AnsweredClass(name=each, confidence=confidence) for each, confidence in given)
    names = tuple(each for each, _ in given)
    document = TrialDocument(location=name, etag='"1"', labels=tuple(true), classes=answered)
    right = is_right(frozenset(true), frozenset(names), Right.EXACT)
    return Answer(document, names, tenth_of_answer(document), right)


# draws


@dataclass(frozen=True)
class Stream:
    """Documents of a population, each as often as its weight says; `accuracy` is that of so weighed documents."""

    answers: Sequence[Answer]
    weights: Sequence[float]

    def draw(self, random: Random, number: int) -> list[Answer]:
        return random.choices(self.answers, self.weights, k=number)

    @property
    def accuracy(self) -> float:
        right = sum(weight for each, weight in zip(self.answers, self.weights, strict=True) if each.is_right)
        return right / sum(self.weights)

    def counted(self) -> Distribution:
        """Of ever more documents: a million, in whole numbers."""
        of_all = 1_000_000 / sum(self.weights)
        classes, tenths = Counter[str](), Counter[int | None]()
        for each, weight in zip(self.answers, self.weights, strict=True):
            tenths[each.tenth] += round(weight * of_all)
            classes.update(dict.fromkeys(each.names, round(weight * of_all)))
        return Distribution(tenths.total(), classes, tuple(tenths[tenth] for tenth in range(TENTHS)))


def usual(population: Population) -> Stream:
    return Stream(population.answers, [1.0] * len(population.answers))


def shifted(population: Population, is_more: Callable[[Answer], bool], *, points: float) -> Stream:
    """So many points more of the documents are of this kind; among those of it, and the others, nothing changes."""
    more = [is_more(each) for each in population.answers]
    before = sum(more) / len(more)
    up, down = (before + points) / before, (1 - before - points) / (1 - before)
    return Stream(population.answers, [up if each else down for each in more])


def labelled_as(name: str) -> Callable[[Answer], bool]:
    return lambda each: name in each.document.labels


def answered_as(name: str) -> Callable[[Answer], bool]:
    return lambda each: name in each.names


def trial_of(population: Population, answers: Iterable[Answer]) -> Trial:
    """Unchecked, because it is built a thousand times."""
    return Trial.model_construct(
        project=population.name,
        kind=population.kind,
        label="bench",
        api_version="",
        ended=datetime.now(UTC),
        documents=tuple(each.document for each in answers),
    )


def batches(answers: Sequence[Answer]) -> list[Distribution]:
    """As closed batches count them."""
    return [counted(answers[begin : begin + BATCH]) for begin in range(0, len(answers), BATCH)]


def counted(answers: Sequence[Answer]) -> Distribution:
    classes = Counter(name for each in answers for name in each.names)
    tenths = Counter(each.tenth for each in answers)
    return Distribution(len(answers), classes, tuple(tenths[tenth] for tenth in range(TENTHS)))


def share(values: Iterable[bool]) -> float:
    found = list(values)
    return sum(found) / len(found)


# figures


def measure(population: Population, *, golden: int, runs: int) -> dict[str, float]:
    return {
        **measure_estimates(population, golden=golden, runs=runs),
        "false alarms in 200 windows": measure_false_alarms(population, golden=golden, windows=runs),
        "shifts of the labels flagged": measure_shifts(population, labelled_as, golden=golden, runs=runs // 4),
        "shifts of the answers flagged": measure_shifts(population, answered_as, golden=golden, runs=runs // 4),
    }


def measure_estimates(population: Population, *, golden: int, runs: int) -> dict[str, float]:
    """Each run with a trial of its own. Shifted streams have 15 points more of a class, each of another one."""
    stream, found = usual(population), Counter[str]()
    best = calibrate(trial_of(population, population.answers))
    for number in range(runs):
        random = Random(number)
        calibration = calibrate(trial_of(population, stream.draw(random, golden)))
        moved = shifted(population, labelled_as(random.choice(population.classes)), points=SHIFT)
        for kind, each in (("", stream), (", shifted", moved)):
            window = each.draw(random, WINDOW)
            true, estimate = share(one.is_right for one in window), estimate_of(calibration, counted(window))
            found[f"near the window{kind}"] += abs(estimate - true) <= POINTS
            found[f"near the window{kind}, at best"] += abs(estimate_of(best, counted(window)) - true) <= POINTS
            found[f"near the stream{kind}"] += abs(estimate - each.accuracy) <= POINTS
            found[f"near the stream{kind}, of very many"] += (
                abs(estimate_of(calibration, each.counted()) - each.accuracy) <= POINTS
            )
    return {what: number / runs for what, number in found.items()}


def estimate_of(calibration: Calibration | None, answers: Distribution) -> float:
    estimate = calibration.accuracy(answers) if calibration else None
    if estimate is None:
        raise AssertionError("a trial of so many documents gives an estimate")
    return estimate


def measure_false_alarms(population: Population, *, golden: int, windows: int) -> float:
    """Five windows follow each other in a run; every block is looked at. Alarmed is a window with any alarm in it."""
    stream, following, alarmed = usual(population), 5, 0
    for number in range(windows // following):
        random = Random(10_000 + number)
        expected = trial_distribution(trial_of(population, stream.draw(random, golden)))
        counts = batches(stream.draw(random, following * WINDOW))
        alarms = {(end - 1) * BATCH // WINDOW for end in range(1, len(counts) + 1) if is_alarm(expected, counts[:end])}
        alarmed += len(alarms)
    return alarmed / (windows // following * following) * 200


def is_alarm(expected: Distribution, stream: Sequence[Distribution]) -> bool:
    drift = find_drift(expected, [stream])
    return drift is not None and drift.has_left


def measure_shifts(
    population: Population, kind: Callable[[str], Callable[[Answer], bool]], *, golden: int, runs: int
) -> float:
    """After documents as in the trial, and anywhere in a batch, 15 points more are of one class, each time another."""
    stream, flagged = usual(population), 0
    for number in range(runs):
        random = Random(20_000 + number)
        moved = shifted(population, kind(random.choice(population.classes)), points=SHIFT)
        expected = trial_distribution(trial_of(population, stream.draw(random, golden)))
        before = BEFORE + random.randrange(BATCH)
        counts = batches([*stream.draw(random, before), *moved.draw(random, SOON)])
        full = (before + SOON) // BATCH
        flagged += any(is_alarm(expected, counts[:end]) for end in range(before // BATCH + 1, full + 1))
    return flagged / runs


def measure_as_they_came(population: Population) -> list[dict[str, float]]:
    """The golden documents of the split, and the new documents by windows: nothing is drawn."""
    trial = trial_of(population, population.golden)
    calibration, found = calibrate(trial), []
    shuffled = Random(1).sample(list(population.new), len(population.new))
    for begin in range(0, len(shuffled) - WINDOW + 1, WINDOW):
        window = shuffled[begin : begin + WINDOW]
        drift = find_drift(trial_distribution(trial), [batches(window)])
        found.append(
            {
                "estimated": estimate_of(calibration, counted(window)),
                "true": share(each.is_right for each in window),
                "p_value": 1.0 if drift is None else drift.p_value,
            }
        )
    return found
