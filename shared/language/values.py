"""What callers give the Language service and get back, whatever the API version; authoring has more of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class ProjectKind(StrEnum):
    """Whether a document has exactly one class, or any number of them."""

    SINGLE = "single_label"
    MULTI = "multi_label"


class LroStatus(StrEnum):
    """How far a job of the service has come, in the same words for all versions. UNKNOWN: poll until the deadline."""

    NOT_STARTED = "not_started"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    PARTIALLY_COMPLETED = "partially_completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


TERMINAL = frozenset({LroStatus.SUCCEEDED, LroStatus.PARTIALLY_COMPLETED, LroStatus.FAILED, LroStatus.CANCELLED})


class ModelRef(BaseModel):
    """A published model as an analyze request names it.

    `reference` is the model id (2021 preview) or the deployment name (dated API); `label` is the trained model's name.
    A reference is valid only under the API version it was published with; None stands for the version in use.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", protected_namespaces=())

    project: str
    kind: ProjectKind
    reference: str
    label: str
    api_version: str | None = None


@dataclass(frozen=True)
class ServiceError:
    """An error as the service reported it; `target` names the task or document it concerns, where the service says."""

    code: str
    message: str
    target: str | None = None

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


@dataclass(frozen=True)
class TextInput:
    """One text of an analyze request. `id` is unique in the request."""

    id: str
    text: str
    language: str | None = None


TextInputs = Sequence[TextInput]


@dataclass(frozen=True)
class ClassScore:
    """A class and the service's confidence in it, 0 to 1."""

    name: str
    confidence: float


@dataclass(frozen=True)
class TextClasses:
    """The classes of one text; in a multi-label project there may be none."""

    id: str
    classes: tuple[ClassScore, ...]
    warnings: tuple[ServiceError, ...] = ()


@dataclass(frozen=True)
class Page:
    """Where the next page of a list begins. The URL of a next link is never kept."""

    skip: int
    top: int


@dataclass(frozen=True)
class AnalyzeJob:
    """An analyze job, with one page of its results, as it came: an id may be repeated in `texts`.

    `malformed` are texts whose result cannot be read, by id, and why. `project` and `deployment` are those that the
    answer names (dated API).
    """

    status: LroStatus
    created: datetime | None
    updated: datetime | None
    expires: datetime | None
    texts: tuple[TextClasses, ...] = ()
    text_errors: Mapping[str, ServiceError] = field(default_factory=dict)
    malformed: Mapping[str, str] = field(default_factory=dict)
    errors: tuple[ServiceError, ...] = ()
    next_page: Page | None = None
    id: str | None = None
    display_name: str | None = None
    project: str | None = None
    deployment: str | None = None
