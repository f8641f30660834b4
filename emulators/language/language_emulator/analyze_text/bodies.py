"""Answers of the GA authoring API. `version` decides the letter case of kinds and what later versions add."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from language_emulator import errors
from language_emulator.clock import format_time
from language_emulator.jobs.records import Job, JobFault, JobStatus, TrainingJob
from language_emulator.limits import TRAINING_CONFIG
from language_emulator.projects.records import (
    Deployment,
    Project,
    ProjectKind,
    TrainedModel,
)
from language_emulator.settings import KindSpelling

# A choice: the documented dates belong to the training configuration, and have passed.
MODEL_LIFE = timedelta(days=365)
_KIND_WORDS = {
    ProjectKind.SINGLE_LABEL: "CustomSingleLabelClassification",
    ProjectKind.MULTI_LABEL: "CustomMultiLabelClassification",
}
# Keys have the lower first letter in every version.
KEY_WORDS = {kind: word[0].lower() + word[1:] for kind, word in _KIND_WORDS.items()}
# 2022-05-01 alone specifies the kind with a lower first letter.
_UPPER_CASE_SINCE = "2022-10"
_SNAPSHOTS_SINCE = "2023"
_ASSIGNED_RESOURCES_SINCE = "2024"


def kind_word(kind: ProjectKind, version: str) -> str:
    """As the specification of `version` spells it."""
    return (_KIND_WORDS if version >= _UPPER_CASE_SINCE else KEY_WORDS)[kind]


def read_kind(word: str, version: str, spelling: KindSpelling) -> ProjectKind:
    """Raise `parameter_invalid` for a word that is no kind of project, or is not spelled as it has to be."""
    for kind in ProjectKind:
        specified = kind_word(kind, version)
        published = {_KIND_WORDS[kind], KEY_WORDS[kind]} if spelling is KindSpelling.PUBLISHED else {specified}
        if word in published:
            return kind
    words = " or ".join(kind_word(kind, version) for kind in ProjectKind)
    raise errors.parameter_invalid("projectKind", f"it must be {words}")


def project_body(project: Project, version: str) -> dict[str, Any]:
    body = {
        "createdDateTime": format_time(project.created),
        "lastModifiedDateTime": format_time(project.modified),
        "projectKind": kind_word(project.kind, version),
        "storageInputContainerName": project.container,
        "projectName": project.name,
        "multilingual": project.multilingual,
        "description": project.description,
        "language": project.language,
        "settings": project.settings,
    }
    if project.models:
        trained = max(model.trained for model in project.models.values())
        body["lastTrainedDateTime"] = format_time(trained)
    if project.deployments:
        deployed = max(deployment.deployed for deployment in project.deployments.values())
        body["lastDeployedDateTime"] = format_time(deployed)
    return body


def job_body(job: Job) -> dict[str, Any]:
    return {
        "jobId": job.job_id,
        "createdDateTime": format_time(job.created),
        "lastUpdatedDateTime": format_time(job.updated),
        "expirationDateTime": format_time(job.expires),
        "status": job.status.value,
        "warnings": [],
        "errors": [fault_body(fault) for fault in job.faults],
    }


def training_job_body(job: TrainingJob) -> dict[str, Any]:
    result: dict[str, Any] = {
        "modelLabel": job.model_label,
        "trainingConfigVersion": job.config_version,
        "trainingStatus": _sub_status(job.status, job.percent, job.created, job.trained),
        "evaluationStatus": _evaluation_status(job),
    }
    if job.is_active:
        # Nobody knows; a client may show it.
        result["estimatedEndDateTime"] = format_time(job.updated + timedelta(seconds=30))
    return job_body(job) | {"result": result}


def model_body(model: TrainedModel, version: str) -> dict[str, Any]:
    body = {
        "label": model.label,
        "modelId": model_id(model.label, model.trained, model.guid),
        "lastTrainedDateTime": format_time(model.trained),
        "lastTrainingDurationInSeconds": int((model.trained - model.started).total_seconds()),
        "modelExpirationDate": _date(model.trained + MODEL_LIFE),
        "modelTrainingConfigVersion": model.config_version,
    }
    return body | {"hasSnapshot": False} if version >= _SNAPSHOTS_SINCE else body


def deployment_body(deployment: Deployment, version: str) -> dict[str, Any]:
    body = {
        "deploymentName": deployment.name,
        "modelId": model_id(deployment.model_label, deployment.trained, deployment.model_guid),
        "lastTrainedDateTime": format_time(deployment.trained),
        "lastDeployedDateTime": format_time(deployment.deployed),
        "deploymentExpirationDate": _date(deployment.expires),
        "modelTrainingConfigVersion": deployment.config_version,
    }
    return body | {"assignedResources": []} if version >= _ASSIGNED_RESOURCES_SINCE else body


def project_file(project: Project, version: str) -> dict[str, Any]:
    """What an export serves; an import takes it back."""
    kind = kind_word(project.kind, version)
    documents = project.labels.documents if project.labels else []
    return {
        "projectFileVersion": version,
        "stringIndexType": "Utf16CodeUnit",
        "metadata": {
            "projectKind": kind,
            "storageInputContainerName": project.container,
            "settings": project.settings,
            "projectName": project.name,
            "multilingual": project.multilingual,
            "description": project.description,
            "language": project.language,
        },
        "assets": {
            "projectKind": kind,
            "classes": [{"category": name} for name in (project.labels.classes if project.labels else [])],
            "documents": [
                {
                    "location": document.location,
                    "language": document.language or project.language,
                    **({"dataset": document.dataset} if document.dataset else {}),
                    **_classes_body(project.kind, document.classes),
                }
                for document in documents
            ],
        },
    }


def config_versions(now: datetime) -> list[dict[str, Any]]:
    """The one listed version; its real expiry date has passed, so a date a year ahead is given."""
    return [{"trainingConfigVersion": TRAINING_CONFIG, "modelExpirationDate": _date(now + MODEL_LIFE)}]


def fault_body(fault: JobFault) -> dict[str, Any]:
    body: dict[str, Any] = {"code": fault.code, "message": fault.message}
    if fault.target:
        body["target"] = fault.target
    if fault.inner:
        body["innererror"] = {"code": fault.inner, "message": fault.message}
    return body


def model_id(label: str, trained: datetime, guid: str) -> str:
    """The form of the published example: label, time of training, 32 hexadecimal digits."""
    return f"{label}-{trained:%Y%m%dT%H%M%S}-{guid.replace('-', '')}"


def _classes_body(kind: ProjectKind, classes: list[str]) -> dict[str, Any]:
    if not kind.is_single:
        return {"classes": [{"category": name} for name in classes]}
    return {"class": {"category": classes[0]}} if classes else {}


def _sub_status(status: JobStatus, percent: int, start: datetime | None, end: datetime | None) -> dict[str, Any]:
    body: dict[str, Any] = {"percentComplete": percent, "status": status.value}
    if start is not None:
        body["startDateTime"] = format_time(start)
    if end is not None:
        body["endDateTime"] = format_time(end)
    return body


def _evaluation_status(job: TrainingJob) -> dict[str, Any]:
    if job.evaluated is None:
        # A cancelled training was never evaluated.
        status = JobStatus.CANCELLED if job.status is JobStatus.CANCELLED else JobStatus.NOT_STARTED
        return _sub_status(status, 0, None, None)
    status = JobStatus.SUCCEEDED if job.evaluated else JobStatus.FAILED
    return _sub_status(status, 100 if job.evaluated else 0, job.trained, job.trained)


def _date(moment: datetime) -> str:
    return date(moment.year, moment.month, moment.day).isoformat()
