"""The answers of the 2021 preview as they come over the wire (see text_authoring_2021.py). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any

from pydantic import Field

from shared.language.apis.base import (
    WireResponse,
)
from shared.language.apis.results import AnalyzeJobAnswer, ProjectAnswer, Task, evaluation_member
from shared.language.apis.wire import (
    Answer,
    AsBool,
    AsText,
    Errors,
    IfObject,
    NoneIfEmpty,
    OptionalStatus,
    OptionalText,
    Time,
    WireModel,
    kind_validator,
    parse,
    parse_error,
    reader,
)
from shared.language.authoring_values import AuthoringJob, Evaluation, Listing, ReviewedDocument, TrainedModel
from shared.language.values import LroStatus, ProjectKind

MODEL_TYPES = {ProjectKind.SINGLE: "SingleClassification", ProjectKind.MULTI: "MultiClassification"}
TASK_LISTS = {ProjectKind.SINGLE: "customClassificationTasks", ProjectKind.MULTI: "customMultiClassificationTasks"}
_Kind = Annotated[ProjectKind, kind_validator(MODEL_TYPES)]


_TaskList = Annotated[list[Annotated[Task | None, IfObject]] | None, NoneIfEmpty]


class _TaskLists(WireModel):
    single: _TaskList = Field(None, validation_alias="customClassificationTasks")
    multi: _TaskList = Field(None, validation_alias="customMultiClassificationTasks")
    # The name of v3.2-preview.2 for the list of single-label tasks.
    renamed: _TaskList = Field(None, validation_alias="customSingleClassificationTasks")

    def present(self) -> Iterator[Task]:
        for tasks in (self.single, self.multi, self.renamed):
            yield from filter(None, tasks or ())


class _Tasks(_TaskLists):
    """The quickstart nests the lists in tasks.tasks; neighbouring versions have them directly in tasks."""

    nested: Annotated[_TaskLists | None, IfObject] = Field(None, validation_alias="tasks")


class _AnalyzeJob(AnalyzeJobAnswer):
    tasks: Annotated[_Tasks | None, IfObject] = None

    def all_tasks(self) -> Iterable[Task]:
        for level in (self.tasks, self.tasks and self.tasks.nested):
            if level:
                yield from level.present()


class _Project(ProjectAnswer):
    kind: _Kind = Field(validation_alias="modelType")
    language: str = Field(validation_alias="culture")
    labels_location: str
    multilingual: AsBool = Field(False, validation_alias="multiLingual")


class _Progress(WireModel):
    status: OptionalStatus = LroStatus.UNKNOWN
    ended: Time = Field(None, validation_alias="endDateTime")
    model_id: OptionalText = None


class _JobTask(WireModel):
    status: OptionalStatus = LroStatus.UNKNOWN
    evaluation: Annotated[_Progress | None, IfObject] = Field(None, validation_alias="evaluationStatus")
    model_id: OptionalText = None
    error: Any = None


class _Job(Answer[AuthoringJob]):
    """A training or publishing job. It has one task, and both often report the same error."""

    job_id: AsText = ""
    status: OptionalStatus = LroStatus.UNKNOWN
    expires: Time = Field(None, validation_alias="expirationDateTime")
    errors: Errors = ()
    tasks: list[Annotated[_JobTask | None, IfObject]]

    def to_value(self) -> AuthoringJob:
        task = next(filter(None, self.tasks), _JobTask())
        errors = self.errors + ((parse_error(task.error),) if task.error else ())
        # The documentation has no word for a failed job, only a count of failed tasks.
        has_failed = LroStatus.FAILED in (self.status, task.status)
        return AuthoringJob(
            id=self.job_id,
            status=LroStatus.FAILED if has_failed else self.status,
            errors=tuple(dict.fromkeys(errors)),
            expires=self.expires,
            evaluation_status=task.evaluation.status if task.evaluation else None,
            model_id=task.model_id,
        )


class _Model(WireModel):
    label: str = Field(validation_alias="trainingModelName")
    training: Annotated[_Progress | None, NoneIfEmpty] = Field(None, validation_alias="trainingJobInfo")
    evaluation: Annotated[_Progress | None, NoneIfEmpty] = Field(None, validation_alias="evaluationJobInfo")
    publishing: Annotated[_Progress | None, NoneIfEmpty] = Field(None, validation_alias="publishingJobInfo")

    def to_value(self) -> TrainedModel:
        training, publishing = self.training or _Progress(), self.publishing or _Progress()
        return TrainedModel(
            label=self.label,
            trained=training.status,
            trained_at=training.ended,
            evaluated=(self.evaluation or _Progress()).status,
            published=publishing.status,
            model_id=publishing.model_id,
        )


class _Models(Answer[Listing[TrainedModel]]):
    models: list[_Model] = Field(validation_alias="trainingModelsInfo")

    def to_value(self) -> Listing[TrainedModel]:
        return Listing(tuple(model.to_value() for model in self.models))


class _OfKind(WireModel):
    kind: _Kind = Field(validation_alias="modelType")


_EVALUATIONS = {
    ProjectKind.SINGLE: evaluation_member("singleClassificationEvaluation"),
    ProjectKind.MULTI: evaluation_member("multiClassificationEvaluation"),
}


def read_evaluation(response: WireResponse) -> Evaluation:
    kind = parse(_OfKind, response.body).kind
    return _EVALUATIONS[kind](response.body).to_value(kind)


class _Classes(WireModel):
    labelled: list[AsText] = Field(validation_alias="labeledClasses")
    predicted: list[AsText] = Field(validation_alias="predictedClasses")


class _Reviewed(WireModel):
    location: str
    culture: AsText = ""
    classes: _Classes


class _Validation(WireModel):
    documents: list[_Reviewed]


class _SingleReview(WireModel):
    validation: _Validation = Field(validation_alias="singleClassificationValidation")


class _MultiReview(WireModel):
    validation: _Validation = Field(validation_alias="multiClassificationValidation")


def read_review(response: WireResponse) -> Listing[ReviewedDocument]:
    kind = parse(_OfKind, response.body).kind
    model: type[_SingleReview | _MultiReview] = _SingleReview if kind is ProjectKind.SINGLE else _MultiReview
    return Listing(
        tuple(
            ReviewedDocument(each.location, each.culture, tuple(each.classes.labelled), tuple(each.classes.predicted))
            for each in parse(model, response.body).validation.documents
        )
    )


read_analyze_job = reader(_AnalyzeJob)
read_project = reader(_Project)
read_job = reader(_Job)
read_models = reader(_Models)
