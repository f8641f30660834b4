"""What an API version must answer: each operation as a Call, a request to send and a reader of its answer. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar
from urllib.parse import parse_qs, quote, urlsplit

from pydantic import TypeAdapter, ValidationError

from shared.errors import MalformedAnswerError
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
    ReviewedDocument,
    ServiceError,
    TextInputs,
    TrainedModel,
)

T = TypeVar("T")
Json = Any


class Half(StrEnum):
    """The service's two halves; they may use different identities and have different rate limits."""

    PREDICTION = "prediction"
    AUTHORING = "authoring"


@dataclass(frozen=True)
class RequestSpec:
    """A request below the endpoint. `operation` names it in logs; `path` is already percent-encoded."""

    operation: str
    half: Half
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Json = None
    content_type: str = "application/json"


@dataclass(frozen=True)
class WireResponse:
    """An answer as received. `url` is what was asked, for the same-origin check; header names are lower-case."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: Json


@dataclass(frozen=True)
class Call(Generic[T]):
    """One operation: what to send, and how to read what comes back."""

    request: RequestSpec
    read: Callable[[WireResponse], T]


class Dialect(Protocol):
    """The questions every API version answers. Ids given out by one version are only valid for that version.

    `has_deployments`: a model is published into a named deployment, and labels are sent by import; without it, a
    publication yields a model id and the service reads the labels file itself. Operations that a version lacks raise
    UnsupportedOperationError.
    """

    api_version: str
    has_deployments: bool

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

    def train(self, project: str, *, label: str, manual_split: bool = False) -> Call[str]:
        """`manual_split`: the documents' own `dataset` decides what is trained on and what is tested on."""
        ...

    def get_training_job(self, project: str, job_id: str) -> Call[AuthoringJob]: ...

    def cancel_training(self, project: str, job_id: str) -> Call[None]: ...

    def find_training(self, project: str, *, label: str) -> Call[AuthoringJob | None]:
        """The training of that model, if the service lists one; its id is empty where the version does not tell it."""
        ...

    def find_publishing(self, project: str, *, label: str) -> Call[AuthoringJob | None]:
        """The same for the publication of that model."""
        ...

    def list_models(self, project: str, *, page: Page | None = None) -> Call[Listing[TrainedModel]]: ...

    def get_evaluation(self, project: str, *, label: str) -> Call[Evaluation]: ...

    def get_review(self, project: str, *, label: str, page: Page | None = None) -> Call[Listing[ReviewedDocument]]: ...

    def publish(self, project: str, *, label: str) -> Call[str]: ...

    def get_publishing_job(self, project: str, job_id: str) -> Call[AuthoringJob]: ...

    def deploy(self, project: str, *, deployment: str, label: str) -> Call[str]: ...

    def get_deployment_job(self, project: str, deployment: str, job_id: str) -> Call[AuthoringJob]: ...

    def list_deployments(self, project: str, *, page: Page | None = None) -> Call[Listing[Deployment]]: ...

    def swap(self, project: str, *, first: str, second: str) -> Call[str]: ...

    def get_swap_job(self, project: str, job_id: str) -> Call[AuthoringJob]: ...


def segment(text: str) -> str:
    """A path segment, percent-encoded so that a name can never change the path."""
    return quote(text, safe="")


_ID = r"[A-Za-z0-9_.~-]{1,200}"


def operation_id(response: WireResponse, *, header: str, path_prefix: str) -> str:
    """The job id at the end of an operation's address, checked for origin and shape.

    Only the id is kept and the URL is rebuilt from the configured endpoint, so that neither a forged answer nor a
    forged message can make us call elsewhere. Raises MalformedAnswerError.
    """
    address = response.headers.get(header)
    if not address:
        raise MalformedAnswerError(f"{response.status} without the header {header}")
    origin = _origin(address)
    if origin is None or origin != _origin(response.url):
        raise MalformedAnswerError(f"the header {header} names another origin than the configured endpoint")
    found = re.fullmatch(re.escape(path_prefix) + f"({_ID})", urlsplit(address).path)
    if not found or set(found[1]) <= {"."}:
        raise MalformedAnswerError(f"the header {header} does not have the documented path")
    return found[1]


