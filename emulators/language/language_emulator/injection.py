"""Injected faults applied to jobs and to the outcomes of documents."""

from __future__ import annotations

from collections.abc import Iterator

from language_emulator.fault_actions import (
    DocumentFault,
    FailJob,
    FailTask,
    OmitDocuments,
    RenameDocuments,
    RepeatDocuments,
    StallJob,
)
from language_emulator.faults import Injected
from language_emulator.jobs import AnalysisJob, DocumentOutcome, Job, JobFault
from language_emulator.progression import NEVER


def apply_to_job(job: Job, injected: Injected) -> None:
    """Doom or stall a job before it is posted."""
    failure = injected.find(FailJob)
    if failure is not None:
        job.doomed = JobFault(code=failure.code, message=failure.message)
    if injected.find(StallJob) is not None:
        job.progression = NEVER


def apply_to_tasks(job: AnalysisJob, injected: Injected) -> None:
    for failure in injected.all(FailTask):
        if failure.index < len(job.tasks):
            task = job.tasks[failure.index]
            task.fault = JobFault(code=failure.code, message=failure.message)
            task.outcomes = []
        job.targeted_faults = failure.targeted
        job.forced_end = failure.end


def spoil_outcomes(outcome: DocumentOutcome, text: str, injected: Injected) -> Iterator[DocumentOutcome]:
    """The outcomes a document really gets: none, one or two, perhaps an error, perhaps under another id."""
    if any(omission.marker in text for omission in injected.all(OmitDocuments)):
        return
    changes: dict[str, object] = {}
    for failure in injected.all(DocumentFault):
        if failure.marker in text:
            changes |= {"classes": [], "fault": failure.fault()}
    for rename in injected.all(RenameDocuments):
        if rename.marker in text:
            changes |= {"document_id": rename.document_id}
    spoiled = outcome.model_copy(update=changes)
    yield spoiled
    if any(repeat.marker in text for repeat in injected.all(RepeatDocuments)):
        yield spoiled
