"""What each document of a batch gets from the answers of its jobs. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from shared.batches.batch import Batch
from shared.documents.answers import Answer, merge_parts
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
from shared.documents.texts import document_index
from shared.language.values import ClassScore, ModelRef, ServiceError, TextClasses
from shared.models.acceptance import decide, is_audited, result_confidence

# In place of its words, which may quote the document.
SERVICE_WARNING = "a warning of the Language service"


@dataclass
class Results:
    """Documents by what happens to them; keys are indexes in the batch."""

    classified: dict[int, ClassificationRecord] = field(default_factory=dict)
    failed: dict[int, ServiceError] = field(default_factory=dict)
    malformed: dict[int, str] = field(default_factory=dict)
    missing: list[int] = field(default_factory=list)
    raised: dict[int, Exception] = field(default_factory=dict)


def resolve(batch: Batch, model: ModelRef, answer: Answer, *, api_version: str) -> Results:
    """Give every open document of the batch a classification, the service's error, what is wrong, or "missing".

    `model` and `api_version` are what the batch was submitted with.
    """
    lengths: dict[int, dict[str, int]] = defaultdict(dict)
    for job in batch.jobs:
        for text_id, length in job.texts.items():
            lengths[document_index(text_id)][text_id] = length
    results = Results()
    for index, _ in batch.open_documents:
        match answer.of_document(lengths[index]):
            case None:
                results.missing.append(index)
            case str(why):
                results.malformed[index] = why
            case ServiceError() as error:
                results.failed[index] = error
            case weighted:
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