def _origin(url: str) -> tuple[str, str | None, int | None] | None:
    """Scheme, host and port, without regard to case or a default port; None for what no origin can be told from."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return None
    return None if "@" in parts.netloc else (parts.scheme, parts.hostname, port)


def job_id_reader(header: str, path_prefix: str) -> Callable[[WireResponse], str]:
    """A reader of the job id in an operation's address."""
    return lambda response: operation_id(response, header=header, path_prefix=path_prefix)


def read_nothing(_: WireResponse) -> None:
    """The reader of an answer whose status says it all."""
    return


def analyze_documents(texts: TextInputs) -> list[Json]:
    """The `analysisInput.documents` of a submission; without a language the project's applies."""
    return [
        {"id": text.id, "text": text.text} | ({"language": text.language} if text.language else {}) for text in texts
    ]


# Both spellings of cancelled, the preview's "completed" and the neighbours' words; compared without case or separators.
_STATUS_WORDS = {
    "notstarted": OperationStatus.NOT_STARTED,
    "inprogress": OperationStatus.RUNNING,
    "running": OperationStatus.RUNNING,
    "cancelling": OperationStatus.RUNNING,
    "succeeded": OperationStatus.SUCCEEDED,
    "completed": OperationStatus.SUCCEEDED,
    "partiallycompleted": OperationStatus.PARTIALLY_COMPLETED,
    "partiallysucceeded": OperationStatus.PARTIALLY_COMPLETED,
    "failed": OperationStatus.FAILED,
    "rejected": OperationStatus.FAILED,
    "cancelled": OperationStatus.CANCELLED,
    "canceled": OperationStatus.CANCELLED,
}


def parse_status(word: Json) -> OperationStatus:
    """A status word of any version; words nobody has seen are UNKNOWN, never a crash."""
    if not isinstance(word, str):
        return OperationStatus.UNKNOWN
    return _STATUS_WORDS.get(word.lower().replace("_", ""), OperationStatus.UNKNOWN)


_DATETIME: TypeAdapter[datetime] = TypeAdapter(datetime)


def parse_time(value: Json) -> datetime | None:
    """An ISO 8601 time with 3 to 7 fractional digits, or None when absent or unreadable. Without a zone it is UTC."""
    if not isinstance(value, str):
        return None
    try:
        moment = _DATETIME.validate_python(re.sub(r"(\.\d{6})\d+", r"\1", value))
    except ValidationError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def parse_error(error: Json) -> ServiceError:
    """An error object: the innermost code and message, because the outer ones only say InvalidRequest."""
    if not isinstance(error, dict):
        return ServiceError("unknown", "the service gave no error body")
    target = error.get("target")
    while isinstance(error.get("innererror"), dict):
        error = error["innererror"]
        target = target or error.get("target")
    return ServiceError(
        code=str(error.get("code") or "unknown"),
        message=str(error.get("message") or "no message"),
        target=target if isinstance(target, str) else None,
    )


def parse_errors(errors: Json) -> tuple[ServiceError, ...]:
    return tuple(parse_error(error) for error in errors) if isinstance(errors, list) else ()


def parse_next_page(link: Json) -> Page | None:
    """Only skip and top of a next link are used; its host and path are ignored."""
    if not isinstance(link, str) or not link:
        return None
    query = {key.lstrip("$"): values[0] for key, values in parse_qs(urlsplit(link).query).items()}
    try:
        return Page(skip=int(query["skip"]), top=int(query.get("top", "20")))
    except (KeyError, ValueError):
        raise MalformedAnswerError("the next link of a job's results has no readable skip and top") from None


def member(body: Json, key: str, kind: type[T]) -> T:
    """`body[key]`, checked for its type; raises MalformedAnswerError naming the key."""
    value = body.get(key) if isinstance(body, dict) else None
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise MalformedAnswerError(f"the answer lacks {key!r}, or it is not a {kind.__name__}")
    return value


def number(body: Json, *keys: str) -> float:
    """The first of `keys` that holds a number (strings of digits too); raises MalformedAnswerError."""
    for key in keys:
        value = body.get(key) if isinstance(body, dict) else None
        if isinstance(value, bool) or value is None:
            continue
        try:
            found = float(value)
        except (TypeError, ValueError, OverflowError):
            break
        if math.isfinite(found):
            return found
        break
    raise MalformedAnswerError(f"the answer lacks the number {' or '.join(keys)}")
