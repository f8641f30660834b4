"""Where one document is, why, and its records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from shared.batches.batch import Batches
from shared.documents.record_schema import ClassificationRecord, FailureRecord
from shared.documents.records import Records
from shared.documents.ref import DocumentRef, is_document_name
from shared.reports.bodies import Body
from shared.storage.ports import BlobInfo

# Open batches that are read to find one document.
SEARCHED = 200


class OpenBatchBody(Body):
    """The open batch that holds the document; `waiting` says why nothing can be submitted now."""

    id: str
    state: str
    waiting: str | None


class DocumentStatus(Body):
    """GET /api/documents/{name}. `state`: waiting, planned, submitted, classified, failed, ignored or deleted."""

    name: str
    state: str
    why: str
    etag: str | None
    last_modified: datetime | None
    size: int | None
    batch: OpenBatchBody | None
    classification: ClassificationRecord | None
    failure: FailureRecord | None


class SentBody(Body):
    """Answer to POST .../classify: this version was sent again."""

    name: str
    etag: str
    state: str = "sent"


@dataclass(frozen=True)
class DocumentReport:
    """Looks up one document by name."""

    records: Records
    batches: Batches

    def __call__(self, name: str) -> DocumentStatus | None:
        """None when neither the blob nor a record exists."""
        info = self.records.documents.find(name)
        classification = self.records.read_classification(name)
        failure = self.records.read_failure(name)
        if info is None and classification is None and failure is None:
            return None
        state, why = state_of(info, classification, failure)
        if info and state == "waiting" and classification is None and self._is_classified(info):
            state, why = "classified", "this version is classified; its record cannot be read: send it again"
        batch = self._open_batch(info) if info and state == "waiting" else None
        if batch is not None:
            state, why = batch.state, batch.waiting or f"in batch {batch.id}"
        return DocumentStatus(
            name=name,
            state=state,
            why=why,
            etag=info.etag if info else None,
            last_modified=info.last_modified if info else None,
            size=info.size if info else None,
            batch=batch,
            classification=classification,
            failure=failure,
        )

    def _is_classified(self, info: BlobInfo) -> bool:
        """By the record's metadata, which are there even when its content cannot be read."""
        found = self.records.find_classification(info.name)
        return found is not None and found[0].is_about(info.etag)

    def _open_batch(self, document: BlobInfo) -> OpenBatchBody | None:
        for listed in islice(self.batches.store.list_open(), SEARCHED):
            stored = self.batches.store.find_readable(listed.id)
            if stored and any(_is_version(each.document, document) for _, each in stored.record.open_documents):
                batch = stored.record
                return OpenBatchBody(id=batch.id, state=batch.state, waiting=batch.waiting)
        return None


def state_of(
    info: BlobInfo | None, classification: ClassificationRecord | None, failure: FailureRecord | None
) -> tuple[str, str]:
    """A document's state and the reason for it, before open batches are looked at."""
    if info is None:
        return "deleted", "the document was deleted; its record stays"
    if not is_document_name(info.name):
        return "ignored", "only .txt blobs are classified"
    if classification and classification.document.etag == info.etag:
        return "classified", "this version is classified"
    if failure and failure.document.etag == info.etag:
        return "failed", failure.message
    if info.size == 0:
        return "waiting", "it is empty and may be filled yet; otherwise reconcile ends it"
    if classification or failure:
        return "waiting", "an older version has a record; this one waits for its event, its batch or the next reconcile"
    return "waiting", "no record yet; it waits for its event, its batch or the next reconcile"


def _is_version(document: DocumentRef, info: BlobInfo) -> bool:
    return (document.name, document.etag) == (info.name, info.etag)
