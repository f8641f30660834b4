"""From the answers of a job's analyze jobs to what each document gets. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from shared.language.models import AnalyzeJob, ClassScore, ModelRef, ProjectKind, ServiceError, TextClasses
from shared.pipeline.manifest import Manifest, document_index
from shared.pipeline.record_schema import (
    ClassificationRecord,
    ClassRecord,
    JobRecord,
    Timings,
    WarningRecord,
)


@dataclass(frozen=True)
class JobAnswer:
    """All pages of a job's analyze jobs."""

    texts: Mapping[str, TextClasses]
    text_errors: Mapping[str, ServiceError]
    completed: datetime | None


@dataclass
class Settled:
    """Documents by what happens to them; keys are indexes in the manifest."""

    classified: dict[int, ClassificationRecord] = field(default_factory=dict)
    failed: dict[int, ServiceError] = field(default_factory=dict)
    missing: list[int] = field(default_factory=list)


def merge_pages(pages: Iterable[AnalyzeJob]) -> JobAnswer:
    """The union of pages; ids nobody asked for are dropped later, the first entry of a repeated id wins."""
    texts: dict[str, TextClasses] = {}
    errors: dict[str, ServiceError] = {}
    completed: datetime | None = None
    for page in pages:
        for text in page.texts:
            texts.setdefault(text.id, text)
        for text_id, error in page.text_errors.items():
            errors.setdefault(text_id, error)
        completed = max(filter(None, (completed, page.updated)), default=None)
    return JobAnswer(texts, errors, completed)


def settle(manifest: Manifest, model: ModelRef, answer: JobAnswer) -> Settled:
    """Give every open document of the manifest a classification, the service's error, or "missing"."""
    lengths = {text_id: length for analyze in manifest.analyze for text_id, length in analyze.texts.items()}
    parts: dict[int, list[str]] = defaultdict(list)
    for text_id in lengths:
        parts[document_index(text_id)].append(text_id)
    settled = Settled()
    for index, _ in manifest.open_documents:
        text_ids = parts[index]
        error = next((answer.text_errors[each] for each in text_ids if each in answer.text_errors), None)
        if error:
            settled.failed[index] = error
        elif not text_ids or any(each not in answer.texts for each in text_ids):
            settled.missing.append(index)
        else:
            weighted = [(lengths[each], answer.texts[each]) for each in text_ids]
            settled.classified[index] = _record(manifest, model, index, weighted, answer.completed)
    return settled


def _record(
    manifest: Manifest,
    model: ModelRef,
    index: int,
    weighted: Sequence[tuple[int, TextClasses]],
    completed: datetime | None,
) -> ClassificationRecord:
    planned = manifest.documents[index]
    analyze = [each for each in manifest.analyze if any(document_index(text) == index for text in each.texts)]
    warnings = [WarningRecord(code=code, message=message) for code, message in analyze[0].warnings.get(str(index), [])]
    warnings += [WarningRecord(code=each.code, message=each.message) for _, text in weighted for each in text.warnings]
    return ClassificationRecord(
        document=planned.document,
        project=model.project,
        kind=model.kind,
        model=model,
        api_version=manifest.api_version or "",
        classes=[ClassRecord(name=each.name, confidence=each.confidence) for each in merge_parts(model.kind, weighted)],
        warnings=warnings,
        job=JobRecord(
            id=manifest.id, analyze_jobs=[each.job_id for each in analyze], attempt=planned.attempt + manifest.attempt
        ),
        timings=Timings(
            uploaded=planned.document.last_modified,
            planned=manifest.created,
            submitted=analyze[0].submitted,
            completed=completed,
        ),
    )


def merge_parts(kind: ProjectKind, weighted: Sequence[tuple[int, TextClasses]]) -> list[ClassScore]:
    """The classes of a document from those of its parts, `(length, classes)` each; the surest first.

    Multi-label: a class's highest confidence. Single-label: the mean weighted by length, and the best class alone.
    """
    if len(weighted) == 1:
        return list(weighted[0][1].classes)
    if kind is ProjectKind.MULTI:
        best: dict[str, float] = {}
        for _, text in weighted:
            for score in text.classes:
                best[score.name] = max(score.confidence, best.get(score.name, 0.0))
        return _ranked(best)
    total = sum(length for length, _ in weighted) or 1
    mean: dict[str, float] = defaultdict(float)
    for length, text in weighted:
        for score in text.classes:
            mean[score.name] += score.confidence * length / total
    return _ranked(mean)[:1]


def _ranked(scores: Mapping[str, float]) -> list[ClassScore]:
    return [
        ClassScore(name, round(value, 6))
        for name, value in sorted(scores.items(), key=lambda each: (-each[1], each[0]))
    ]
