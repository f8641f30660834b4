"""Classify again what has a record already: by prefix, by the model that made it, by its decision, or what failed.

It goes through the listing of the records, whose metadata name each document's version, so that no document costs a
call of its own. Documents keep their old classification until the new one replaces it.

What failed is sent again only where it still helps, so that asking twice classifies nothing twice: a version that is
current (one HEAD each) and in no open batch, after what waits in the documents queue was collected; and when its text
is read, a document that was classified meanwhile drops out.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from pydantic import ValidationError

from shared.documents.inbox import Inbox
from shared.documents.messages import Source
from shared.documents.reconcile import Versions
from shared.documents.record_schema import RecordFacts
from shared.documents.records import Records
from shared.documents.ref import KEPT_OF_LONG_NAMES, RECORD_SUFFIX, DocumentRef, record_name
from shared.durable.steps import Next
from shared.durable.store import Stored
from shared.errors import BlobNotFoundError, BlobUnreadableError, ConfirmationNeededError
from shared.models.active_model import ActiveModelStore
from shared.operations.operation import Operation, Reclassify, ReclassifyRequest, Step
from shared.operations.operations import Operations, new_id
from shared.operations.service_jobs import page_done, poll_again
from shared.storage.ports import BlobInfo, BlobStore

log = logging.getLogger("pigeonhole.operations")

# The lock's name: no project can be called so, because a project's name has no tilde.
RECLASSIFY_PROJECT = "~reclassify"


@dataclass(frozen=True)
class Reclassification:
    """Counts, starts and carries out reclassifications. `limit` is how many documents are sent unconfirmed;
    `open_versions` names the versions that open batches hold."""

    operations: Operations
    inbox: Inbox
    records: Records
    active_model: ActiveModelStore
    language_project: str
    language_api: str
    limit: int
    open_versions: Callable[[], Versions]

    @property
    def table(self) -> Mapping[Step, Callable[[Stored[Reclassify]], Next[Operation]]]:
        return {Step.SEND_PAGE: self.send_page}

    def count(self, request: ReclassifyRequest) -> int:
        """How many documents the request would send: one call for each 5,000 records."""
        model = self.excepted_model(request)
        listing = self._store(request).list(request.prefix, metadata=True)
        return sum(_is_wanted(RecordFacts.read(info.metadata), request, model=model) for info in listing)

    def start(self, request: ReclassifyRequest) -> Operation:
        """Start sending. Raises ConfirmationNeededError, OperationRunningError."""
        count = self.count(request)
        if count > self.limit and not request.confirm:
            raise ConfirmationNeededError(count, limit=self.limit)
        now = self.operations.steps.clock()
        return self.operations.start(
            Reclassify(
                id=new_id(now),
                created=now,
                due=now,
                project=RECLASSIFY_PROJECT,
                api_version=self.language_api,
                step=Step.SEND_PAGE,
                request=request,
                model=self.excepted_model(request),
                total=count,
            )
        )

    def send_page(self, stored: Stored[Reclassify]) -> Next[Operation]:
        """Send one page's documents, then save how far it came. A crash repeats one page, which only costs."""
        operation, request = stored.record, stored.record.request
        if request.failed and self._has_earlier_ones_to_collect(operation):
            self.inbox.wake()
            return poll_again(self.operations.steps, stored)
        store = self._store(request)
        page = store.list_page(request.prefix, token=operation.token)
        listed = [(info, RecordFacts.read(info.metadata)) for info in page.infos]
        wanted = [(info, facts) for info, facts in listed if _is_wanted(facts, request, model=operation.model)]
        documents = [document for each in wanted if (document := _document(store, *each)) is not None]
        if request.failed:
            documents = self._not_under_way(self.inbox.still_current(documents))
        source = Source.FAILED if request.failed else Source.REDRIVE
        self.inbox.redrive(documents, requested=operation.created, source=source)
        sent, steps = len(documents), self.operations.steps
        return page_done(steps, stored, page, sent=sent, skipped=len(wanted) - sent, done="sent", left="left out {}")

    def _has_earlier_ones_to_collect(self, operation: Reclassify) -> bool:
        """Before the first page: what an earlier request sent may wait in the queue, where no one can look for it."""
        oldest = self.inbox.oldest_waiting() if operation.seen == 0 else None
        return oldest is not None and oldest <= operation.created

    def _not_under_way(self, documents: list[DocumentRef]) -> list[DocumentRef]:
        held = self.open_versions() if documents else set()
        return [document for document in documents if (document.name, document.etag) not in held]

    def excepted_model(self, request: ReclassifyRequest) -> str | None:
        """The label whose own records are left alone; None takes every record."""
        if isinstance(request.older_than_model, str):
            return request.older_than_model
        return self.active_model.find_label(self.language_project) if request.older_than_model else None

    def _store(self, request: ReclassifyRequest) -> BlobStore:
        return self.records.failures if request.failed else self.records.classifications


def _is_wanted(facts: RecordFacts, request: ReclassifyRequest, *, model: str | None) -> bool:
    return (
        (model is None or facts.model != model)
        and (request.reason is None or facts.code == request.reason)
        and (request.decision is None or facts.decision == request.decision)
    )


def _document(store: BlobStore, info: BlobInfo, facts: RecordFacts) -> DocumentRef | None:
    """The version a record is about, from its name and metadata, or from the record where those do not suffice.

    None where the record cannot be read either: one damaged record does not end the walk over the others.
    """
    name = info.name.removesuffix(RECORD_SUFFIX)
    may_be_cut = record_name(name) != info.name or name[KEPT_OF_LONG_NAMES : KEPT_OF_LONG_NAMES + 1] == "~"
    if not may_be_cut and facts.etag and facts.modified and facts.size is not None:
        with suppress(ValidationError):
            return DocumentRef(name=name, etag=facts.etag, last_modified=facts.modified, size=facts.size)
    try:
        return DocumentRef.model_validate(json.loads(store.read(info.name).data)["document"])
    except (BlobNotFoundError, BlobUnreadableError, ValueError, KeyError, TypeError) as error:
        log.warning("record_unreadable name=%s: %s", info.name, type(error).__name__)
        return None
