"""The generally available API, one `api-version` for authoring and prediction: 2023-04-01, or 2022-05-01. Pure.

Documented in Azure/azure-rest-api-specs, specification/cognitiveservices/data-plane/Language, and on
https://learn.microsoft.com/azure/ai-services/language-service/custom-text-classification/. Where documents and client
libraries spell differently (class/classes, lastUpdatedDateTime/lastUpdateDateTime, the counts), all spellings are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag, ValidationError

from shared.errors import UnsupportedOperationError
from shared.language.apis.base import (
    Api,
    Call,
    Json,
    RequestSpec,
    WireResponse,
    analyze_documents,
    job_id_reader,
    read_nothing,
    segment,
)
from shared.language.apis.results import AnalyzeJobAnswer, Figures, Task
from shared.language.apis.wire import (
    Answer,
    AsBool,
    AsText,
    Date,
    Errors,
    IfObject,
    NextPage,
    NoneIfEmpty,
    OptionalStatus,
    Percent,
    Status,
    Time,
    WireModel,
    kind_validator,
    parse,
    reader,
)
from shared.language.values import (
    AnalyzeJob,
    AuthoringJob,
    Deployment,
    Evaluation,
    LabelledDocument,
    Listing,
    LroStatus,
    ModelRef,
    Page,
    Project,
    ProjectKind,
    ReviewedDocument,
    TextInputs,
    TrainedModel,
)

AUTHORING = "/language/authoring/analyze-text"
ANALYZE = "/language/analyze-text/jobs"

# The specification begins them with a lower-case letter, the data-format page and later SDKs with an upper-case one.
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

_Kind = Annotated[ProjectKind, kind_validator(_PROJECT_KINDS)]


class AnalyzeText:
    """API versions `2023-04-01` and `2022-05-01`, which differ in nothing we use."""

    has_deployments = True
    takes_labels_by_import = True
    reference_names_one_model = False
    supports_cancelling_training = True
    analyze_requests_per_minute = 1000

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
        request = RequestSpec("submit_analyze", Api.PREDICTION, "POST", ANALYZE, self._query(), body)
        return Call(request, job_id_reader("operation-location", f"{ANALYZE}/"))

    def get_analyze_job(self, job_id: str, *, page: Page | None = None) -> Call[AnalyzeJob]:
        path = f"{ANALYZE}/{segment(job_id)}"
        return Call(RequestSpec("get_analyze_job", Api.PREDICTION, "GET", path, self._query(page)), reader(_AnalyzeJob))

    # Projects

    def create_project(self, project: Project) -> Call[None]:
        return self._patch_project("create_project", project)

    def update_project(self, project: Project) -> Call[None]:
        return self._patch_project("update_project", project)

    def _patch_project(self, name: str, project: Project) -> Call[None]:
        body = _metadata(project)
        request = self._authoring(name, "PATCH", f"/projects/{segment(project.name)}", body=body)
        return Call(replace(request, content_type="application/merge-patch+json"), read_nothing)

    def get_project(self, name: str) -> Call[Project]:
        return Call(self._authoring("get_project", "GET", f"/projects/{segment(name)}"), reader(_Project))

    def delete_project(self, name: str) -> Call[None]:
        # The service answers 202 with a deletion job; nothing here waits for its end.
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
            listed = parse(_Jobs, response.body).value
            jobs = [parse(_Job, entry).to_value() for entry in listed if _trains(entry, label)]
            return max(jobs, key=lambda job: job.created or _LONG_AGO, default=None)

        return Call(self._authoring("list_train_jobs", "GET", f"/projects/{segment(project)}/train/jobs"), read)

    def list_models(self, project: str, *, page: Page | None = None) -> Call[Listing[TrainedModel]]:
        request = self._authoring("list_models", "GET", f"/projects/{segment(project)}/models", page)
        return Call(request, reader(_Models))

    def get_evaluation(self, project: str, *, label: str) -> Call[Evaluation]:
        path = f"/projects/{segment(project)}/models/{segment(label)}/evaluation/summary-result"
        return Call(self._authoring("get_evaluation", "GET", path), _read_evaluation)

    def get_review(self, project: str, *, label: str, page: Page | None = None) -> Call[Listing[ReviewedDocument]]:
        path = f"/projects/{segment(project)}/models/{segment(label)}/evaluation/result"
        request = self._authoring("get_review", "GET", path, page, {"stringIndexType": _STRING_INDEX_TYPE})
        return Call(request, reader(_Review))

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
        return Call(request, reader(_Deployments))

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
        name: str,
        method: str,
        path: str,
        page: Page | None = None,
        query: dict[str, str] | None = None,
        body: Json = None,
    ) -> RequestSpec:
        asked = self._query(page) | (query or {})
        return RequestSpec(name, Api.AUTHORING, method, AUTHORING + path, asked, body)

    def _start(self, name: str, method: str, project: str, below: str, jobs: str, body: Json) -> Call[str]:
        path = f"/projects/{segment(project)}"
        request = self._authoring(name, method, path + below, body=body)
        return Call(request, job_id_reader("operation-location", f"{AUTHORING}{path}{jobs}"))

    def _get_job(self, name: str, project: str, below: str) -> Call[AuthoringJob]:
        request = self._authoring(name, "GET", f"/projects/{segment(project)}{below}")
        return Call(request, reader(_Job))


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


class _Tasks(WireModel):
    items: Annotated[list[Task] | None, NoneIfEmpty] = None


class _AnalyzeJob(AnalyzeJobAnswer):
    tasks: Annotated[_Tasks | None, NoneIfEmpty] = None

    def all_tasks(self) -> Iterable[Task]:
        return self.tasks.items or () if self.tasks else ()


class _Project(Answer[Project]):
    project_name: str
    kind: _Kind = Field(validation_alias="projectKind")
    language: str
    container: str = Field(validation_alias="storageInputContainerName")
    multilingual: AsBool = False
    description: AsText = ""
    created: Time = Field(None, validation_alias="createdDateTime")
    modified: Time = Field(None, validation_alias="lastModifiedDateTime")

    def to_value(self) -> Project:
        return Project(
            name=self.project_name,
            kind=self.kind,
            language=self.language,
            container=self.container,
            multilingual=self.multilingual,
            description=self.description,
            created=self.created,
            modified=self.modified,
        )


class _Progress(WireModel):
    status: OptionalStatus = LroStatus.UNKNOWN
    # Nothing is decided by it.
    percent: Percent = Field(None, validation_alias="percentComplete")


class _JobResult(WireModel):
    """What only a training job has."""

    training: Annotated[_Progress | None, NoneIfEmpty] = Field(None, validation_alias="trainingStatus")
    evaluation: Annotated[_Progress | None, NoneIfEmpty] = Field(None, validation_alias="evaluationStatus")


class _Job(Answer[AuthoringJob]):
    job_id: str
    status: Status
    errors: Errors = ()
    created: Time = Field(None, validation_alias="createdDateTime")
    expires: Time = Field(None, validation_alias="expirationDateTime")
    result: Annotated[_JobResult | None, IfObject] = None

    def to_value(self) -> AuthoringJob:
        result = self.result or _JobResult()
        return AuthoringJob(
            id=self.job_id,
            status=self.status,
            errors=self.errors,
            expires=self.expires,
            created=self.created,
            percent=result.training.percent if result.training else None,
            evaluation_status=result.evaluation.status if result.evaluation else None,
        )


class _Jobs(WireModel):
    """Trainings of all models. An odd one among the others must not hide the one that is looked for."""

    value: list[dict[str, Any]]


class _Trained(WireModel):
    model_label: Any = None


class _Training(WireModel):
    result: Annotated[_Trained | None, IfObject] = None


def _trains(entry: Json, label: str) -> bool:
    result = parse(_Training, entry).result
    return result is not None and result.model_label == label


class _Model(WireModel):
    label: str
    trained_at: Time = Field(None, validation_alias="lastTrainedDateTime")

    def to_value(self) -> TrainedModel:
        return TrainedModel(
            label=self.label,
            # Only trained models are listed, and a model is evaluated in its training job.
            trained=LroStatus.SUCCEEDED,
            trained_at=self.trained_at,
            evaluated=LroStatus.SUCCEEDED,
            published=LroStatus.UNKNOWN,
        )


class _Models(Answer[Listing[TrainedModel]]):
    value: list[_Model]
    next_link: NextPage = None

    def to_value(self) -> Listing[TrainedModel]:
        return Listing(tuple(model.to_value() for model in self.value), self.next_link)


class _Deployment(WireModel):
    deployment_name: str
    model_id: str
    expires: Date = Field(None, validation_alias="deploymentExpirationDate")

    def to_value(self) -> Deployment:
        found = _MODEL_ID.match(self.model_id)
        return Deployment(
            name=self.deployment_name,
            label=found["label"] if found else None,
            model_id=self.model_id,
            expires=self.expires,
        )


class _Deployments(Answer[Listing[Deployment]]):
    value: list[_Deployment]
    next_link: NextPage = None

    def to_value(self) -> Listing[Deployment]:
        return Listing(tuple(deployment.to_value() for deployment in self.value), self.next_link)


class _OfKind(WireModel):
    kind: _Kind = Field(validation_alias="projectKind")


class _SingleEvaluation(WireModel):
    figures: Figures = Field(validation_alias="customSingleLabelClassificationEvaluation")


class _MultiEvaluation(WireModel):
    figures: Figures = Field(validation_alias="customMultiLabelClassificationEvaluation")


def _read_evaluation(response: WireResponse) -> Evaluation:
    kind = parse(_OfKind, response.body).kind
    single = kind is ProjectKind.SINGLE
    model: type[_SingleEvaluation | _MultiEvaluation] = _SingleEvaluation if single else _MultiEvaluation
    return parse(model, response.body).figures.to_value(kind)


class _SingleResult(WireModel):
    expected: str = Field(validation_alias="expectedClass")
    predicted: AsText = Field("", validation_alias="predictedClass")


class _MultiResult(WireModel):
    expected: list[AsText] = Field(validation_alias="expectedClasses")
    predicted: list[AsText] = Field(validation_alias="predictedClasses")


class _SingleReviewed(WireModel):
    location: str
    language: AsText = ""
    result: _SingleResult = Field(validation_alias="customSingleLabelClassificationResult")

    def to_value(self) -> ReviewedDocument:
        predicted = (self.result.predicted,) if self.result.predicted else ()
        return ReviewedDocument(self.location, self.language, (self.result.expected,), predicted)


class _MultiReviewed(WireModel):
    location: str
    language: AsText = ""
    result: _MultiResult = Field(validation_alias="customMultiLabelClassificationResult")

    def to_value(self) -> ReviewedDocument:
        expected, predicted = tuple(self.result.expected), tuple(self.result.predicted)
        return ReviewedDocument(self.location, self.language, expected, predicted)


def _kind_of(entry: Json) -> ProjectKind | None:
    try:
        return _OfKind.model_validate(entry).kind
    except ValidationError:
        return None  # pydantic reports that the entry is of none of the kinds


_Reviewed = Annotated[
    Annotated[_SingleReviewed, Tag(ProjectKind.SINGLE)] | Annotated[_MultiReviewed, Tag(ProjectKind.MULTI)],
    Discriminator(_kind_of),
]


class _Review(Answer[Listing[ReviewedDocument]]):
    value: list[_Reviewed]
    next_link: NextPage = None

    def to_value(self) -> Listing[ReviewedDocument]:
        return Listing(tuple(document.to_value() for document in self.value), self.next_link)
