"""The 2021 preview: authoring `v1.0-preview.2`, analyze `v3.1-preview.ct.1`. Pure.

Documented by the quickstart "Use the authoring and runtime APIs for custom text classification" (ms.date 07/15/2021).
Where it contradicts neighbouring versions (nesting of tasks, status words, paging), both forms are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Annotated, Any

from pydantic import Field

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

AUTHORING = "/language/text/authoring/v1.0-preview.2"
ANALYZE = "/text/analytics/v3.1-preview.ct.1/analyze"

_MODEL_TYPES = {ProjectKind.SINGLE: "SingleClassification", ProjectKind.MULTI: "MultiClassification"}
_TASK_LISTS = {ProjectKind.SINGLE: "customClassificationTasks", ProjectKind.MULTI: "customMultiClassificationTasks"}
# The spelling of the 2021 quickstart. It has no effect on classes, which carry no offsets.
_STRING_INDEX_TYPE = "TextElements_v8"

_Kind = Annotated[ProjectKind, kind_validator(_MODEL_TYPES)]


class TextAuthoring2021:
    """API version `2021-preview`."""

    api_version = "2021-preview"
    has_deployments = False
    takes_labels_by_import = False
    reference_names_one_model = True
    supports_cancelling_training = False
    analyze_requests_per_minute = 20

    def submit_analyze(self, texts: TextInputs, model: ModelRef, *, display_name: str) -> Call[str]:
        parameters = {"modelId": model.reference, "stringIndexType": _STRING_INDEX_TYPE}
        body = {
            "displayName": display_name,
            "analysisInput": {"documents": analyze_documents(texts)},
            "tasks": {_TASK_LISTS[model.kind]: [{"parameters": parameters}]},
        }
        request = RequestSpec("submit_analyze", Api.PREDICTION, "POST", ANALYZE, body=body)
        return Call(request, job_id_reader("operation-location", f"{ANALYZE}/jobs/"))

    def get_analyze_job(self, job_id: str, *, page: Page | None = None) -> Call[AnalyzeJob]:
        query = {"$top": str(page.top), "$skip": str(page.skip)} if page else {}
        path = f"{ANALYZE}/jobs/{segment(job_id)}"
        return Call(RequestSpec("get_analyze_job", Api.PREDICTION, "GET", path, query), reader(_AnalyzeJob))

    def create_project(self, project: Project) -> Call[None]:
        body = {
            "name": project.name,
            "modelType": _MODEL_TYPES[project.kind],
            "multiLingual": project.multilingual,
            "description": project.description,
            "culture": project.language,
            "storageInputContainerName": project.container,
            "labelsLocation": project.labels_location,
        }
        return Call(_authoring("create_project", "POST", "/projects", body=body), read_nothing)

    def get_project(self, name: str) -> Call[Project]:
        return Call(_authoring("get_project", "GET", f"/projects/{segment(name)}"), reader(_Project))

    def update_project(self, project: Project) -> Call[None]:
        body = {"description": project.description}
        return Call(
            _authoring("update_project", "PATCH", f"/projects/{segment(project.name)}", body=body), read_nothing
        )

    def delete_project(self, name: str) -> Call[None]:
        return Call(_authoring("delete_project", "DELETE", f"/projects/{segment(name)}"), read_nothing)

    def import_labels(
        self, project: Project, classes: Sequence[str], documents: Sequence[LabelledDocument]
    ) -> Call[str]:
        raise _unsupported("import labels; it reads the labels file in the container")

    def get_import_job(self, project: str, job_id: str) -> Call[AuthoringJob]:
        raise _unsupported("import labels")

    def cancel_training(self, project: str, job_id: str) -> Call[None]:
        raise _unsupported("cancel a training")

    def deploy(self, project: str, *, deployment: str, label: str) -> Call[str]:
        raise _unsupported("deploy into named deployments")

    def get_deployment_job(self, project: str, deployment: str, job_id: str) -> Call[AuthoringJob]:
        raise _unsupported("deploy into named deployments")

    def list_deployments(self, project: str, *, page: Page | None = None) -> Call[Listing[Deployment]]:
        raise _unsupported("list deployments")

    def swap(self, project: str, *, first: str, second: str) -> Call[str]:
        raise _unsupported("swap deployments")

    def get_swap_job(self, project: str, job_id: str) -> Call[AuthoringJob]:
        raise _unsupported("swap deployments")

    def train(self, project: str, *, label: str, manual_split: bool = False) -> Call[str]:
        # This version always splits 80/10/10 at random.
        return self._start("train", project, label)

    def get_training_job(self, project: str, job_id: str) -> Call[AuthoringJob]:
        return self._get_job("train", project, job_id)

    def publish(self, project: str, *, label: str) -> Call[str]:
        return self._start("publish", project, label)

    def get_publishing_job(self, project: str, job_id: str) -> Call[AuthoringJob]:
        return self._get_job("publish", project, job_id)

    def _start(self, verb: str, project: str, label: str) -> Call[str]:
        path = f"/projects/{segment(project)}/{verb}"
        body = {"tasks": [{"trainingModelName": label}]}
        # The authoring API answers with `location`, the prediction API with `operation-location`.
        return Call(_authoring(verb, "POST", path, body=body), job_id_reader("location", f"{AUTHORING}{path}/jobs/"))

    def _get_job(self, verb: str, project: str, job_id: str) -> Call[AuthoringJob]:
        path = f"/projects/{segment(project)}/{verb}/jobs/{segment(job_id)}"
        return Call(_authoring(f"get_{verb}_job", "GET", path), reader(_Job))

    def find_training(self, project: str, *, label: str) -> Call[AuthoringJob | None]:
        def to_job(model: TrainedModel) -> AuthoringJob | None:
            return None if model.trained is LroStatus.UNKNOWN else AuthoringJob("", model.trained)

        return self._find_job(project, label, to_job)

    def find_publishing(self, project: str, *, label: str) -> Call[AuthoringJob | None]:
        def to_job(model: TrainedModel) -> AuthoringJob | None:
            if model.published is LroStatus.UNKNOWN:
                return None
            return AuthoringJob("", model.published, model_id=model.model_id)

        return self._find_job(project, label, to_job)

    def _find_job(
        self, project: str, label: str, to_job: Callable[[TrainedModel], AuthoringJob | None]
    ) -> Call[AuthoringJob | None]:
        # This version does not list jobs, but its list of models includes those under way, with their job's status.
        listing = self.list_models(project)

        def read(response: WireResponse) -> AuthoringJob | None:
            found = next((model for model in listing.read(response).items if model.label == label), None)
            return to_job(found) if found else None

        return Call(listing.request, read)

    def list_models(self, project: str, *, page: Page | None = None) -> Call[Listing[TrainedModel]]:
        return Call(_authoring("list_models", "GET", f"/projects/{segment(project)}/trainedModels"), reader(_Models))

    def get_evaluation(self, project: str, *, label: str) -> Call[Evaluation]:
        path = f"/projects/{segment(project)}/evaluation"
        return Call(_authoring("get_evaluation", "GET", path, {"trainingModelName": label}), _read_evaluation)

    def get_review(self, project: str, *, label: str, page: Page | None = None) -> Call[Listing[ReviewedDocument]]:
        path = f"/projects/{segment(project)}/validation"
        return Call(_authoring("get_validation", "GET", path, {"trainingModelName": label}), _read_review)


def _authoring(
    name: str, method: str, path: str, query: dict[str, str] | None = None, body: Json = None
) -> RequestSpec:
    return RequestSpec(name, Api.AUTHORING, method, AUTHORING + path, query or {}, body)


def _unsupported(what: str) -> UnsupportedOperationError:
    return UnsupportedOperationError(f"the 2021 preview cannot {what}")


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


class _Project(Answer[Project]):
    name: str
    kind: _Kind = Field(validation_alias="modelType")
    culture: str
    container: str = Field(validation_alias="storageInputContainerName")
    labels_location: str
    multilingual: AsBool = Field(False, validation_alias="multiLingual")
    description: AsText = ""
    created: Time = Field(None, validation_alias="createdDateTime")
    modified: Time = Field(None, validation_alias="lastModifiedDateTime")

    def to_value(self) -> Project:
        return Project(
            name=self.name,
            kind=self.kind,
            language=self.culture,
            container=self.container,
            labels_location=self.labels_location,
            multilingual=self.multilingual,
            description=self.description,
            created=self.created,
            modified=self.modified,
        )


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


class _SingleEvaluation(WireModel):
    figures: Figures = Field(validation_alias="singleClassificationEvaluation")


class _MultiEvaluation(WireModel):
    figures: Figures = Field(validation_alias="multiClassificationEvaluation")


def _read_evaluation(response: WireResponse) -> Evaluation:
    kind = parse(_OfKind, response.body).kind
    single = kind is ProjectKind.SINGLE
    model: type[_SingleEvaluation | _MultiEvaluation] = _SingleEvaluation if single else _MultiEvaluation
    return parse(model, response.body).figures.to_value(kind)


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


def _read_review(response: WireResponse) -> Listing[ReviewedDocument]:
    kind = parse(_OfKind, response.body).kind
    model: type[_SingleReview | _MultiReview] = _SingleReview if kind is ProjectKind.SINGLE else _MultiReview
    return Listing(
        tuple(
            ReviewedDocument(each.location, each.culture, tuple(each.classes.labelled), tuple(each.classes.predicted))
            for each in parse(model, response.body).validation.documents
        )
    )
