"""The record of a walk of reconcile: what it has counted, and the place where it goes on. Pure.

Stored as pipeline/reconcile/open/reconcile.json while it is under way; pipeline/status/totals.json is what it ends in.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.documents.listings import Cursor, Held, hold
from shared.documents.messages import WALK
from shared.documents.record_schema import RecordFacts
from shared.durable.record import STEP_ALLOWANCE, Record, StoredModel
from shared.storage.ports import BlobInfo

NEWEST_FAILURES = 20


class NewestFailure(StoredModel):
    """A failure record by its blob's name."""

    record: str
    code: str | None
    batch: str | None
    failed: AwareDatetime


def newest_failure(info: BlobInfo) -> NewestFailure:
    facts = RecordFacts.read(info.metadata)
    return NewestFailure(record=info.name, code=facts.code, batch=facts.batch, failed=info.last_modified)


class Totals(BaseModel):
    """pipeline/status/totals.json: what the last full walk counted; `missing` had no record for their ETag.

    Of the `classified`, `accepted` and `review` have that decision. `as_of` is when it ended; `began` is missing in
    what an earlier release wrote. Status shows `newest_failures` where there are too many failure records to be
    searched.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, extra="ignore", populate_by_name=True)

    schema_version: Annotated[Literal[1], Field(alias="schema")] = 1
    as_of: AwareDatetime
    began: AwareDatetime | None = None
    documents: int
    classified: int
    failed: int
    missing: int
    sent: int
    accepted: int = 0
    review: int = 0
    last_sent: AwareDatetime | None = None
    newest_failures: tuple[NewestFailure, ...] = ()


class HeldDocument(StoredModel):
    """A document whose record's name is still to come in the listings of the records."""

    name: str
    etag: str
    last_modified: AwareDatetime
    size: int


class Place(StoredModel):
    """Where the three listings are gone on with: the pages' tokens, the last document that was taken from its page, and
    the documents that are held back. A page is read again, so that a token is all that storage has to remember."""

    documents: str | None = None
    after: str | None = None
    held: tuple[HeldDocument, ...] = ()
    classifications: str | None = None
    failures: str | None = None

    def buffer(self) -> Held:
        held: Held = []
        for each in self.held:
            hold(held, BlobInfo(each.name, each.etag, each.last_modified, each.size))
        return held

    @classmethod
    def of(cls, documents: Cursor, classifications: Cursor, failures: Cursor, held: Held) -> Self:
        return cls(
            documents=documents.token,
            after=documents.after,
            held=tuple(
                HeldDocument(name=info.name, etag=info.etag, last_modified=info.last_modified, size=info.size)
                for *_, info in sorted(held, key=lambda entry: entry[0])
            ),
            classifications=classifications.token,
            failures=failures.token,
        )


class Walk(Record):
    """`saved` is when its place was written last: a walk that someone is at work on writes it after every page.

    `earlier_sent` is when an earlier walk sent something last, `last_sent` when this one or an earlier one did.
    """

    saved: AwareDatetime
    place: Place = Field(default_factory=Place)
    documents: int = 0
    classified: int = 0
    failed: int = 0
    missing: int = 0
    sent: int = 0
    outdone: int = 0
    accepted: int = 0
    review: int = 0
    newest_failures: tuple[NewestFailure, ...] = ()
    earlier_sent: AwareDatetime | None = None
    last_sent: AwareDatetime | None = None

    @classmethod
    def begin(cls, now: datetime, *, earlier_sent: datetime | None) -> Self:
        return cls(
            id=WALK,
            created=now,
            due=now + STEP_ALLOWANCE,
            saved=now,
            earlier_sent=earlier_sent,
            last_sent=earlier_sent,
        )

    @property
    def totals(self) -> Totals:
        """What was counted so far."""
        return Totals(
            as_of=self.saved,
            began=self.created,
            documents=self.documents,
            classified=self.classified,
            failed=self.failed,
            missing=self.missing,
            sent=self.sent,
            accepted=self.accepted,
            review=self.review,
            last_sent=self.last_sent,
            newest_failures=self.newest_failures,
        )
