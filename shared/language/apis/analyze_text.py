"""The generally available API, one `api-version` for authoring and prediction: 2023-04-01, or 2022-05-01. Pure.

Documented in Azure/azure-rest-api-specs, specification/cognitiveservices/data-plane/Language, and on
https://learn.microsoft.com/azure/ai-services/language-service/custom-text-classification/. Where documents and client
libraries spell differently (class/classes, lastUpdatedDateTime/lastUpdateDateTime, the counts), all spellings are read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from shared.errors import UnsupportedOperationError
from shared.language.apis.analyze_text_answers import (
    PROJECT_KINDS,
    newest_training,
    read_analyze_job,
    read_deployments,
    read_evaluation,
    read_job,
    read_models,
    read_project,
    read_review,
    read_training_configs,
)
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
from shared.language.values import AnalyzeJob, ModelRef, Page, ProjectKind, TextInputs

AUTHORING = "/language/authoring/analyze-text"
ANALYZE = "/language/analyze-text/jobs"

# The one version whose specification begins the kind of a project with a lower-case letter.
_LOWER_CASE_KINDS = "2022-05-01"
_STRING_INDEX_TYPE = "Utf16CodeUnit"
# The only training configuration the documentation lists, whatever the api-version: for a service that lists none.
_TRAINING_CONFIG = "2022-05-01"

# The page "service limits": documents of one request. `top` and `skip` are documented parameters of a job's GET, and
# count the documents of each task; without them a page has fewer, 20 in the versions before.
_TEXTS_OF_A_JOB = 25

# The pages "service limits" and "language support" of custom text classification. Clients send `en` and `en-GB` where
# the list has `en-us`, so the region is not compared.
_LANGUAGES = (
    "af am ar as az be bg bn br bs ca cs cy da de el en-us eo es et eu fa fi fr fy ga gd gl gu ha he hi hr hu hy id it "
    "ja jv ka kk km kn ko ku ky la lo lt lv mg mk ml mn mr ms my nb ne nl or pa pl ps pt-br pt-pt ro ru sa sd si sk sl "
    "so sq sr su sv sw ta te th tl tr ug uk ur uz vi xh yi zh-hans zu"
)
_LABEL_RULES = LabelRules(
    min_classes=1,
    max_classes=200,
    min_documents=10,
    max_documents=100_000,
    max_characters=128_000,
    class_name=re.compile(r"[^:$&%*()+~#/?\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]{1,50}"),
    class_name_in_words="1 to 50 characters, none of : $ & % * ( ) + ~ # / ?",
    languages=frozenset(_LANGUAGES.split()),
    any_region=True,
)


class AnalyzeText:
    """API versions `2023-04-01` and `2022-05-01`, which differ in the spelling of a project's kind."""

    has_deployments = True
    takes_labels_by_import = True
    reference_names_one_model = False
    page_of_all_results: Page | None = Page(skip=0, top=_TEXTS_OF_A_JOB)
    label_rules = _LABEL_RULES
    note: str | None = None

    def __init__(self, api_version: str) -> None:
        self.api_version = api_version

    # Analyze

    def submit_analyze(self, texts: TextInputs, model: ModelRef, *, display_name: str) -> Call[str]:
        parameters = {"projectName": model.project, "deploymentName": model.reference}
        body = {
            "displayName": display_name,
            "analysisInput": {"documents": analyze_documents(texts)},
            "tasks": [{"kind": PROJECT_KINDS[model.kind], "taskName": "0", "parameters": parameters}],
        }
        request = RequestSpec("submit_analyze", Api.PREDICTION, "POST", ANALYZE, self._query(), body)
        return Call(request, job_id_reader("operation-location", f"{ANALYZE}/"))

    def get_analyze_job(self, job_id: str, *, page: Page | None = None) -> Call[AnalyzeJob]:
        path = f"{ANALYZE}/{segment(job_id)}"
        request = RequestSpec("get_analyze_job", Api.PREDICTION, "GET", path, self._query(page))
        return Call(request, about_job(job_id, read_analyze_job))

    # Projects

    def create_project(self, project: Project) -> Call[None]:
        return self._patch_project("create_project", project)

    def update_project(self, project: Project) -> Call[None]:
        return self._patch_project("update_project", project)

    def _patch_project(self, name: str, project: Project) -> Call[None]:
        body = self._metadata(project)
        request = self._authoring(name, "PATCH", f"/projects/{segment(project.name)}", body=body)
        return Call(replace(request, content_type="application/merge-patch+json"), read_nothing)

    def get_project(self, name: str) -> Call[Project]:
        request = self._authoring("get_project", "GET", f"/projects/{segment(name)}")
        return Call(request, about_project(name, read_project))

    def delete_project(self, name: str) -> Call[None]:
        # The service answers 202 with a deletion job; nothing here waits for its end.
        return Call(self._authoring("delete_project", "DELETE", f"/projects/{segment(name)}"), read_nothing)

    def import_labels(
        self, project: Project, classes: Sequence[str], documents: Sequence[LabelledDocument]
    ) -> Call[str]:
        assets = {
            "projectKind": self._project_kind(project.kind),
            "classes": [{"category": name} for name in classes],
            "documents": [_labelled(project, document) for document in documents],
        }
        body = {
            "projectFileVersion": self.api_version,
            "stringIndexType": _STRING_INDEX_TYPE,
            "metadata": self._metadata(project) | {"settings": {}},
            "assets": assets,
        }
        return self._start("import_labels", "POST", project.name, "/:import", "/import/jobs/", body)

    def get_import_job(self, project: str, job_id: str) -> Call[AuthoringJob]:
        return self._get_job("get_import_job", project, "/import/jobs/", job_id=job_id)

    # Training

    def list_training_configs(self, kind: ProjectKind, *, page: Page | None = None) -> Call[Listing[TrainingConfig]]:
        path, query = "/projects/global/training-config-versions", {"projectKind": PROJECT_KINDS[kind]}
        return Call(self._authoring("list_training_configs", "GET", path, page, query), read_training_configs)

    def train(self, project: str, *, label: str, config: str | None = None, manual_split: bool = False) -> Call[str]:
        percentage = {"kind": "percentage", "trainingSplitPercentage": 80, "testingSplitPercentage": 20}
        body = {
            "modelLabel": label,
            "trainingConfigVersion": config or _TRAINING_CONFIG,
            "evaluationOptions": {"kind": "manual"} if manual_split else percentage,
        }
        return self._start("train", "POST", project, "/:train", "/train/jobs/", body)

    def get_training_job(self, project: str, job_id: str) -> Call[AuthoringJob]:
        return self._get_job("get_train_job", project, "/train/jobs/", job_id=job_id)

    def cancel_training(self, project: str, job_id: str) -> Call[None]:
        path = f"/projects/{segment(project)}/train/jobs/{segment(job_id)}/:cancel"
        return Call(self._authoring("cancel_training", "POST", path), read_nothing)

    def find_training(self, project: str, *, label: str) -> Call[AuthoringJob | None]:
        def read(response: WireResponse) -> AuthoringJob | None:
            return newest_training(response, label)

        return Call(self._authoring("list_train_jobs", "GET", f"/projects/{segment(project)}/train/jobs"), read)

    def list_models(self, project: str, *, page: Page | None = None) -> Call[Listing[TrainedModel]]:
        request = self._authoring("list_models", "GET", f"/projects/{segment(project)}/models", page)
        return Call(request, read_models)

    def delete_model(self, project: str, *, label: str) -> Call[None]:
        path = f"/projects/{segment(project)}/models/{segment(label)}"
        return Call(self._authoring("delete_model", "DELETE", path), read_nothing)

    def get_evaluation(self, project: str, *, label: str) -> Call[Evaluation]:
        path = f"/projects/{segment(project)}/models/{segment(label)}/evaluation/summary-result"
        return Call(self._authoring("get_evaluation", "GET", path), read_evaluation)

    def get_review(self, project: str, *, label: str, page: Page | None = None) -> Call[Listing[ReviewedDocument]]:
        path = f"/projects/{segment(project)}/models/{segment(label)}/evaluation/result"
        request = self._authoring("get_review", "GET", path, page, {"stringIndexType": _STRING_INDEX_TYPE})
        return Call(request, read_review)

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
        return self._get_job("get_deployment_job", project, f"/deployments/{segment(deployment)}/jobs/", job_id=job_id)

    def delete_deployment(self, project: str, *, deployment: str) -> Call[None]:
        # As with a project, the answer names a job; the list shows when it is done.
        path = f"/projects/{segment(project)}/deployments/{segment(deployment)}"
        return Call(self._authoring("delete_deployment", "DELETE", path), read_nothing)

    def list_deployments(self, project: str, *, page: Page | None = None) -> Call[Listing[Deployment]]:
        request = self._authoring("list_deployments", "GET", f"/projects/{segment(project)}/deployments", page)
        return Call(request, read_deployments)

    def swap(self, project: str, *, first: str, second: str) -> Call[str]:
        body = {"firstDeploymentName": first, "secondDeploymentName": second}
        return self._start("swap", "POST", project, "/deployments/:swap", "/deployments/swap/jobs/", body)

    def get_swap_job(self, project: str, job_id: str) -> Call[AuthoringJob]:
        return self._get_job("get_swap_job", project, "/deployments/swap/jobs/", job_id=job_id)

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

    def _get_job(self, name: str, project: str, jobs: str, *, job_id: str) -> Call[AuthoringJob]:
        request = self._authoring(name, "GET", f"/projects/{segment(project)}{jobs}{segment(job_id)}")
        return Call(request, about_job(job_id, read_job))

    def _metadata(self, project: Project) -> dict[str, Json]:
        return {
            "projectName": project.name,
            "projectKind": self._project_kind(project.kind),
            "storageInputContainerName": project.container,
            "language": project.language,
            "multilingual": project.multilingual,
            "description": project.description,
        }

    def _project_kind(self, kind: ProjectKind) -> str:
        word = PROJECT_KINDS[kind]
        return word[0].lower() + word[1:] if self.api_version == _LOWER_CASE_KINDS else word


def _labelled(project: Project, document: LabelledDocument) -> dict[str, Json]:
    entry: dict[str, Json] = {"location": document.location, "language": document.language or project.language}
    if document.dataset:
        entry["dataset"] = document.dataset
    named = [{"category": name} for name in document.classes]
    if project.kind is ProjectKind.SINGLE:
        return entry | ({"class": named[0]} if named else {})
    return entry | {"classes": named}
