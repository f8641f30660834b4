"""The generally available API, one `api-version` for authoring and analyze: 2023-04-01, or 2022-05-01. Pure.

Documented in Azure/azure-rest-api-specs, specification/cognitiveservices/data-plane/Language, and on
https://learn.microsoft.com/azure/ai-services/language-service/custom-text-classification/. Where documents and client
libraries spell differently (class/classes, lastUpdatedDateTime/lastUpdateDateTime, the counts) both are read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import TypeVar

from shared.errors import MalformedAnswerError, UnsupportedOperationError
from shared.language.dialects.base import (
    Call,
    Half,
    Json,
    RequestSpec,
    WireResponse,
    analyze_documents,
    job_id_reader,
    member,
    parse_errors,
    parse_next_page,
    parse_status,
    parse_time,
    read_nothing,
    segment,
)
from shared.language.dialects.results import read_analyze_job, read_evaluation
from shared.language.models import (
    AnalyzeJob,
    AuthoringJob,
    Deployment,
    Evaluation,
    LabelledDocument,
    Listing,
    ModelRef,
    OperationStatus,
    Page,
    Project,
    ProjectKind,
    ReviewedDocument,
    TextInputs,
    TrainedModel,
)

T = TypeVar("T")

AUTHORING = "/language/authoring/analyze-text"
ANALYZE = "/language/analyze-text/jobs"

_PROJECT_KINDS = {
    ProjectKind.SINGLE: "customSingleLabelClassification",
    ProjectKind.MULTI: "customMultiLabelClassification",
}
_TASK_KINDS = {
    ProjectKind.SINGLE: "CustomSingleLabelClassification",
    ProjectKind.MULTI: "CustomMultiLabelClassification",
}
_STRING_INDEX_TYPE = "Utf16CodeUnit"
# The only training configuration the documentation lists, whatever the api-version.
_TRAINING_CONFIG = "2022-05-01"
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
# The service answers a model's id as <label>-<time>-<32 hex digits>.
_MODEL_ID = re.compile(r"^(?P<label>.+)-\d{8}T\d{6}-[0-9a-fA-F]{32}$")


class GeneralAvailability:
    """The dialects `2023-04-01` and `2022-05-01`."""

    has_deployments = True

    def __init__(self, api_version: str) -> None:
        self.api_version = api_version

    # Analyze

    def submit_analyze(self, texts: TextInputs, model: ModelRef, *, display_name: str) -> Call[str]:
        parameters = {"projectName": model.project, "deploymentName": model.reference}
        body = {
            "displayName": display_name,
            "analysisInput": {"documents": analyze_documents(texts)},
            "tasks": [{"kind": _TASK_KINDS[model.kind], "taskName": "0", "parameters": parameters}],
        }
        request = RequestSpec("submit_analyze", Half.PREDICTION, "POST", ANALYZE, self._query(), body)
        return Call(request, job_id_reader("operation-location", f"{ANALYZE}/"))

    def get_analyze_job(self, job_id: str, *, page: Page | None = None) -> Call[AnalyzeJob]:
        path = f"{ANALYZE}/{segment(job_id)}"
        return Call(RequestSpec("get_analyze_job", Half.PREDICTION, "GET", path, self._query(page)), _read_analyze_job)

    # Projects

    def create_project(self, project: Project) -> Call[None]:
        return self._patch_project("create_project", project)

    def update_project(self, project: Project) -> Call[None]:
        return self._patch_project("update_project", project)

    def _patch_project(self, operation: str, project: Project) -> Call[None]:
        body = _metadata(project)
        request = self._authoring(operation, "PATCH", f"/projects/{segment(project.name)}", body=body)
        merge_patch = RequestSpec(
            operation, request.half, request.method, request.path, request.query, body, "application/merge-patch+json"
        )
        return Call(merge_patch, read_nothing)

    def get_project(self, name: str) -> Call[Project]:
        return Call(self._authoring("get_project", "GET", f"/projects/{segment(name)}"), _read_project)

    def delete_project(self, name: str) -> Call[None]:
        # Answers 202 with a deletion job; nothing here depends on its end.
        return Call(self._authoring("delete_project", "DELETE", f"/projects/{segment(name)}"), read_nothing)

    def import_labels(
        self, project: Project, classes: Sequence[str], documents: Sequence[LabelledDocument]
    ) -> Call[str]:
        kind = _PROJECT_KINDS[project.kind]
        assets = {
            "projectKind": kind,
            "classes": [{"category": name} for name in classes],
            "documents": [_labelled(project, document) for document in documents],
        }
        body = {
            "projectFileVersion": self.api_version,
            "stringIndexType": _STRING_INDEX_TYPE,
            "metadata": _metadata(project) | {"settings": {}},
            "assets": assets,
        }
        return self._start("import_labels", "POST", project.name, "/:import", "/import/jobs/", body)

    def get_import_job(self, project: str, job_id: str) -> Call[AuthoringJob]:
        return self._get_job("get_import_job", project, f"/import/jobs/{segment(job_id)}")

    # Training

    def train(self, project: str, *, label: str, manual_split: bool = False) -> Call[str]:
        percentage = {"kind": "percentage", "trainingSplitPercentage": 80, "testingSplitPercentage": 20}
        body = {
            "modelLabel": label,
            "trainingConfigVersion": _TRAINING_CONFIG,
            "evaluationOptions": {"kind": "manual"} if manual_split else percentage,
        }
        return self._start("train", "POST", project, "/:train", "/train/jobs/", body)

    def get_training_job(self, project: str, job_id: str) -> Call[AuthoringJob]:
        return self._get_job("get_train_job", project, f"/train/jobs/{segment(job_id)}")

    def cancel_training(self, project: str, job_id: str) -> Call[None]:
        path = f"/projects/{segment(project)}/train/jobs/{segment(job_id)}/:cancel"
        return Call(self._authoring("cancel_training", "POST", path), read_nothing)

    def find_training(self, project: str, *, label: str) -> Call[AuthoringJob | None]:
        def read(response: WireResponse) -> AuthoringJob | None:
            jobs = [_read_job(entry) for entry in _values(response) if _trains(entry, label)]
            return max(jobs, key=lambda job: job.created or _LONG_AGO, default=None)

        return Call(self._authoring("list_train_jobs", "GET", f"/projects/{segment(project)}/train/jobs"), read)

    def list_models(self, project: str, *, page: Page | None = None) -> Call[Listing[TrainedModel]]:
        request = self._authoring("list_models", "GET", f"/projects/{segment(project)}/models", page)
        return Call(request, _listing(_read_model))

    def get_evaluation(self, project: str, *, label: str) -> Call[Evaluation]:
        path = f"/projects/{segment(project)}/models/{segment(label)}/evaluation/summary-result"
        return Call(self._authoring("get_evaluation", "GET", path), _read_evaluation)

    def get_review(self, project: str, *, label: str, page: Page | None = None) -> Call[Listing[ReviewedDocument]]:
        path = f"/projects/{segment(project)}/models/{segment(label)}/evaluation/result"
        request = self._authoring("get_review", "GET", path, page, {"stringIndexType": _STRING_INDEX_TYPE})
        return Call(request, _listing(_read_reviewed))

    # Publishing

    def publish(self, project: str, *, label: str) -> Call[str]:
        raise UnsupportedOperationError(f"{self.api_version} publishes into named deployments")

    def get_publishing_job(self, project: str, job_id: str) -> Call[AuthoringJob]:
        raise UnsupportedOperationError(f"{self.api_version} publishes into named deployments")

    def find_publishing(self, project: str, *, label: str) -> Call[AuthoringJob | None]:
        raise UnsupportedOperationError(f"{self.api_version} publishes into named deployments")

    def deploy(self, project: str, *, deployment: str, label: str) -> Call[str]:
        below = f"/deployments/{segment(deployment)}"
        return self._start("deploy", "PUT", project, below, f"{below}/jobs/", {"trainedModelLabel": label})

    def get_deployment_job(self, project: str, deployment: str, job_id: str) -> Call[AuthoringJob]:
        return self._get_job(
            "get_deployment_job", project, f"/deployments/{segment(deployment)}/jobs/{segment(job_id)}"
        )

    def list_deployments(self, project: str, *, page: Page | None = None) -> Call[Listing[Deployment]]:
        request = self._authoring("list_deployments", "GET", f"/projects/{segment(project)}/deployments", page)
        return Call(request, _listing(_read_deployment))

    def swap(self, project: str, *, first: str, second: str) -> Call[str]:
        body = {"firstDeploymentName": first, "secondDeploymentName": second}
        return self._start("swap", "POST", project, "/deployments/:swap", "/deployments/swap/jobs/", body)

    def get_swap_job(self, project: str, job_id: str) -> Call[AuthoringJob]:
        return self._get_job("get_swap_job", project, f"/deployments/swap/jobs/{segment(job_id)}")

    # Requests

    def _query(self, page: Page | None = None) -> dict[str, str]:
        query = {"api-version": self.api_version}
        return query | {"top": str(page.top), "skip": str(page.skip)} if page else query

    def _authoring(
        self,
        operation: str,
        method: str,
        path: str,
        page: Page | None = None,
        query: dict[str, str] | None = None,
        body: Json = None,
    ) -> RequestSpec:
        asked = self._query(page) | (query or {})
        return RequestSpec(operation, Half.AUTHORING, method, AUTHORING + path, asked, body)

    def _start(self, operation: str, method: str, project: str, below: str, jobs: str, body: Json) -> Call[str]:
        path = f"/projects/{segment(project)}"
        request = self._authoring(operation, method, path + below, body=body)
        return Call(request, job_id_reader("operation-location", f"{AUTHORING}{path}{jobs}"))

    def _get_job(self, operation: str, project: str, below: str) -> Call[AuthoringJob]:
        request = self._authoring(operation, "GET", f"/projects/{segment(project)}{below}")
        return Call(request, lambda response: _read_job(response.body))


def _listing(read: Callable[[Json], T]) -> Callable[[WireResponse], Listing[T]]:
    return lambda response: Listing(
        tuple(read(entry) for entry in _values(response)), parse_next_page(response.body.get("nextLink"))
    )


def _values(response: WireResponse) -> list[Json]:
    return member(response.body, "value", list)


def _metadata(project: Project) -> dict[str, Json]:
    return {
        "projectName": project.name,
        "projectKind": _PROJECT_KINDS[project.kind],
        "storageInputContainerName": project.container,
        "language": project.language,
        "multilingual": project.multilingual,
        "description": project.description,
    }


def _labelled(project: Project, document: LabelledDocument) -> dict[str, Json]:
    entry: dict[str, Json] = {"location": document.location, "language": document.language or project.language}
    if document.dataset:
        entry["dataset"] = document.dataset
    named = [{"category": name} for name in document.classes]
    if project.kind is ProjectKind.SINGLE:
        return entry | ({"class": named[0]} if named else {})
    return entry | {"classes": named}


def _kind(word: Json) -> ProjectKind:
    """Swagger begins with a lower letter, the data-format page and later SDKs with an upper one."""
    for kind, name in _PROJECT_KINDS.items():
        if isinstance(word, str) and word.lower() == name.lower():
            return kind
    raise MalformedAnswerError(f"the project kind {word!r} is not a text classification")


def _read_analyze_job(response: WireResponse) -> AnalyzeJob:
    body = response.body
    items = ((body.get("tasks") or {}).get("items") or ()) if isinstance(body, dict) else ()
    return read_analyze_job(body, (item.get("results") for item in items))


def _read_project(response: WireResponse) -> Project:
    body = response.body
    return Project(
        name=member(body, "projectName", str),
        kind=_kind(body.get("projectKind")),
        language=member(body, "language", str),
        container=member(body, "storageInputContainerName", str),
        multilingual=bool(body.get("multilingual")),
        description=str(body.get("description") or ""),
        created=parse_time(body.get("createdDateTime")),
        modified=parse_time(body.get("lastModifiedDateTime")),
    )


def _read_job(body: Json) -> AuthoringJob:
    result = body.get("result") if isinstance(body.get("result"), dict) else {}
    training, evaluation = result.get("trainingStatus") or {}, result.get("evaluationStatus") or {}
    return AuthoringJob(
        id=member(body, "jobId", str),
        status=parse_status(member(body, "status", str)),
        errors=parse_errors(body.get("errors")),
        expires=parse_time(body.get("expirationDateTime")),
        created=parse_time(body.get("createdDateTime")),
        percent=_read_percent(training.get("percentComplete")),
        evaluation_status=parse_status(evaluation.get("status")) if evaluation else None,
    )


def _read_percent(value: Json) -> int | None:
    """None when it is absent, or is no number from 0 to 100: nothing is decided by it."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return int(value) if is_number and 0 <= value <= 100 else None


