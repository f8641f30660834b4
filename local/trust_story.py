"""What `make demo` shows of trust: four models and what the gate says of them, and a promise and how it is kept."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.datasets import Dataset
from shared.json_input import parse_json
from shared.language.authoring_values import LabelledDocument
from shared.models.acceptance import AcceptanceRule, is_right, result_confidence
from shared.models.golden import split
from shared.models.labels import parse_labels

# Of the labelled documents; an app's own default is 20, for which the demo has too few.
GOLDEN_PERCENT = 40
RULE = AcceptanceRule(precision=0.95, confidence=0.9)
_SHOWN_FOR_REVIEW = 5
_SEED = 7


@dataclass(frozen=True)
class Chapter:
    """A model to train: from which labels, and what its retraining asks for."""

    title: str
    model: str
    labels: Dataset
    request: Mapping[str, Any]


def chapters(dataset: Dataset) -> list[Chapter]:
    """The same golden documents in all of them, so that the models are compared on these."""
    labels = parse_labels(parse_json(dataset.labels))
    sides = split(labels.documents, percent=GOLDEN_PERCENT)
    training = list(sides.training)
    Random(_SEED).shuffle(training)  # noqa: S311 - the same story each time, not a secret

    def some(documents: Sequence[LabelledDocument]) -> Dataset:
        return with_labels(dataset, labels.classes, [*documents, *sides.golden])

    return [
        Chapter("A first model, of a third of the labels", "first", some(training[: len(training) // 3]), {}),
        Chapter("One of all labels", "all", some(training), {}),
        Chapter("One of labels that were mixed up", "spoiled", some(dealt_out_again(training)), {}),
        Chapter(
            "One of nine labels in ten, to be no worse by more than 0.005",
            "fewer",
            some(training[: len(training) * 9 // 10]),
            {"gate": {"tolerance": 0.005, "on_unclear": "refuse"}},
        ),
    ]


def dealt_out_again(documents: Sequence[LabelledDocument]) -> list[LabelledDocument]:
    """The same documents, each with the classes of the next one."""
    return [
        replace(document, classes=other.classes)
        for document, other in zip(documents, [*documents[1:], documents[0]], strict=True)
    ]


def with_labels(dataset: Dataset, classes: Sequence[str], documents: Iterable[LabelledDocument]) -> Dataset:
    """The dataset with other labels, and no documents but theirs to train on."""
    kept = list(documents)
    entries = [
        {
            "location": each.location,
            "culture": each.language,
            "intents": [classes.index(name) for name in each.classes],
            **({"dataset": each.dataset} if each.dataset else {}),
        }
        for each in kept
    ]
    content = json.dumps({"intentNames": list(classes), "documents": entries}).encode()
    training = {each.location: dataset.training[each.location] for each in kept}
    return replace(dataset, labels=content, training=training)


def show_gate(console: Console, gate: Mapping[str, Any]) -> None:
    style = {"worse": "red", "unclear": "yellow", "unpaired": "dim"}.get(gate["verdict"], "green")
    # A refusal's reason is that of the operation, which was printed when it ended.
    said = f"published: {gate['reason']}" if gate["passed"] else "not published"
    console.print(f"  [{style}]{gate['verdict']}[/{style}], {escape(said)}")


def show_verdicts(console: Console, gates: Mapping[str, Mapping[str, Any]]) -> None:
    table = Table(
        "model", "verdict", "difference", "four times in five", "golden", "needed", "", title="What the gate said"
    )
    for model, gate in gates.items():
        interval = gate["interval"]
        table.add_row(
            model,
            gate["verdict"],
            "" if gate["difference"] is None else f"{gate['difference']:+.3f}",
            f"{interval[0]:+.3f} to {interval[1]:+.3f}" if interval else "",
            str(gate["documents"] or ""),
            str(gate["documents_needed"] or ""),
            "published" if gate["passed"] else "refused",
        )
    console.print(table)


def show_promise(console: Console, acceptance: Mapping[str, Any]) -> None:
    """`acceptance` is that of GET /api/status."""
    asked = f"{acceptance['precision']:g} with confidence {acceptance['confidence']:g}"
    if acceptance["threshold"] is None:
        needed = acceptance["documents_needed"]
        more = f"; about {needed} golden documents would do" if needed else ""
        console.print(f"[yellow]{asked} cannot be promised[/yellow]: everything goes to review{more}")
        return
    console.print(
        f"Asked for {asked}: results are accepted from a confidence of {acceptance['threshold']:.2f} on, which "
        f"{acceptance['documents']} golden documents show to be enough"
    )


@dataclass(frozen=True)
class Kept:
    """Of the records of one kind: how many there are, and how many of them are right."""

    right: int
    of: int

    @property
    def share(self) -> float | None:
        return self.right / self.of if self.of else None


def counted(expected: Mapping[str, list[str]], records: Mapping[str, Mapping[str, Any]]) -> dict[str, Kept]:
    """Documents that people have judged, by what was decided of them; `audit` are accepted ones that are shown too."""
    found = dict.fromkeys(("accepted", "audit", "review"), Kept(0, 0))
    for name, record in records.items():
        decision = record.get("decision")
        if name in expected and decision is not None:
            kind = "audit" if decision["is_audit"] else decision["decision"]
            answered = frozenset(each["name"] for each in record["classes"])
            right = is_right(frozenset(expected[name]), answered, RULE.right)
            found[kind] = Kept(found[kind].right + right, found[kind].of + 1)
    return found


def show_kept(console: Console, counts: Mapping[str, Kept]) -> None:
    table = Table("decision", "documents", "right", "share", title="The promise beside what people say")
    said = {"accepted": "accepted", "audit": "sure enough, and shown to a person all the same", "review": "for review"}
    for kind, kept in counts.items():
        table.add_row(said[kind], str(kept.of), str(kept.right), "" if kept.share is None else f"{kept.share:.3f}")
    console.print(table)
    # The audited ones are sure enough: they were drawn by a hash from those that would have been accepted.
    sure = Kept(counts["accepted"].right + counts["audit"].right, counts["accepted"].of + counts["audit"].of)
    if sure.share is None:
        return
    is_kept = sure.share >= RULE.precision
    console.print(
        f"[{'green' if is_kept else 'red'}]{'Kept' if is_kept else 'Not kept'}[/]: {sure.right} of {sure.of} that were "
        f"sure enough are right, {sure.share:.3f}; {RULE.precision:g} was asked for"
    )


def show_waiting(console: Console, records: Mapping[str, Mapping[str, Any]]) -> None:
    """The first that a person would be shown: the least sure."""
    waiting = [
        (result_confidence(each["confidence"] for each in record["classes"]) or 0.0, name, record)
        for name, record in records.items()
        if (record.get("decision") or {}).get("decision") == "review"
    ]
    if not waiting:
        return
    console.print(f"{len(waiting)} wait for review, the least sure first:")
    for confidence, name, record in sorted(waiting, key=lambda each: each[:2])[:_SHOWN_FOR_REVIEW]:
        classes = ", ".join(each["name"] for each in record["classes"]) or "no class"
        console.print(f"  {confidence:.2f}  {escape(name)}: {escape(classes)}?")
