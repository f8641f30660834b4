"""The queue messages, each with a schema number. Small: never a URL, a text or a result (claim check)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.documents.ref import DocumentRef


class Message(BaseModel):
    """Base of all messages: unknown fields are refused, so a newer sender is noticed."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    schema_version: Annotated[Literal[1], Field(alias="schema")] = 1

    def to_text(self) -> str:
        return self.model_dump_json(by_alias=True)


class Source(StrEnum):
    """Why a document was sent: an upload event, the reconciling timer, or somebody's wish to classify it again."""

    EVENT = "event"
    RECONCILE = "reconcile"
    REDRIVE = "redrive"


class DocumentMessage(Message):
    """Queue `documents`: classify this version."""

    container: str
    document: DocumentRef
    source: Source = Source.EVENT
    resubmissions: int = 0
    requested: AwareDatetime | None = None
    """When a redrive was asked for: it makes the job another one than the job that classified this version before."""


class WakeMessage(Message):
    """Queue `collect`: look at the documents queue."""


class JobMessage(Message):
    """Queue `jobs`: take the next step of a manifest. `faults` counts refusals in a row, for the backoff only."""

    id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    visit: Annotated[int, Field(ge=0)] = 0
    faults: Annotated[int, Field(ge=0)] = 0


class OperationMessage(Message):
    """Queue `operations`: take the next step of an operation."""

    id: Annotated[str, Field(pattern=r"^[0-9a-z-]{1,64}$")]
    visit: Annotated[int, Field(ge=0)] = 0
    faults: Annotated[int, Field(ge=0)] = 0
