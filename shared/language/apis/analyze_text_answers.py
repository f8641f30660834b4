"""The answers of the generally available API as they come over the wire (see analyze_text.py). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag, ValidationError

from shared.language.apis.base import (
    Json,
    WireResponse,
)
from shared.language.apis.results import AnalyzeJobAnswer, ProjectAnswer, Task, evaluation_member
from shared.language.apis.wire import (
    Answer,
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
from shared.language.authoring_values import (
    AuthoringJob,
    Deployment,
    Evaluation,
    Listing,
    ReviewedDocument,
    TrainedModel,
    TrainingConfig,
)
from shared.language.values import LroStatus, ProjectKind

# Read in any letter case: the service's pages begin them with a lower-case letter, its later specifications do not.
PROJECT_KINDS = {
    ProjectKind.SINGLE: "CustomSingleLabelClassification",
    ProjectKind.MULTI: "CustomMultiLabelClassification",
}
# The service answers a model's id as <label>-<time>-<32 hex digits>.
_MODEL_ID = re.compile(r"^(?P<label>.+)-\d{8}T\d{6}-[0-9a-fA-F]{32}$")
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_Kind = Annotated[ProjectKind, kind_validator(PROJECT_KINDS)]


class _Tasks(WireModel):
    items: Annotated[list[Task] | None, NoneIfEmpty] = None


class _AnalyzeJob(AnalyzeJobAnswer):
    tasks: Annotated[_Tasks | None, NoneIfEmpty] = None

    def all_tasks(self) -> Iterable[Task]:
        return self.tasks.items or () if self.tasks else ()


class _Project(ProjectAnswer):
    name: str = Field(validation_alias="projectName")
    kind: _Kind = Field(validation_alias="projectKind")


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


def newest_training(response: WireResponse, label: str) -> AuthoringJob | None:
    """Of the listed trainings, the newest of that model; None when there is none."""
    listed = parse(_Jobs, response.body).value
    jobs = [parse(_Job, entry).to_value() for entry in listed if _trains(entry, label)]
    return max(jobs, key=lambda job: job.created or _LONG_AGO, default=None)


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


class _TrainingConfig(WireModel):
    training_config_version: str
    expires: Date = Field(None, validation_alias="modelExpirationDate")


class _TrainingConfigs(Answer[Listing[TrainingConfig]]):
    value: list[_TrainingConfig]
    next_link: NextPage = None

    def to_value(self) -> Listing[TrainingConfig]:
        listed = (TrainingConfig(each.training_config_version, each.expires) for each in self.value)
        return Listing(tuple(listed), self.next_link)


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


_EVALUATIONS = {
    ProjectKind.SINGLE: evaluation_member("customSingleLabelClassificationEvaluation"),
    ProjectKind.MULTI: evaluation_member("customMultiLabelClassificationEvaluation"),
}


def read_evaluation(response: WireResponse) -> Evaluation:
    kind = parse(_OfKind, response.body).kind
    return _EVALUATIONS[kind](response.body).to_value(kind)


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


read_analyze_job = reader(_AnalyzeJob)
read_project = reader(_Project)
read_job = reader(_Job)
read_models = reader(_Models)
read_deployments = reader(_Deployments)
read_training_configs = reader(_TrainingConfigs)
read_review = reader(_Review)
