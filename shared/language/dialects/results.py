"""What the API versions say alike: classified texts and evaluations, in every spelling seen. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from shared.errors import MalformedAnswerError
from shared.language.dialects.base import (
    Json,
    member,
    number,
    parse_error,
    parse_errors,
    parse_next_page,
    parse_status,
    parse_time,
)
from shared.language.models import (
    AnalyzeJob,
    ClassEvaluation,
    ClassScore,
    Evaluation,
    ProjectKind,
    ServiceError,
    TextClasses,
)

# ct.1 and the documents write `classes`, the dated API and its SDK `class`, v3.2-preview.2 `classification(s)`.
_CLASS_KEYS = ("class", "classes", "classifications", "classification")


@dataclass
class TaskResults:
    """The union of all result lists of a page."""

    texts: list[TextClasses] = field(default_factory=list)
    text_errors: dict[str, ServiceError] = field(default_factory=dict)

    def add(self, results: Json) -> None:
        """Read one `results` object; the first entry of a repeated id wins."""
        seen = {text.id for text in self.texts} | set(self.text_errors)
        for text in map(_read_text, _list(results, "documents")):
            if text.id not in seen:
                seen.add(text.id)
                self.texts.append(text)
        for entry in _list(results, "errors"):
            self.text_errors.setdefault(member(entry, "id", str), parse_error(entry.get("error")))


def read_analyze_job(body: Json, results: Iterable[Json]) -> AnalyzeJob:
    """One page of a job's state; `results` are its result objects. Times and links are read in each spelling."""
    status = parse_status(member(body, "status", str))
    found = TaskResults()
    for each in results:
        found.add(each)
    return AnalyzeJob(
        status=status,
        created=parse_time(body.get("createdDateTime")),
        updated=parse_time(body.get("lastUpdatedDateTime") or body.get("lastUpdateDateTime")),
        expires=parse_time(body.get("expirationDateTime")),
        texts=tuple(found.texts),
        text_errors=found.text_errors,
        errors=parse_errors(body.get("errors")),
        next_page=parse_next_page(body.get("@nextLink") or body.get("nextLink")),
    )


def _list(body: Json, key: str) -> list[Json]:
    value = body.get(key) if isinstance(body, dict) else None
    if value is None:
        return []
    if not isinstance(value, list):
        raise MalformedAnswerError(f"{key!r} of the results is not a list")
    return value


def _read_text(document: Json) -> TextClasses:
    return TextClasses(
        id=member(document, "id", str),
        classes=tuple(_read_classes(document)),
        warnings=parse_errors(document.get("warnings")),
    )


def _read_classes(document: Json) -> Iterable[ClassScore]:
    for key in _CLASS_KEYS:
        found = document.get(key)
        if found is not None:
            entries = found if isinstance(found, list) else [found]
            return [ClassScore(member(entry, "category", str), number(entry, "confidenceScore")) for entry in entries]
    raise MalformedAnswerError("a classified document has no list of classes")


def read_evaluation(body: Json, kind: ProjectKind) -> Evaluation:
    """One evaluation object; the counts are read in each of the three spellings."""
    classes = {str(name): _read_class(entry) for name, entry in member(body, "classes", dict).items()}
    return Evaluation(
        kind=kind,
        classes=classes,
        micro_f1=number(body, "microF1"),
        micro_precision=number(body, "microPrecision"),
        micro_recall=number(body, "microRecall"),
        macro_f1=number(body, "macroF1"),
        macro_precision=number(body, "macroPrecision"),
        macro_recall=number(body, "macroRecall"),
    )


def _read_class(entry: Json) -> ClassEvaluation:
    return ClassEvaluation(
        precision=number(entry, "precision"),
        recall=number(entry, "recall"),
        f1=number(entry, "f1"),
        true_positives=_count(entry, "TruePositive"),
        true_negatives=_count(entry, "TrueNegative"),
        false_positives=_count(entry, "FalsePositive"),
        false_negatives=_count(entry, "FalseNegative"),
    )


def _count(entry: Json, what: str) -> int:
    lower = what[0].lower() + what[1:]
    return int(number(entry, f"{lower}Count", f"count{what}s", f"{lower}sCount"))
