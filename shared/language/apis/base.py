"""What every API version offers: each operation as a Call, which is a request and the reader of its answer. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar
from urllib.parse import quote, urlsplit

from shared.errors import MalformedAnswerError
from shared.language.answers import is_same
from shared.language.values import AnalyzeJob, ModelRef, Page, ProjectKind, TextInputs

if TYPE_CHECKING:
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

T = TypeVar("T")
J = TypeVar("J", AnalyzeJob, "AuthoringJob")
Json = Any


class Api(StrEnum):
    """The service's two APIs. They may need different identities and have different rate limits."""

    PREDICTION = "prediction"
    AUTHORING = "authoring"


@dataclass(frozen=True)
class RequestSpec:
    """A request to the endpoint. `name` identifies it in logs and errors; `path` is already percent-encoded."""

    name: str
    api: Api
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Json = None
    content_type: str = "application/json"


@dataclass(frozen=True)
class WireResponse:
    """A successful answer. `url` is the URL requested, for the same-origin check; header names are lower-case."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: Json


@dataclass(frozen=True)
class Call(Generic[T]):
    """A request, and how to read its answer. `read` raises MalformedAnswerError for an undocumented shape only."""

    request: RequestSpec
    read: Callable[[WireResponse], T]


class LanguageApi(Protocol):
    """One API version. Ids issued by a version are valid under that version only.

    Methods that a version lacks raise UnsupportedOperationError.
    """

    api_version: str
    has_deployments: bool
    """A model is published by deploying it to a named deployment; otherwise publishing it yields a model id."""
    takes_labels_by_import: bool
    """Labels are sent with `import_labels`; otherwise the service reads the labels file in the container itself."""
    reference_names_one_model: bool
    """`ModelRef.reference` means the same model for ever; otherwise it is a name that is pointed at another model."""
    page_of_all_results: Page | None
    """What to ask of a job so that one page holds the results of as many texts as it can have; None where the version
    documents no size of a page. Next links are read either way."""
    label_rules: LabelRules
    note: str | None
    """What to know before this version is chosen."""

    def submit_analyze(self, texts: TextInputs, model: ModelRef, *, display_name: str) -> Call[str]: ...

    def get_analyze_job(self, job_id: str, *, page: Page | None = None) -> Call[AnalyzeJob]: ...

    def create_project(self, project: Project) -> Call[None]: ...

    def get_project(self, name: str) -> Call[Project]: ...

    def update_project(self, project: Project) -> Call[None]:
        """Only the description can change."""
        ...

    def delete_project(self, name: str) -> Call[None]: ...

    def import_labels(
        self, project: Project, classes: Sequence[str], documents: Sequence[LabelledDocument]
    ) -> Call[str]: ...

    def get_import_job(self, project: str, job_id: str) -> Call[AuthoringJob]: ...

    def list_training_configs(
        self, kind: ProjectKind, *, page: Page | None = None
    ) -> Call[Listing[TrainingConfig]]: ...

    def train(self, project: str, *, label: str, config: str | None = None, manual_split: bool = False) -> Call[str]:
        """`config` is the training configuration, where the version has any.

        `manual_split`: each document's `dataset` says whether it is for training or for testing.
        """
        ...

    def get_training_job(self, project: str, job_id: str) -> Call[AuthoringJob]: ...

    def cancel_training(self, project: str, job_id: str) -> Call[None]: ...

    def find_training(self, project: str, *, label: str) -> Call[AuthoringJob | None]:
        """The latest training job of that model, or None; its id is empty where the version does not give one."""
        ...

    def find_publishing(self, project: str, *, label: str) -> Call[AuthoringJob | None]:
        """The same for the publishing job of that model."""
        ...

    def list_models(self, project: str, *, page: Page | None = None) -> Call[Listing[TrainedModel]]: ...

    def delete_model(self, project: str, *, label: str) -> Call[None]: ...

    def get_evaluation(self, project: str, *, label: str) -> Call[Evaluation]: ...

    def get_review(self, project: str, *, label: str, page: Page | None = None) -> Call[Listing[ReviewedDocument]]: ...

    def publish(self, project: str, *, label: str) -> Call[str]: ...

    def get_publishing_job(self, project: str, job_id: str) -> Call[AuthoringJob]: ...

    def deploy(self, project: str, *, deployment: str, label: str) -> Call[str]: ...

    def get_deployment_job(self, project: str, deployment: str, job_id: str) -> Call[AuthoringJob]: ...

    def delete_deployment(self, project: str, *, deployment: str) -> Call[None]: ...

    def list_deployments(self, project: str, *, page: Page | None = None) -> Call[Listing[Deployment]]: ...

    def swap(self, project: str, *, first: str, second: str) -> Call[str]: ...

    def get_swap_job(self, project: str, job_id: str) -> Call[AuthoringJob]: ...


def segment(text: str) -> str:
    """A path segment, percent-encoded so that a name can never change the path."""
    return quote(text, safe="")


def analyze_documents(texts: TextInputs) -> list[Json]:
    """The `analysisInput.documents` of a submission. A text without a language has the project's."""
    return [
        {"id": text.id, "text": text.text} | ({"language": text.language} if text.language else {}) for text in texts
    ]


def read_nothing(_: WireResponse) -> None:
    """The reader of an answer that says everything with its status."""
    return


def about_job(job_id: str, read: Callable[[WireResponse], J]) -> Callable[[WireResponse], J]:
    """The reader of a job's state, which must be that job's where it says whose it is."""

    return _about(f"job {job_id}", read, is_ours=lambda job: is_same(job.id, asked=job_id))


def about_project(name: str, read: Callable[[WireResponse], Project]) -> Callable[[WireResponse], Project]:
    """The same for a project."""

    return _about(f"project {name!r}", read, is_ours=lambda project: is_same(project.name, asked=name))


def _about(
    what: str, read: Callable[[WireResponse], T], *, is_ours: Callable[[T], bool]
) -> Callable[[WireResponse], T]:
    def read_ours(response: WireResponse) -> T:
        value = read(response)
        if not is_ours(value):
            raise MalformedAnswerError(f"asked for {what}, the answer is about another")
        return value

    return read_ours


def job_id_reader(header: str, path_prefix: str) -> Callable[[WireResponse], str]:
    """The reader of an answer that gives the started job's address in a header."""
    return lambda response: parse_job_id(response, header=header, path_prefix=path_prefix)


_ID = r"[A-Za-z0-9_.~-]{1,200}"


def parse_job_id(response: WireResponse, *, header: str, path_prefix: str) -> str:
    """The job id at the end of the address in the header, checked for origin and shape.

    Only the id is kept, and URLs are always built from the configured endpoint: neither a forged answer nor a forged
    message can make us call another host. Raises MalformedAnswerError.
    """
    address = response.headers.get(header)
    if not address:
        raise MalformedAnswerError(f"status {response.status}, but no {header} header")
    origin = _origin(address)
    if origin is None or origin != _origin(response.url):
        raise MalformedAnswerError(f"the {header} header names another origin than the configured endpoint")
    found = re.fullmatch(re.escape(path_prefix) + f"({_ID})", urlsplit(address).path)
    if not found or set(found[1]) <= {"."}:
        raise MalformedAnswerError(f"the address in the {header} header does not have the documented path")
    return found[1]


def _origin(url: str) -> tuple[str, str | None, int | None] | None:
    """Scheme, host and port, ignoring letter case and default ports; None if the URL has no clear origin."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return None
    return None if "@" in parts.netloc else (parts.scheme, parts.hostname, port)
