"""The GA classification job on the wire, with the keys Microsoft's client reads (`class`, `lastUpdatedDateTime`)."""

from __future__ import annotations

from typing import Any

from language_emulator.analyze_text.bodies import fault_body
from language_emulator.clock import format_time
from language_emulator.http.paging import Page
from language_emulator.jobs.records import ACTIVE, AnalysisJob, AnalysisTask, DocumentOutcome, JobStatus
from language_emulator.limits import CHARACTERS_PER_RECORD
from language_emulator.projects.records import ProjectKind
from language_emulator.settings import PartialWord

_RESULT_KINDS = {
    ProjectKind.SINGLE_LABEL: "CustomSingleLabelClassificationLROResults",
    ProjectKind.MULTI_LABEL: "CustomMultiLabelClassificationLROResults",
}


def analysis_job_body(job: AnalysisJob, page: Page, *, show_stats: bool, partial_word: PartialWord) -> dict[str, Any]:
    items = [] if job.is_active else [_item(job, task, page, show_stats) for task in job.tasks]
    body: dict[str, Any] = {
        "jobId": job.job_id,
        "createdDateTime": format_time(job.created),
        "lastUpdatedDateTime": format_time(job.updated),
        "expirationDateTime": format_time(job.expires),
        "status": (partial_word if job.status is JobStatus.PARTIALLY_COMPLETED else job.status).value,
        "errors": [fault_body(fault) for fault in job.faults] + _task_errors(job),
        "tasks": {
            "completed": job.count_tasks(JobStatus.SUCCEEDED),
            "failed": job.count_tasks(JobStatus.FAILED, JobStatus.CANCELLED),
            "inProgress": job.count_tasks(*ACTIVE),
            "total": len(job.tasks),
            "items": items,
        },
    }
    if job.display_name is not None:
        body["displayName"] = job.display_name
    return body


def _item(job: AnalysisJob, task: AnalysisTask, page: Page, show_stats: bool) -> dict[str, Any]:
    status = job.task_status(task)
    item: dict[str, Any] = {
        "kind": _RESULT_KINDS[task.kind],
        "taskName": task.name,
        "lastUpdateDateTime": format_time(job.updated),
        "status": status.value,
    }
    if status is JobStatus.SUCCEEDED:
        item["results"] = _results(job, task, task.outcomes, page, show_stats)
    elif status is JobStatus.CANCELLED:
        # Microsoft's client takes results without any document for those of a cancelled job; their absence breaks it.
        item["results"] = _results(job, task, [], page, show_stats)
    return item


def _results(
    job: AnalysisJob, task: AnalysisTask, outcomes: list[DocumentOutcome], page: Page, show_stats: bool
) -> dict[str, Any]:
    shown = page.of(outcomes)
    results: dict[str, Any] = {
        "documents": [_document(outcome, show_stats) for outcome in shown if outcome.fault is None],
        "errors": [
            {"id": outcome.document_id, "error": fault_body(outcome.fault)}
            for outcome in shown
            if outcome.fault is not None
        ],
        "projectName": task.project,
        "deploymentName": task.deployment,
    }
    if show_stats:
        results["statistics"] = _statistics(job, outcomes)
    return results


def _document(outcome: DocumentOutcome, show_stats: bool) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": outcome.document_id,
        "class": [{"category": name, "confidenceScore": confidence} for name, confidence in outcome.classes],
        "warnings": [],
    }
    if show_stats:
        body["statistics"] = {
            "charactersCount": outcome.characters,
            "transactionsCount": _records(outcome),
        }
    return body


def _statistics(job: AnalysisJob, outcomes: list[DocumentOutcome]) -> dict[str, int]:
    """Of the whole task, on every page."""
    valid = [outcome for outcome in outcomes if outcome.fault is None]
    return {
        "documentsCount": job.document_count,
        "validDocumentsCount": len(valid),
        "erroneousDocumentsCount": sum(outcome.fault is not None for outcome in outcomes),
        "transactionsCount": sum(_records(outcome) for outcome in valid),
    }


def _records(outcome: DocumentOutcome) -> int:
    """Billing counts text records of up to 1,000 characters."""
    return -(-outcome.characters // CHARACTERS_PER_RECORD)


def _task_errors(job: AnalysisJob) -> list[dict[str, Any]]:
    """Errors of tasks, each with the pointer Microsoft's client resolves."""
    if job.is_active:
        return []
    return [
        fault_body(task.fault.model_copy(update={"target": f"#/tasks/items/{index}" if job.targeted_faults else None}))
        for index, task in enumerate(job.tasks)
        if task.fault is not None
    ]
