"""reconcile (timer): a document older than the grace period, with no record for its ETag and in no open batch, is sent
again. The net under lost events: blob triggers are best effort.

It must not pile repeats on a backlog. What may still wait in the documents queue is recognised by the age of the
queue's oldest message: documents younger than that are left alone, and nothing is sent while what an earlier pass sent
is still waiting.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.documents.inbox import Inbox, document_of
from shared.documents.listings import match_records
from shared.documents.messages import Source
from shared.documents.record_schema import RecordFacts
from shared.documents.records import Records
from shared.documents.ref import is_document_name
from shared.durable.state import readable
from shared.errors import BlobNotFoundError, StateUnreadableError, StorageUnavailableError
from shared.storage.ports import BlobInfo, BlobStore

log = logging.getLogger("pigeonhole.reconcile")

TOTALS = "status/totals.json"

Versions = set[tuple[str, str]]
"""Names and ETags."""


class Totals(BaseModel):
    """pipeline/status/totals.json: what the last full pass counted; `missing` have no record for their ETag yet."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="ignore", populate_by_name=True)

    schema_version: Annotated[Literal[1], Field(alias="schema")] = 1
    as_of: AwareDatetime
    documents: int
    classified: int
    failed: int
    missing: int
    sent: int
    last_sent: AwareDatetime | None = None


class _Count:
    def __init__(self) -> None:
        self.documents = self.classified = self.failed = self.missing = 0


def read_totals(state: BlobStore) -> Totals | None:
    """What the last pass counted, or None before the first. Raises StateUnreadableError."""
    with readable(TOTALS):
        try:
            return Totals.model_validate_json(state.read(TOTALS).data)
        except BlobNotFoundError:
            return None


@dataclass(frozen=True)
class Reconcile:
    """One full pass: three listings, one call per 5,000 blobs each, and one message for each document found missing.

    `open_versions` names the versions that open batches hold; it is asked only when something is missing.
    """

    inbox: Inbox
    records: Records
    state: BlobStore
    grace: timedelta
    open_versions: Callable[[], Versions]

    def __call__(self) -> Totals:
        now = self.inbox.clock()
        previous = self._previous()
        last_sent = previous.last_sent if previous else None
        horizon = self._horizon(now, last_sent=last_sent)
        count = _Count()
        held: Versions | None = None
        errors: list[Exception] = []
        sent = 0
        for info in self._missing(count):
            if horizon is None or info.last_modified > horizon:
                continue
            if held is None:
                held = self.open_versions()
            if (info.name, info.etag) in held:
                continue
            try:
                sent += self.inbox.accept(self.inbox.container, document_of(info), source=Source.RECONCILE)
            except StorageUnavailableError as error:  # of everybody: the next pass goes on
                errors.append(error)
                break
            except Exception as error:  # of this one document; raised again when the others were sent
                log.exception("document_not_sent name=%s etag=%s", info.name, info.etag)
                errors.append(error)
        totals = Totals(
            as_of=now,
            documents=count.documents,
            classified=count.classified,
            failed=count.failed,
            missing=count.missing,
            sent=sent,
            last_sent=self.inbox.clock() if sent else last_sent,
        )
        if errors and isinstance(errors[-1], StorageUnavailableError):
            # The counts are of a part; that something was sent must be known, or the next pass sends it again.
            if previous is None:
                raise errors[0]
            totals = previous.model_copy(update={"last_sent": totals.last_sent})
        data = totals.model_dump_json(by_alias=True).encode()
        with readable(TOTALS):
            self.state.put(TOTALS, data)
        log.info("reconciled documents=%d missing=%d sent=%d", totals.documents, totals.missing, sent)
        if errors:
            raise errors[0]
        return totals

    def _previous(self) -> Totals | None:
        """What an earlier pass counted; None too when that cannot be read, which this pass replaces."""
        try:
            return read_totals(self.state)
        except StateUnreadableError:
            return None

    def _horizon(self, now: datetime, *, last_sent: datetime | None) -> datetime | None:
        """Documents modified after this are left alone; None when nothing is to be sent at all."""
        horizon = now - self.grace
        oldest = self.inbox.oldest_waiting()
        if oldest is None:
            return horizon
        if last_sent is not None and oldest <= last_sent:
            return None
        return min(horizon, oldest - self.grace)

    def _missing(self, count: _Count) -> Iterator[BlobInfo]:
        documents = (info for info in self.records.documents.list() if is_document_name(info.name))
        classifications = self.records.classifications.list(metadata=True)
        failures = self.records.failures.list(metadata=True)
        for document, (classification, failure) in match_records(documents, classifications, failures):
            count.documents += 1
            if _is_record_of(classification, document):
                count.classified += 1
            elif _is_record_of(failure, document):
                count.failed += 1
            else:
                count.missing += 1
                yield document


def _is_record_of(record: BlobInfo | None, document: BlobInfo) -> bool:
    return record is not None and RecordFacts.read(record.metadata).is_about(document.etag)
