"""The records users read, as versioned JSON (docs/records.md describes each member), and their metadata. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal
from urllib.parse import quote, unquote

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from shared.documents.ref import DocumentRef, FailureCode
from shared.language.values import ModelRef, ProjectKind


class _Record(BaseModel):
    model_config = ConfigDict(
        defer_build=True, frozen=True, extra="forbid", populate_by_name=True, protected_namespaces=()
    )

    schema_version: Annotated[Literal[1], Field(alias="schema")] = 1

    def to_json(self) -> bytes:
        return self.model_dump_json(by_alias=True, indent=1).encode()


class ClassConfidence(BaseModel):
    """A class and the service's confidence in it, 0 to 1."""

    model_config = ConfigDict(defer_build=True)

    name: str
    confidence: float


class RecordWarning(BaseModel):
    """`code` is the service's, or one of ours: docs/records.md lists them."""

    model_config = ConfigDict(defer_build=True)

    code: str
    message: str


class BatchReference(BaseModel):
    """Our batch and the service's jobs that classified the document; `attempt` counts from 0."""

    model_config = ConfigDict(defer_build=True)

    id: str
    jobs: list[str]
    attempt: int


class Timings(BaseModel):
    """All in UTC. `completed` is the service's own time, so that writing the record twice gives the same bytes."""

    model_config = ConfigDict(defer_build=True)

    uploaded: AwareDatetime
    planned: AwareDatetime
    submitted: AwareDatetime
    completed: AwareDatetime | None


class Decision(StrEnum):
    """What becomes of a classification: used as it is, or shown to a person."""

    ACCEPTED = "accepted"
    REVIEW = "review"


class RecordDecision(BaseModel):
    """Whether the classification is used as it is, or shown to a person, and what that rests on.

    `threshold` is the confidence from which on results are accepted; None accepts nothing. `precision` is what the
    project asks for, shown with `confidence` on `documents` golden documents. `is_audit`: sure enough to be accepted,
    and shown all the same, as one of a random share.
    """

    model_config = ConfigDict(defer_build=True, frozen=True)

    decision: Decision
    is_audit: bool = False
    threshold: float | None
    precision: float
    confidence: float
    documents: int


class RecordReview(BaseModel):
    """What a person decided: the true classes, by whom and when."""

    model_config = ConfigDict(defer_build=True, frozen=True)

    classes: tuple[str, ...]
    by: str
    at: AwareDatetime


class ClassificationRecord(_Record):
    """classifications/<name>.json

    `decision` is None where the project asks for no precision, `review` until a person has decided.
    """

    status: Literal["classified"] = "classified"
    document: DocumentRef
    project: str
    kind: ProjectKind
    model: ModelRef
    api_version: str
    classes: list[ClassConfidence]
    warnings: list[RecordWarning]
    batch: BatchReference
    timings: Timings
    decision: RecordDecision | None = None
    review: RecordReview | None = None

    def facts(self) -> RecordFacts:
        return RecordFacts.of(
            self.document,
            batch=self.batch.id,
            planned=self.timings.planned,
            model=self.model.label,
            decision=self.decision.decision if self.decision else None,
        )


class FailureRecord(_Record):
    """failures/<name>.json"""

    status: Literal["failed"] = "failed"
    document: DocumentRef
    code: FailureCode
    message: str
    failed: AwareDatetime
    batch: str | None = None
    model: str | None = None

    def facts(self) -> RecordFacts:
        return RecordFacts.of(self.document, batch=self.batch, model=self.model, code=self.code)


class RecordFacts(BaseModel):
    """What a listing shows of a record: its blob's metadata, typed.

    Metadata are ASCII, so the model's label is percent-encoded there.
    Everything but the ETag is None where the metadata lack it or it cannot be read.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, extra="ignore", protected_namespaces=())

    etag: str | None = None
    modified: AwareDatetime | None = None
    size: int | None = None
    batch: str | None = None
    planned: AwareDatetime | None = None
    model: str | None = None
    code: str | None = None
    decision: Decision | None = None

    @classmethod
    def of(cls, document: DocumentRef, **members: Any) -> RecordFacts:
        return cls(etag=document.etag, modified=document.last_modified, size=document.size, **members)

    @classmethod
    def read(cls, metadata: Mapping[str, str]) -> RecordFacts:
        """The facts of a blob, each on its own: one that cannot be read is None and takes no other with it."""
        present = {name: value for name, value in metadata.items() if name in cls.model_fields and value}
        if "model" in present:
            present["model"] = unquote(present["model"])
        try:
            return cls.model_validate(present)
        except ValidationError as error:
            unreadable = {str(each["loc"][0]) for each in error.errors()}
            return cls.model_validate({name: value for name, value in present.items() if name not in unreadable})

    def to_metadata(self) -> dict[str, str]:
        values: dict[str, Any] = self.model_dump(mode="json", exclude_none=True)
        if self.model is not None:
            values["model"] = quote(self.model)
        return {name: str(value) for name, value in values.items()}

    def is_about(self, etag: str) -> bool:
        """Is the record about that version of its document?"""
        return self.etag == etag


def is_record_of(metadata: Mapping[str, str], etag: str) -> bool:
    """`RecordFacts.read(metadata).is_about(etag)` at a twentieth of the cost: reconcile asks it of every record."""
    return metadata.get("etag") == etag
