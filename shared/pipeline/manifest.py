"""The manifest: our record of one job, from `planned` over `submitted` to closed. Pure.

Stored as pipeline/jobs/active/<id>.json while open and pipeline/jobs/done/<date>/<id>.json afterwards. It holds names,
ids and times; never a text, a URL or a key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.documents.ref import DocumentRef
from shared.language.models import ModelRef
from shared.messages import Source

MAX_ATTEMPTS = 3
# How long past its due time a manifest counts as stalled; more than the host's 10-minute lock on a message.
STALL_GRACE = timedelta(minutes=15)
# A state's first visits fall due within this time, so that they need not be written down one by one.
STEP_ALLOWANCE = timedelta(minutes=10)


class JobState(StrEnum):
    PLANNED = "planned"
    SUBMITTED = "submitted"


class Outcome(StrEnum):
    """How a document left its manifest."""

    CLASSIFIED = "classified"
    FAILED = "failed"
    DELETED = "deleted"
    SUPERSEDED = "superseded"
    ALREADY_CLASSIFIED = "already_classified"
    PLANNED_AGAIN = "planned_again"


class _Model(BaseModel):
    # Fields of a newer release are ignored, so that a roll-back finishes the jobs it finds.
    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True, protected_namespaces=())


class PlannedDocument(_Model):
    """A document in a manifest. `record_etag` is the classification record found at planning, for the later write."""

    document: DocumentRef
    source: Source = Source.EVENT
    attempt: int = 0
    requested: AwareDatetime | None = None
    record_etag: str | None = None
    outcome: Outcome | None = None


class AnalyzeRef(_Model):
    """One analyze job at the service: its id (never its URL) and the length in characters of each text, by text id."""

    job_id: str
    submitted: AwareDatetime
    expires: AwareDatetime
    texts: dict[str, int]
    warnings: dict[str, list[tuple[str, str]]] = {}


class JobEvent(_Model):
    """One dated line of a job's history."""

    at: AwareDatetime
    what: str


class Manifest(_Model):
    """`due` is when the next step should have happened at the latest; the sweep looks at nothing else."""

    schema_version: Annotated[Literal[1], Field(alias="schema")] = 1
    id: str
    state: JobState = JobState.PLANNED
    created: AwareDatetime
    due: AwareDatetime
    documents: tuple[PlannedDocument, ...]
    attempt: int = 0
    model: ModelRef | None = None
    api_version: str | None = None
    analyze: tuple[AnalyzeRef, ...] = ()
    waiting: str | None = None
    events: tuple[JobEvent, ...] = ()

    def evolve(self, at: datetime, what: str, **changes: object) -> Manifest:
        """A copy with `changes` and one more line of history (the newest 50 are kept)."""
        events = (*self.events, JobEvent(at=at, what=what))[-50:]
        return self.model_copy(update={**changes, "events": events})

    @property
    def open_documents(self) -> list[tuple[int, PlannedDocument]]:
        """Documents without an outcome, with their index, which text ids are made of."""
        return [(index, planned) for index, planned in enumerate(self.documents) if planned.outcome is None]

    def with_outcomes(self, outcomes: dict[int, Outcome]) -> tuple[PlannedDocument, ...]:
        return tuple(
            planned.model_copy(update={"outcome": outcomes[index]}) if index in outcomes else planned
            for index, planned in enumerate(self.documents)
        )

    def metadata(self) -> dict[str, str]:
        """What listings show, so that status and sweep need not read every manifest."""
        return {
            "state": self.state.value,
            "documents": str(len(self.documents)),
            "created": self.created.isoformat(),
            "due": self.due.isoformat(),
            "waiting": "yes" if self.waiting else "no",
        }


def manifest_id(documents: Iterable[PlannedDocument]) -> str:
    """A hash of the sorted versions: planning the same batch twice makes one manifest.

    The attempt and the time of a redrive's request belong to it, so that a version planned again is another manifest
    than the one it left.
    """
    keys = sorted(_key(each) for each in documents)
    return hashlib.sha256(repr(keys).encode()).hexdigest()[:32]


def _key(planned: PlannedDocument) -> tuple[str | int, ...]:
    key = (planned.document.name, planned.document.etag, planned.attempt)
    return (*key, planned.requested.isoformat()) if planned.requested else key


def plan_manifest(documents: Sequence[PlannedDocument], now: datetime, *, why: str = "planned") -> Manifest:
    """A new manifest in state planned. `documents` as collected, or those of an earlier manifest that go on."""
    planned = tuple(sorted(documents, key=lambda each: (each.document.name, each.document.etag)))
    return Manifest(
        id=manifest_id(planned),
        created=now,
        due=now + STEP_ALLOWANCE,
        documents=planned,
        events=(JobEvent(at=now, what=why),),
    )


def text_id(index: int, part: int | None = None) -> str:
    return str(index) if part is None else f"{index}.{part}"


def document_index(text_id_: str) -> int:
    return int(text_id_.split(".", 1)[0])