def _trains(entry: Json, label: str) -> bool:
    result = entry.get("result")
    return isinstance(result, dict) and result.get("modelLabel") == label


def _read_model(entry: Json) -> TrainedModel:
    return TrainedModel(
        label=member(entry, "label", str),
        # Only trained models are listed, and a model is evaluated in its training job.
        trained=OperationStatus.SUCCEEDED,
        trained_at=parse_time(entry.get("lastTrainedDateTime")),
        evaluated=OperationStatus.SUCCEEDED,
        published=OperationStatus.UNKNOWN,
    )


def _read_deployment(entry: Json) -> Deployment:
    model_id = member(entry, "modelId", str)
    found = _MODEL_ID.match(model_id)
    return Deployment(
        name=member(entry, "deploymentName", str),
        label=found["label"] if found else None,
        model_id=model_id,
        expires=_read_date(entry.get("deploymentExpirationDate")),
    )


def _read_date(value: Json) -> date | None:
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


def _read_evaluation(response: WireResponse) -> Evaluation:
    body = response.body
    kind = _kind(body.get("projectKind"))
    name = "customSingleLabelClassificationEvaluation"
    if kind is ProjectKind.MULTI:
        name = "customMultiLabelClassificationEvaluation"
    return read_evaluation(member(body, name, dict), kind)


def _read_reviewed(entry: Json) -> ReviewedDocument:
    if _kind(entry.get("projectKind")) is ProjectKind.SINGLE:
        result = member(entry, "customSingleLabelClassificationResult", dict)
        labelled = [member(result, "expectedClass", str)]
        predicted = [result["predictedClass"]] if result.get("predictedClass") else []
    else:
        result = member(entry, "customMultiLabelClassificationResult", dict)
        labelled, predicted = member(result, "expectedClasses", list), member(result, "predictedClasses", list)
    return ReviewedDocument(
        location=member(entry, "location", str),
        language=str(entry.get("language") or ""),
        labelled=tuple(map(str, labelled)),
        predicted=tuple(map(str, predicted)),
    )
