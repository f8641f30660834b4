"""The 2021 preview: authoring `v1.0-preview.2`, analyze `v3.1-preview.ct.1`. Pure.

Documented by the quickstart "Use the authoring and runtime APIs for custom text classification" (ms.date 07/15/2021).
Where it contradicts neighbouring versions (nesting of tasks, status words, paging) both forms are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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

AUTHORING = "/language/text/authoring/v1.0-preview.2"
ANALYZE = "/text/analytics/v3.1-preview.ct.1/analyze"

_MODEL_TYPES = {ProjectKind.SINGLE: "SingleClassification", ProjectKind.MULTI: "MultiClassification"}
_TASK_LISTS = {ProjectKind.SINGLE: "customClassificationTasks", ProjectKind.MULTI: "customMultiClassificationTasks"}
# v3.2-preview.2 renamed the single list; reading it costs nothing.
_RESULT_LISTS = (*_TASK_LISTS.values(), "customSingleClassificationTasks")
# The spelling of the 2021 quickstart. It has no effect on classes, which carry no offsets.
_STRING_INDEX_TYPE = "TextElements_v8"


class Preview2021:
    """Dialect `2021-preview`."""

    api_version = "2021-preview"
    has_deployments = False

    def submit_analyze(self, texts: TextInputs, model: ModelRef, *, display_name: str) -> Call[str]:
        parameters = {"modelId": model.reference, "stringIndexType": _STRING_INDEX_TYPE}
        body = {
            "displayName": display_name,
            "analysisInput": {"documents": analyze_documents(texts)},
            "tasks": {_TASK_LISTS[model.kind]: [{"parameters": parameters}]},
        }
        request = RequestSpec("submit_analyze", Half.PREDICTION, "POST", ANALYZE, body=body)
        return Call(request, job_id_reader("operation-location", f"{ANALYZE}/jobs/"))

    def get_analyze_job(self, job_id: str, *, page: Page | None = None) -> Call[AnalyzeJob]:
        query = {"$top": str(page.top), "$skip": str(page.skip)} if page else {}
        path = f"{ANALYZE}/jobs/{segment(job_id)}"
        return Call(RequestSpec("get_analyze_job", Half.PREDICTION, "GET", path, query), _read_analyze_job)

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
        return Call(_authoring("get_project", "GET", f"/projects/{segment(name)}"), _read_project)

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
        # These two answer with `location`, the analyze half with `operation-location`.
        return Call(_authoring(verb, "POST", path, body=body), job_id_reader("location", f"{AUTHORING}{path}/jobs/"))

    def _get_job(self, verb: str, project: str, job_id: str) -> Call[AuthoringJob]:
        path = f"/projects/{segment(project)}/{verb}/jobs/{segment(job_id)}"
        return Call(_authoring(f"get_{verb}_job", "GET", path), _read_authoring_job)

    def find_training(self, project: str, *, label: str) -> Call[AuthoringJob | None]:
        def read(response: WireResponse) -> AuthoringJob | None:
            model = _find_model(response, label)
            return AuthoringJob("", model.trained) if model and model.trained is not OperationStatus.UNKNOWN else None

        return Call(self.list_models(project).request, read)

    def find_publishing(self, project: str, *, label: str) -> Call[AuthoringJob | None]:
        def read(response: WireResponse) -> AuthoringJob | None:
            model = _find_model(response, label)
            if model is None or model.published is OperationStatus.UNKNOWN:
                return None
            return AuthoringJob("", model.published, model_id=model.model_id)

        return Call(self.list_models(project).request, read)

    def list_models(self, project: str, *, page: Page | None = None) -> Call[Listing[TrainedModel]]:
        return Call(_authoring("list_models", "GET", f"/projects/{segment(project)}/trainedModels"), _read_models)

    def get_evaluation(self, project: str, *, label: str) -> Call[Evaluation]:
        path = f"/projects/{segment(project)}/evaluation"
        return Call(_authoring("get_evaluation", "GET", path, {"trainingModelName": label}), _read_evaluation)

    def get_review(self, project: str, *, label: str, page: Page | None = None) -> Call[Listing[ReviewedDocument]]:
        path = f"/projects/{segment(project)}/validation"
        return Call(_authoring("get_validation", "GET", path, {"trainingModelName": label}), _read_review)


def _authoring(
    operation: str, method: str, path: str, query: dict[str, str] | None = None, body: Json = None
) -> RequestSpec:
    return RequestSpec(operation, Half.AUTHORING, method, AUTHORING + path, query or {}, body)


def _unsupported(what: str) -> UnsupportedOperationError:
    return UnsupportedOperationError(f"the 2021 preview cannot {what}")


def _read_analyze_job(response: WireResponse) -> AnalyzeJob:
    return read_analyze_job(response.body, (task.get("results") for task in _tasks(response.body)))


def _tasks(body: Json) -> Iterator[dict[str, Json]]:
    # The quickstart nests the lists in tasks.tasks; its neighbours put them directly in tasks.
    tasks = body.get("tasks")
    nested = tasks.get("tasks") if isinstance(tasks, dict) else None
    for level in (tasks, nested):
        if isinstance(level, dict):
            for name in _RESULT_LISTS:
                yield from (task for task in level.get(name) or () if isinstance(task, dict))


def _read_project(response: WireResponse) -> Project:
    body = response.body
    return Project(
        name=member(body, "name", str),
        kind=_kind(member(body, "modelType", str)),
        language=member(body, "culture", str),
        container=member(body, "storageInputContainerName", str),
        labels_location=member(body, "labelsLocation", str),
        multilingual=bool(body.get("multiLingual")),
        description=str(body.get("description") or ""),
        created=parse_time(body.get("createdDateTime")),
        modified=parse_time(body.get("lastModifiedDateTime")),
    )


def _kind(word: str) -> ProjectKind:
    for kind, model_type in _MODEL_TYPES.items():
        if word.lower() == model_type.lower():
            return kind
    raise MalformedAnswerError(f"the project's model type {word!r} is not a text classification")


def _read_authoring_job(response: WireResponse) -> AuthoringJob:
    body = response.body
    tasks = [task for task in member(body, "tasks", list) if isinstance(task, dict)]
    task = tasks[0] if tasks else {}
    # The job and its one task often tell the same.
    told = parse_errors(body.get("errors")) + parse_errors([task["error"]] if task.get("error") else [])
    evaluation = task.get("evaluationStatus")
    return AuthoringJob(
        id=str(body.get("jobId") or ""),
        status=_job_status(body, task),
        errors=tuple(dict.fromkeys(told)),
        expires=parse_time(body.get("expirationDateTime")),
        evaluation_status=parse_status(evaluation.get("status")) if isinstance(evaluation, dict) else None,
        model_id=task.get("modelId") if isinstance(task.get("modelId"), str) else None,
    )


def _job_status(body: Json, task: dict[str, Json]) -> OperationStatus:
    # No failed word is documented for a job, only a counter; a failed task is a failed job, as there is one task.
    status, task_status = parse_status(body.get("status")), parse_status(task.get("status"))
    if OperationStatus.FAILED in (status, task_status):
        return OperationStatus.FAILED
    return status


def _read_models(response: WireResponse) -> Listing[TrainedModel]:
    return Listing(tuple(_read_model(info) for info in member(response.body, "trainingModelsInfo", list)))


def _read_model(info: Json) -> TrainedModel:
    training = info.get("trainingJobInfo") or {}
    publishing = info.get("publishingJobInfo") or {}
    return TrainedModel(
        label=member(info, "trainingModelName", str),
        trained=parse_status(training.get("status")),
        trained_at=parse_time(training.get("endDateTime")),
        evaluated=parse_status((info.get("evaluationJobInfo") or {}).get("status")),
        published=parse_status(publishing.get("status")),
        model_id=publishing.get("modelId"),
    )


def _find_model(response: WireResponse, label: str) -> TrainedModel | None:
    # This version has no list of jobs; a model under way is in the list of models with its job's status.
    return next((model for model in _read_models(response).items if model.label == label), None)


def _read_evaluation(response: WireResponse) -> Evaluation:
    kind = _kind(member(response.body, "modelType", str))
    key = "singleClassificationEvaluation" if kind is ProjectKind.SINGLE else "multiClassificationEvaluation"
    return read_evaluation(member(response.body, key, dict), kind)


def _read_review(response: WireResponse) -> Listing[ReviewedDocument]:
    kind = _kind(member(response.body, "modelType", str))
    key = "singleClassificationValidation" if kind is ProjectKind.SINGLE else "multiClassificationValidation"
    documents = member(member(response.body, key, dict), "documents", list)
    return Listing(tuple(_read_reviewed(document) for document in documents))


def _read_reviewed(document: Json) -> ReviewedDocument:
    classes = member(document, "classes", dict)
    return ReviewedDocument(
        location=member(document, "location", str),
        language=str(document.get("culture") or ""),
        labelled=tuple(map(str, member(classes, "labeledClasses", list))),
        predicted=tuple(map(str, member(classes, "predictedClasses", list))),
    )
