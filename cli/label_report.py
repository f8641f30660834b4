"""The report of `labels check`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.exit_codes import USAGE
from cli.label_check import by_cleanlab, judge, near_duplicates, suspects
from cli.steps import StepFailedError
from shared.language.authoring_values import LabelledDocument
from shared.models.golden import is_golden, missing_sides, split

# The service trains on fewer, and warns (docs/http.md, warnings of put_labels).
FEW_DOCUMENTS = 10
SHOWN = 20


@dataclass
class Report:
    """`small` are sentences; pairs and mistakes name documents. `beside` is cleanlab's queue, where it is installed."""

    documents: int
    golden: int
    small: list[str]
    duplicates: list[dict[str, Any]]
    leaks: list[dict[str, Any]]
    likely: int = 0
    mistakes: list[dict[str, Any]] = field(default_factory=list)
    cleanlab: list[str] | None = None
    note: str | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def show(self, out: Console) -> None:
        out.print(f"{self.documents} documents, {self.golden} of them golden")
        for line in self.small:
            out.print(f"Few: {line}", markup=False)
        _show_pairs(out, f"{len(self.leaks)} leaks between training and golden documents", self.leaks)
        _show_pairs(out, f"{len(self.duplicates)} near-duplicates", self.duplicates)
        if self.note:
            out.print(self.note, markup=False)
            return
        out.print(f"{self.likely} labels are likely wrong; the most doubtful of all:")
        table = Table("document", "labelled", "fits better", "doubt", *(["cleanlab"] if self.cleanlab else []))
        places = {name: str(number) for number, name in enumerate(self.cleanlab or (), start=1)}
        for each in self.mistakes:
            row = [each["document"], ", ".join(each["labelled"]), ", ".join(each["suggested"])]
            beside = [places.get(each["document"], "")] if self.cleanlab else []
            table.add_row(*map(escape, row), f"{each['doubt']:.2f}", *beside)
        out.print(table)
        if self.cleanlab:
            shared = len(places.keys() & {each["document"] for each in self.mistakes})
            out.print(f"cleanlab's own first {len(places)} have {shared} of these; the column is its place for each")
        else:
            out.print("(pip install cleanlab prints its own order of the same figures beside)")


def _show_pairs(out: Console, title: str, pairs: list[dict[str, Any]]) -> None:
    out.print(title)
    for each in pairs[:SHOWN]:
        words = "the same labels" if each["same_labels"] else "other labels"
        out.print(f"  {each['likeness']:.2f}  {each['first']}  {each['second']}  ({words})", markup=False)
    if len(pairs) > SHOWN:
        out.print(f"  ... {len(pairs) - SHOWN} more (--json)")


def check_labels(
    documents: Sequence[LabelledDocument],
    texts: Sequence[str],
    *,
    is_single: bool,
    golden_percent: int,
    near: float,
    limit: int,
) -> Report:
    """Raises StepFailedError where scikit-learn is not installed."""
    try:
        pairs = near_duplicates(texts, near=near)
    except ImportError as error:
        raise StepFailedError(
            "labels are checked with scikit-learn, which is not installed",
            do="pip install '.[cli]' in the repository",
            exit_code=USAGE,
        ) from error
    golden = [is_golden(each, percent=golden_percent) for each in documents]
    named = [
        (
            golden[pair.first] != golden[pair.second],
            {
                "first": documents[pair.first].location,
                "second": documents[pair.second].location,
                "likeness": pair.likeness,
                "same_labels": set(documents[pair.first].classes) == set(documents[pair.second].classes),
            },
        )
        for pair in pairs
    ]
    report = Report(
        len(documents),
        sum(golden),
        _few(documents, golden_percent),
        [pair for is_leak, pair in named if not is_leak],
        [pair for is_leak, pair in named if is_leak],
    )
    _find_mistakes(report, documents, texts, is_single=is_single, limit=limit)
    return report


def _few(documents: Sequence[LabelledDocument], golden_percent: int) -> list[str]:
    counts = Counter(name for document in documents for name in document.classes)
    lines = [
        f"{name} has {count} documents; from {FEW_DOCUMENTS} on the service does not warn"
        for name, count in sorted(counts.items(), key=lambda each: (each[1], each[0]))
        if count < FEW_DOCUMENTS
    ]
    sides = split(documents, percent=golden_percent)
    for each in missing_sides(sides, sorted(counts), training=1, golden=1 if golden_percent else 0):
        side = "golden document: no model is judged by it" if each.is_golden else "training document: none can learn it"
        lines.append(f"{each.name} has no {side}")
    return lines


def _find_mistakes(
    report: Report, documents: Sequence[LabelledDocument], texts: Sequence[str], *, is_single: bool, limit: int
) -> None:
    try:
        judged = judge(texts, [each.classes for each in documents], is_single=is_single)
    except ValueError as error:
        report.note = f"Likely mistakes were not looked for: {error}"
        return
    found = suspects(judged)
    report.likely = sum(each.is_likely for each in found)
    report.mistakes = [
        {
            "document": documents[each.document].location,
            "labelled": list(each.labelled),
            "suggested": list(each.suggested),
            "doubt": each.doubt,
            "likely": each.is_likely,
        }
        for each in found[:limit]
    ]
    try:
        report.cleanlab = [documents[number].location for number in by_cleanlab(judged)[:limit]]
    except ImportError:
        report.cleanlab = None
