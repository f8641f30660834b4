"""Answers of the 2021 preview's authoring API. Key names are those of the July 2021 pages."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from language_emulator.clock import format_time
from language_emulator.jobs.records import Job, JobFault, JobStatus, PublishingJob, TrainingJob
from language_emulator.projects.records import ClassResult, Evaluation, Project, ProjectKind, Publication, TrainedModel

MODEL_TYPES = {ProjectKind.SINGLE_LABEL: "SingleClassification", ProjectKind.MULTI_LABEL: "MultiClassification"}

# notStarted, inProgress and succeeded are documented; failed is implied by the `failed` counter.
STATUS_WORDS = {
    JobStatus.NOT_STARTED: "notStarted",
    JobStatus.RUNNING: "inProgress",
    JobStatus.SUCCEEDED: "succeeded",
    JobStatus.FAILED: "failed",
    JobStatus.CANCELLED: "cancelled",
    JobStatus.PARTIALLY_COMPLETED: "failed",
}


def project_body(project: Project) -> dict[str, Any]:
    return {
        "name": project.name,
        "modelType": MODEL_TYPES[project.kind],
        "multiLingual": project.multilingual,
        "description": project.description,
        "culture": project.language,
        "storageInputContainerName": project.container,
        "labelsLocation": project.labels_location,
        "createdDateTime": format_time(project.created),
        "lastModifiedDateTime": format_time(project.modified),
    }


def training_job_body(job: TrainingJob) -> dict[str, Any]:
    task = {
        "trainingModelName": job.model_label,
        "status": STATUS_WORDS[job.status],
        "lastUpdatedDateTime": format_time(job.updated),
        "error": _first_fault(job),
        "evaluationStatus": _evaluation_status(job),
    }
    return _job_body(job, task)


def publishing_job_body(job: PublishingJob) -> dict[str, Any]:
    task = {
        "modelId": job.model_id,
        "status": STATUS_WORDS[job.status],
        "lastUpdatedDateTime": format_time(job.updated),
        "error": _first_fault(job),
    }
    return _job_body(job, task)


def trained_model_body(
    model: TrainedModel, publication: Publication | None, under_way: PublishingJob | None
) -> dict[str, Any]:
    return {
        "trainingModelName": model.label,
        "trainingJobInfo": _block("succeeded", model.started, model.trained),
        "evaluationJobInfo": _block("succeeded", model.trained, model.evaluated) if model.evaluation else None,
        "publishingJobInfo": _publishing_block(publication, under_way),
    }


def evaluation_body(project: Project, evaluation: Evaluation) -> dict[str, Any]:
    micro, macro = evaluation.micro, evaluation.macro
    figures = {
        "classes": {name: _class_body(result) for name, result in evaluation.classes.items()},
        "microF1": micro.f1,
        "microPrecision": micro.precision,
        "microRecall": micro.recall,
        "macroF1": macro.f1,
        "macroPrecision": macro.precision,
        "macroRecall": macro.recall,
    }
    return _by_kind(project, "Evaluation", figures)


def validation_body(project: Project, model: TrainedModel) -> dict[str, Any]:
    documents = [
        {
            "classes": {"labeledClasses": review.labelled, "predictedClasses": review.predicted},
            "location": review.location,
            "culture": review.language or project.language,
        }
        for review in model.validation_review
    ]
    return _by_kind(project, "Validation", {"documents": documents})


def fault_body(fault: JobFault) -> dict[str, Any]:
    return {"code": fault.code, "message": fault.message}


def _by_kind(project: Project, what: str, content: dict[str, Any]) -> dict[str, Any]:
    """One of two keys holds the content; the other is null."""
    return {
        "modelType": MODEL_TYPES[project.kind],
        f"singleClassification{what}": content if project.kind.is_single else None,
        f"multiClassification{what}": None if project.kind.is_single else content,
    }


def _class_body(result: ClassResult) -> dict[str, Any]:
    scores = result.scores
    return {
        "f1": scores.f1,
        "precision": scores.precision,
        "recall": scores.recall,
        "countTruePositives": result.true_positives,
        "countTrueNegatives": result.true_negatives,
        "countFalsePositives": result.false_positives,
        "countFalseNegatives": result.false_negatives,
    }


def _job_body(job: Job, task: dict[str, Any]) -> dict[str, Any]:
    return {
        "tasks": [task],
        "inProgress": int(job.is_active),
        "completed": int(job.status is JobStatus.SUCCEEDED),
        "failed": int(not job.is_active and job.status is not JobStatus.SUCCEEDED),
        "total": 1,
        "jobId": job.job_id,
        "createdDateTime": format_time(job.created),
        "lastUpdatedDateTime": format_time(job.updated),
        "expirationDateTime": format_time(job.expires),
        "status": STATUS_WORDS[job.status],
        "errors": [fault_body(fault) for fault in job.faults],
    }


def _first_fault(job: Job) -> dict[str, Any] | None:
    return fault_body(job.faults[0]) if job.faults else None


def _evaluation_status(job: TrainingJob) -> dict[str, Any]:
    """Evaluation begins after training ends; without enough documents it fails and training does not."""
    error = None
    status = "notStarted"
    if job.evaluated is not None:
        status = "succeeded" if job.evaluated else "failed"
        error = None if job.evaluated else {"code": "InvalidRequest", "message": "Too few documents to evaluate on."}
    return {"status": status, "lastUpdatedDateTime": format_time(job.updated), "error": error}


def _block(status: str, start: datetime, end: datetime | None) -> dict[str, Any]:
    return {"status": status, "startDateTime": format_time(start), "endDateTime": format_time(end) if end else None}


def _publishing_block(publication: Publication | None, under_way: PublishingJob | None) -> dict[str, Any] | None:
    """That of the job under way, while there is one; the id of the model that answers stays."""
    model_id = publication.model_id if publication else None
    if under_way is not None:
        return _block(STATUS_WORDS[under_way.status], under_way.created, None) | {"modelId": model_id}
    if publication is None:
        return None
    return _block("succeeded", publication.started, publication.published) | {"modelId": model_id}
