"""From the answers of a batch's jobs to what each document gets. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from shared.batches.batch import Batch, document_index
from shared.documents.record_schema import (
    BatchReference,
    ClassConfidence,
    ClassificationRecord,
    Decision,
    RecordDecision,
    RecordWarning,
    Timings,
)
from shared.documents.ref import DocumentRef
from shared.language.values import AnalyzeJob, ClassScore, ModelRef, ProjectKind, ServiceError, TextClasses
from shared.models.acceptance import decide, is_audited, result_confidence

# In place of its words, which may quote the document.
SERVICE_WARNING = "a warning of the Language service"


@dataclass(frozen=True)
class Answer:
    """All pages of a batch's jobs, by text id.

    `malformed` says what is wrong with a text's result; such a text is in no other member.
    """

    texts: Mapping[str, TextClasses]
    text_errors: Mapping[str, ServiceError]
    malformed: Mapping[str, str]
    completed: datetime | None

    @property
    def text_ids(self) -> set[str]:
        return {*self.texts, *self.text_errors, *self.malformed}


@dataclass
class Results:
    """Documents by what happens to them; keys are indexes in the batch."""

    classified: dict[int, ClassificationRecord] = field(default_factory=dict)
    failed: dict[int, ServiceError] = field(default_factory=dict)
    malformed: dict[int, str] = field(default_factory=dict)
    missing: list[int] = field(default_factory=list)
    raised: dict[int, Exception] = field(default_factory=dict)


def merge_pages(pages: Iterable[AnalyzeJob]) -> Answer:
    """The union of the pages. Ids that were not asked for are dropped later.

    Repeats of an id that say the same are one. Those that contradict each other leave the text malformed, because which
    of them is right cannot be known. Of several errors the first counts.
    """
    texts: dict[str, TextClasses] = {}
    errors: dict[str, ServiceError] = {}
    malformed: dict[str, str] = {}
    completed: datetime | None = None
    for page in pages:
        malformed.update(page.malformed)
        for text in page.texts:
            if texts.setdefault(text.id, text) != text:
                malformed[text.id] = "it has two results that differ"
        for text_id, error in page.text_errors.items():
            errors.setdefault(text_id, error)
        completed = max(filter(None, (completed, page.updated)), default=None)
    malformed |= {text_id: "it has a result and an error" for text_id in texts.keys() & errors.keys()}
    return Answer(
        {text_id: text for text_id, text in texts.items() if text_id not in malformed},
        {text_id: error for text_id, error in errors.items() if text_id not in malformed},
        malformed,
        completed,
    )


def resolve(batch: Batch, model: ModelRef, answer: Answer, *, api_version: str) -> Results:
    """Give every open document of the batch a classification, the service's error, what is wrong, or "missing".

    `model` and `api_version` are what the batch was submitted with.
    """
    lengths = {text_id: length for job in batch.jobs for text_id, length in job.texts.items()}
    parts: dict[int, list[str]] = defaultdict(list)
    for text_id in lengths:
        parts[document_index(text_id)].append(text_id)
    results = Results()
    for index, _ in batch.open_documents:
        text_ids = parts[index]
        error = next((answer.text_errors[each] for each in text_ids if each in answer.text_errors), None)
        why = next((answer.malformed[each] for each in text_ids if each in answer.malformed), None)
        if why:
            results.malformed[index] = why
        elif error:
            results.failed[index] = error
        elif not text_ids or any(each not in answer.texts for each in text_ids):
            results.missing.append(index)
        else:
            weighted = [(lengths[each], answer.texts[each]) for each in text_ids]
            try:
                results.classified[index] = _record(
                    batch, model, index, weighted, completed=answer.completed, api_version=api_version
                )
            except Exception as raised:  # of this one document: the others have their classes
                results.raised[index] = raised
    return results


def _record(
    batch: Batch,
    model: ModelRef,
    index: int,
    weighted: Sequence[tuple[int, TextClasses]],
    *,
    completed: datetime | None,
    api_version: str,
) -> ClassificationRecord:
    planned = batch.documents[index]
    jobs = [each for each in batch.jobs if any(document_index(text) == index for text in each.texts)]
    warnings = [RecordWarning(code=code, message=message) for code, message in jobs[0].warnings.get(str(index), [])]
    codes = [each.code for _, text in weighted for each in text.warnings]
    warnings += [RecordWarning(code=code, message=SERVICE_WARNING) for code in codes]
    classes = merge_parts(model.kind, weighted)
    return ClassificationRecord(
        document=planned.document,
        project=model.project,
        kind=model.kind,
        model=model,
        api_version=api_version,
        classes=[ClassConfidence(name=each.name, confidence=each.confidence) for each in classes],
        warnings=warnings,
        batch=BatchReference(id=batch.id, jobs=[each.job_id for each in jobs], attempt=planned.attempt),
        timings=Timings(
            uploaded=planned.document.last_modified,
            planned=batch.created,
            submitted=jobs[0].submitted,
            completed=completed,
        ),
        decision=_decision(batch, model, planned.document, classes),
    )


def _decision(
    batch: Batch, model: ModelRef, document: DocumentRef, classes: Sequence[ClassScore]
) -> RecordDecision | None:
    """By what the batch was submitted with alone, so that a second pass decides the same."""
    if batch.acceptance is None:
        return None
    rule, basis = batch.acceptance.rule, batch.acceptance.threshold
    decision = decide(basis.threshold, confidence=result_confidence(each.confidence for each in classes))
    is_audit = decision is Decision.ACCEPTED and is_audited(
        name=document.name, etag=document.etag, model=model.label, percent=batch.audit_percent
    )
    return RecordDecision(
        decision=Decision.REVIEW if is_audit else decision,
        is_audit=is_audit,
        threshold=basis.threshold,
        precision=rule.precision,
        confidence=rule.confidence,
        documents=basis.documents,
    )


def merge_parts(kind: ProjectKind, weighted: Sequence[tuple[int, TextClasses]]) -> list[ClassScore]:
    """The classes of a document from those of its parts, `(length, classes)` each; the most confident first.

    Multi label: a class's highest confidence. Single label: the mean weighted by length, and the best class alone.
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


def error_text(error: ServiceError) -> str:
    """Its code alone. The words may quote the document, whose text is not at hand any more to see whether they do."""
    return error.code
