"""The batch: our record of up to 25 documents, from `planned` through `submitted` to closed. Pure.

Stored as pipeline/batches/open/<id>.json while open and pipeline/batches/closed/<date>/<id>.json afterwards. It holds
names, ids and times; never a text, a URL or a key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from pydantic import AwareDatetime, Field

from shared.documents.messages import Source
from shared.documents.ref import DocumentRef
from shared.durable.record import STEP_ALLOWANCE, Event, Facts, Record, StoredModel
from shared.durable.steps import StepQueue
from shared.language.values import ModelRef
from shared.models.acceptance import Acceptance

# How often a document is submitted before it is given up.
MAX_ATTEMPTS = 3
# The host delivers again what a dead process had in work after 10 minutes: what is older may be a repeat.
LATE = timedelta(minutes=9)
# Closed batches lie in folders by the day they were created; they are kept for 30 days unless retentionDays says more.
SEARCHED_DAYS = 30


class BatchState(StrEnum):
    PLANNED = "planned"
    SUBMITTED = "submitted"


class Outcome(StrEnum):
    """How a document left its batch."""

    CLASSIFIED = "classified"
    FAILED = "failed"
    DELETED = "deleted"
    SUPERSEDED = "superseded"
    ALREADY_CLASSIFIED = "already_classified"
    RESUBMITTED = "resubmitted"
    NOT_FILLED = "not_filled"


class BatchDocument(StoredModel):
    """A document in a batch.

    `attempt` counts its earlier submissions, in this batch and before it. `record_etag` is that of the classification
    found when its text was read, for the later write. `is_first`: nothing says that this version was delivered before,
    so no classification is looked for. (A release that does not know the field looks for one.)
    """

    document: DocumentRef
    source: Source = Source.EVENT
    attempt: int = 0
    requested: AwareDatetime | None = None
    is_first: bool = False
    record_etag: str | None = None
    outcome: Outcome | None = None


class JobReference(StoredModel):
    """A job at the service: its id (never its URL), and the length in characters of each text, by text id."""

    job_id: str
    submitted: AwareDatetime
    expires: AwareDatetime
    texts: dict[str, int]
    warnings: dict[str, list[tuple[str, str]]] = Field(default_factory=dict)


class BatchFacts(Facts):
    """What listings show of a batch, so that status and sweep need not read every one."""

    state: BatchState
    documents: int
    waiting: bool = False
    refused: bool = False


class Batch(Record):
    """`waiting` says why nothing can be submitted now: no model is in use, or (`is_refused`) the service refuses every
    request to the one that is. `acceptance` is that of `model` when the batch was submitted, `audit_percent` the
    setting then: so that writing the records again decides the same."""

    state: BatchState = BatchState.PLANNED
    documents: tuple[BatchDocument, ...]
    model: ModelRef | None = None
    acceptance: Acceptance | None = None
    audit_percent: float = 0
    api_version: str | None = None
    jobs: tuple[JobReference, ...] = ()
    waiting: str | None = None
    waiting_since: AwareDatetime | None = None
    is_refused: bool = False

    @property
    def open_documents(self) -> list[tuple[int, BatchDocument]]:
        """Documents without an outcome, with their index, which text ids are made of."""
        return [(index, each) for index, each in enumerate(self.documents) if each.outcome is None]

    def with_outcomes(self, outcomes: Mapping[int, Outcome]) -> tuple[BatchDocument, ...]:
        return tuple(
            each.model_copy(update={"outcome": outcomes[index]}) if index in outcomes else each
            for index, each in enumerate(self.documents)
        )

    def facts(self) -> BatchFacts:
        return BatchFacts(
            created=self.created,
            due=self.due,
            state=self.state,
            documents=len(self.documents),
            # One reason at a time: a later step that was deferred tells of something else.
            waiting=self.waiting is not None and self.deferred is None,
            refused=self.is_refused and self.deferred is None,
            **self.facts_of_deferral(),
        )


Batches: TypeAlias = StepQueue[Batch, BatchFacts]


def batch_id(documents: Iterable[BatchDocument]) -> str:
    """A hash of the sorted versions: planning the same documents twice makes one batch.

    The attempt and the time of a redrive's request belong to it, so that a version planned again is in another batch
    than the one it left.
    """
    keys = sorted(_key(each) for each in documents)
    return hashlib.sha256(repr(keys).encode()).hexdigest()[:32]


def _key(each: BatchDocument) -> tuple[str | int, ...]:
    key = (each.document.name, each.document.etag, each.attempt)
    return (*key, each.requested.isoformat()) if each.requested else key


def plan_batch(documents: Sequence[BatchDocument], now: datetime, *, why: str = "planned") -> Batch:
    """A new batch in state planned. `documents` as collected, or those of an earlier batch that go on."""
    ordered = tuple(sorted(documents, key=lambda each: (each.document.name, each.document.etag)))
    return Batch(
        id=batch_id(ordered),
        created=now,
        due=now + STEP_ALLOWANCE,
        documents=ordered,
        history=(Event(at=now, what=why),),
    )
