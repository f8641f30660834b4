"""The 2021 preview: authoring `v1.0-preview.2`, analyze `v3.1-preview.ct.1`. Pure.

Documented by the quickstart "Use the authoring and runtime APIs for custom text classification" (ms.date 07/15/2021).
Where it contradicts neighbouring versions (nesting of tasks, status words, paging), both forms are read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from shared.errors import UnsupportedOperationError
from shared.language.apis.base import (
    Api,
    Call,
    Json,
    RequestSpec,
    WireResponse,
    about_job,
    about_project,
    analyze_documents,
    job_id_reader,
    read_nothing,
    segment,
)
from shared.language.apis.text_authoring_2021_answers import (
    MODEL_TYPES,
    TASK_LISTS,
    read_analyze_job,
    read_evaluation,
    read_job,
    read_models,
    read_project,
    read_review,
)
from shared.language.authoring_values import (
    AuthoringJob,
    Deployment,
    Evaluation,
    LabelledDocument,
    LabelRules,
    Listing,
    Project,
    ReviewedDocument,
    TrainedModel,
    TrainingConfig,
)
from shared.language.values import AnalyzeJob, LroStatus, ModelRef, Page, ProjectKind, TextInputs

AUTHORING = "/language/text/authoring/v1.0-preview.2"
ANALYZE = "/text/analytics/v3.1-preview.ct.1/analyze"

# The spelling of the 2021 quickstart. It has no effect on classes, which carry no offsets.
_STRING_INDEX_TYPE = "TextElements_v8"


# The page "Custom text classification limits" and the page on languages, both of July 2021. Names have no documented
# length; 50 is the limit of the versions after it, and of what is taken for a class name in an answer.
_LABEL_RULES = LabelRules(
    min_classes=2,
    max_classes=200,
    min_documents=10,
    max_documents=1_000_000,
    max_characters=17_500,
    class_name=re.compile(r"[\w@#.,^\\\[\]]{1,50}"),
    class_name_in_words="1 to 50 letters, digits, and @ # _ . , ^ \\ [ ], no space",
    languages=frozenset({"en-us", "fr-fr", "de-de", "it-it", "es-es", "pt-pt", "pt-br"}),
    any_region=False,
)


class TextAuthoring2021:
    """API version `2021-preview`."""

    api_version = "2021-preview"
    has_deployments = False
    takes_labels_by_import = False
    reference_names_one_model = True
    # Pages of this version are not documented: its next links are all that is relied on.
    page_of_all_results: Page | None = None
    label_rules = _LABEL_RULES
    note: str | None = "Azure most likely no longer answers the 2021 preview: it is in no list of supported versions"

    def submit_analyze(self, texts: TextInputs, model: ModelRef, *, display_name: str) -> Call[str]:
        parameters = {"modelId": model.reference, "stringIndexType": _STRING_INDEX_TYPE}
        body = {
            "displayName": display_name,
            "analysisInput": {"documents": analyze_documents(texts)},
            "tasks": {TASK_LISTS[model.kind]: [{"parameters": parameters}]},
        }
        request = RequestSpec("submit_analyze", Api.PREDICTION, "POST", ANALYZE, body=body)
        return Call(request, job_id_reader("operation-location", f"{ANALYZE}/jobs/"))

    def get_analyze_job(self, job_id: str, *, page: Page | None = None) -> Call[AnalyzeJob]:
        query = {"$top": str(page.top), "$skip": str(page.skip)} if page else {}
        path = f"{ANALYZE}/jobs/{segment(job_id)}"
        request = RequestSpec("get_analyze_job", Api.PREDICTION, "GET", path, query)
        return Call(request, about_job(job_id, read_analyze_job))

    def create_project(self, project: Project) -> Call[None]:
        body = {
            "name": project.name,
            "modelType": MODEL_TYPES[project.kind],
            "multiLingual": project.multilingual,
            "description": project.description,
            "culture": project.language,
            "storageInputContainerName": project.container,
            "labelsLocation": project.labels_location,
        }
        return Call(_authoring("create_project", "POST", "/projects", body=body), read_nothing)

    def get_project(self, name: str) -> Call[Project]:
        request = _authoring("get_project", "GET", f"/projects/{segment(name)}")
        return Call(request, about_project(name, read_project))

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

    def delete_deployment(self, project: str, *, deployment: str) -> Call[None]:
        raise _unsupported("delete deployments")

    def delete_model(self, project: str, *, label: str) -> Call[None]:
        raise _unsupported("delete a model; delete its project instead")

    def list_training_configs(self, kind: ProjectKind, *, page: Page | None = None) -> Call[Listing[TrainingConfig]]:
        raise _unsupported("list training configurations; it has only one")

    def list_deployments(self, project: str, *, page: Page | None = None) -> Call[Listing[Deployment]]:
        raise _unsupported("list deployments")

    def swap(self, project: str, *, first: str, second: str) -> Call[str]:
        raise _unsupported("swap deployments")

    def get_swap_job(self, project: str, job_id: str) -> Call[AuthoringJob]:
        raise _unsupported("swap deployments")

    def train(self, project: str, *, label: str, config: str | None = None, manual_split: bool = False) -> Call[str]:
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
        return Call(_authoring(f"get_{verb}_job", "GET", path), about_job(job_id, read_job))

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
        return Call(_authoring("list_models", "GET", f"/projects/{segment(project)}/trainedModels"), read_models)

    def get_evaluation(self, project: str, *, label: str) -> Call[Evaluation]:
        path = f"/projects/{segment(project)}/evaluation"
        return Call(_authoring("get_evaluation", "GET", path, {"trainingModelName": label}), read_evaluation)

    def get_review(self, project: str, *, label: str, page: Page | None = None) -> Call[Listing[ReviewedDocument]]:
        path = f"/projects/{segment(project)}/validation"
        return Call(_authoring("get_validation", "GET", path, {"trainingModelName": label}), read_review)


def _authoring(
    name: str, method: str, path: str, query: dict[str, str] | None = None, body: Json = None
) -> RequestSpec:
    return RequestSpec(name, Api.AUTHORING, method, AUTHORING + path, query or {}, body)


def _unsupported(what: str) -> UnsupportedOperationError:
    return UnsupportedOperationError(f"the 2021 preview cannot {what}")
