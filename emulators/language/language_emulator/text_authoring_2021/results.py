"""The 2021 preview's classification job on the wire, in the two forms the sources show (settings.PreviewForm)."""

from __future__ import annotations

from typing import Any

from language_emulator.clock import format_time
from language_emulator.http.paging import Page
from language_emulator.jobs.records import ACTIVE, AnalysisJob, AnalysisTask, DocumentOutcome, JobFault, JobStatus
from language_emulator.limits import CHARACTERS_PER_RECORD
from language_emulator.projects.records import ProjectKind
from language_emulator.settings import PreviewForm

_LIST_NAMES = {
    ProjectKind.SINGLE_LABEL: "customClassificationTasks",
    ProjectKind.MULTI_LABEL: "customMultiClassificationTasks",
}
# The neighbouring version renamed the single list.
_RECORDED_LIST_NAMES = _LIST_NAMES | {ProjectKind.SINGLE_LABEL: "customSingleClassificationTasks"}


def list_name(kind: ProjectKind, form: PreviewForm = PreviewForm.QUICKSTART) -> str:
    return (_LIST_NAMES if form is PreviewForm.QUICKSTART else _RECORDED_LIST_NAMES)[kind]


def analysis_job_body(job: AnalysisJob, page: Page, form: PreviewForm) -> dict[str, Any]:
    tasks: dict[str, Any] = {
        "details": {
            "name": job.display_name,
            "lastUpdateDateTime": format_time(job.updated),
            _status_key(form): _status_word(job.status, form),
        },
        "completed": job.count_tasks(JobStatus.SUCCEEDED),
        "failed": job.count_tasks(JobStatus.FAILED, JobStatus.CANCELLED),
        "inProgress": job.count_tasks(*ACTIVE),
        "total": len(job.tasks),
    }
    # Recorded traffic: a running job has no result list at all.
    lists = {} if job.is_active else _result_lists(job, page, form)
    tasks |= {"tasks": lists} if form is PreviewForm.QUICKSTART else lists
    return {
        "createdDateTime": format_time(job.created),
        "displayName": job.display_name,
        "expirationDateTime": format_time(job.expires),
        "jobId": job.job_id,
        "lastUpdateDateTime": format_time(job.updated),
        "status": _status_word(job.status, form),
        "errors": [_error_body(fault) for fault in job.faults] + _task_errors(job, form),
        "tasks": tasks,
    }


def _result_lists(job: AnalysisJob, page: Page, form: PreviewForm) -> dict[str, Any]:
    lists: dict[str, Any] = {}
    for task in job.tasks:
        lists.setdefault(list_name(task.kind, form), []).append(_task_body(job, task, page, form))
    return lists


def _task_body(job: AnalysisJob, task: AnalysisTask, page: Page, form: PreviewForm) -> dict[str, Any]:
    status = job.task_status(task)
    body: dict[str, Any] = {
        "lastUpdateDateTime": format_time(job.updated),
        "name": task.name,
        _status_key(form): _status_word(status, form),
    }
    if status is JobStatus.SUCCEEDED:
        body["results"] = _results(job, task, page, form)
    return body


def _results(job: AnalysisJob, task: AnalysisTask, page: Page, form: PreviewForm) -> dict[str, Any]:
    shown = page.of(task.outcomes)
    return {
        "documents": [_document_body(task.kind, outcome, form) for outcome in shown if outcome.fault is None],
        "errors": [
            {"id": outcome.document_id, "error": _error_body(outcome.fault)}
            for outcome in shown
            if outcome.fault is not None
        ],
        "statistics": _statistics(job, task),
    }


def _document_body(kind: ProjectKind, outcome: DocumentOutcome, form: PreviewForm) -> dict[str, Any]:
    classes: Any = [{"category": name, "confidenceScore": confidence} for name, confidence in outcome.classes]
    key = "classes"
    if form is PreviewForm.RECORDED:
        key = "classification" if kind.is_single else "classifications"
        classes = classes[0] if kind.is_single else classes
    return {"id": outcome.document_id, key: classes, "warnings": []}


def _statistics(job: AnalysisJob, task: AnalysisTask) -> dict[str, int]:
    """Of the whole task, on every page. A text record is up to 1,000 characters."""
    valid = [outcome for outcome in task.outcomes if outcome.fault is None]
    return {
        "documentsCount": job.document_count,
        "validDocumentsCount": len(valid),
        "erroneousDocumentsCount": sum(outcome.fault is not None for outcome in task.outcomes),
        "transactionsCount": sum(-(-outcome.characters // CHARACTERS_PER_RECORD) for outcome in valid),
    }


def _task_errors(job: AnalysisJob, form: PreviewForm) -> list[dict[str, Any]]:
    """Errors of tasks, each with a JSON pointer to its task in the request."""
    if job.is_active:
        return []
    errors, counted = [], dict.fromkeys(ProjectKind, 0)
    for task in job.tasks:
        index = counted[task.kind]
        counted[task.kind] += 1
        if task.fault is not None:
            target = f"#/tasks/{list_name(task.kind, form)}/{index}" if job.targeted_faults else None
            errors.append(_error_body(task.fault.model_copy(update={"target": target})))
    return errors


def _error_body(fault: JobFault) -> dict[str, Any]:
    body: dict[str, Any] = {"code": fault.code, "message": fault.message}
    if fault.target:
        body["target"] = fault.target
    if fault.inner:
        body["innererror"] = {"code": fault.inner, "message": fault.message}
    return body


def _status_key(form: PreviewForm) -> str:
    return "status" if form is PreviewForm.QUICKSTART else "state"


def _status_word(status: JobStatus, form: PreviewForm) -> str:
    """The quickstart's sample ends in `completed`, recorded traffic in `succeeded`."""
    if status is JobStatus.PARTIALLY_COMPLETED:
        return "partiallycompleted"
    if status is JobStatus.SUCCEEDED and form is PreviewForm.QUICKSTART:
        return "completed"
    return status.value
