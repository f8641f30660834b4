"""The records users read, as versioned JSON (docs/records.md describes every field). Pure."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.documents.ref import DocumentRef, FailureCode
from shared.language.models import ModelRef, ProjectKind


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, protected_namespaces=())

    schema_version: Annotated[Literal[1], Field(alias="schema")] = 1

    def to_json(self) -> bytes:
        return self.model_dump_json(by_alias=True, indent=1).encode()


class ClassRecord(BaseModel):
    """A class and the service's confidence in it, 0 to 1."""

    name: str
    confidence: float


class WarningRecord(BaseModel):
    """`code` is ours (EncodingGuessed, DocumentSplit, DocumentTruncated) or the service's."""

    code: str
    message: str


class JobRecord(BaseModel):
    """Our job and the service's analyze jobs that classified the document."""

    id: str
    analyze_jobs: list[str]
    attempt: int


class Timings(BaseModel):
    """All in UTC; `completed` is the service's word, so that writing the record twice gives the same bytes."""

    uploaded: AwareDatetime
    planned: AwareDatetime
    submitted: AwareDatetime
    completed: AwareDatetime | None


class ClassificationRecord(_Record):
    """classifications/<name>.json"""

    status: Literal["classified"] = "classified"
    document: DocumentRef
    project: str
    kind: ProjectKind
    model: ModelRef
    api_version: str
    classes: list[ClassRecord]
    warnings: list[WarningRecord]
    job: JobRecord
    timings: Timings


class FailureRecord(_Record):
    """failures/<name>.json"""

    status: Literal["failed"] = "failed"
    document: DocumentRef
    code: FailureCode
    message: str
    failed: AwareDatetime
    job: str | None = None
    model: str | None = None
