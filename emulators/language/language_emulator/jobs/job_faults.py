"""Injected faults applied to jobs and to the outcomes of documents."""

from __future__ import annotations

from collections.abc import Iterator

from language_emulator.control.actions import (
    DocumentFault,
    FailJob,
    FailTask,
    OmitDocuments,
    RenameDocuments,
    RepeatDocuments,
    StallJob,
)
from language_emulator.control.progression import NEVER
from language_emulator.control.rules import Injected
from language_emulator.jobs.records import AnalysisJob, DocumentOutcome, Job, JobFault, JobStatus


def apply_to_job(job: Job, injected: Injected) -> None:
    """Make a job fail or stall, before it is posted."""
    failure = injected.find(FailJob)
    if failure is not None:
        job.injected_error = JobFault(code=failure.code, message=failure.message)
    if injected.find(StallJob) is not None:
        job.progression = NEVER


def apply_to_tasks(job: AnalysisJob, injected: Injected) -> None:
    for failure in injected.all(FailTask):
        if failure.index < len(job.tasks):
            task = job.tasks[failure.index]
            task.fault = JobFault(code=failure.code, message=failure.message)
            task.outcomes = []
        job.targeted_faults = failure.targeted
        job.forced_end = None if failure.end is None else JobStatus(failure.end)


def apply_to_outcome(outcome: DocumentOutcome, text: str, injected: Injected) -> Iterator[DocumentOutcome]:
    """The outcomes a document really gets: none, one or two, perhaps an error, perhaps under another id."""
    if any(omission.marker in text for omission in injected.all(OmitDocuments)):
        return
    changes: dict[str, object] = {}
    for failure in injected.all(DocumentFault):
        if failure.marker in text:
            fault = JobFault(code=failure.code, message=failure.message, inner=failure.inner)
            changes |= {"classes": [], "fault": fault}
    for rename in injected.all(RenameDocuments):
        if rename.marker in text:
            changes |= {"document_id": rename.document_id}
    changed = outcome.model_copy(update=changes)
    yield changed
    if any(repeat.marker in text for repeat in injected.all(RepeatDocuments)):
        yield changed
