"""accept_document: an upload event becomes a document message, and at most one wake.

Metadata only: the blob is never loaded. What Event Grid does not filter is guarded here: container, .txt, size.
"""

from __future__ import annotations

import logging

from shared.documents.events import Upload
from shared.documents.ref import DocumentRef, FailureCode, is_document_name
from shared.messages import DocumentMessage, Source, WakeMessage
from shared.pipeline.context import Pipeline
from shared.pipeline.records import write_failure
from shared.storage.ports import BlobInfo

log = logging.getLogger("pigeonhole.accept")


def is_ours(pipeline: Pipeline, container: str, name: str) -> bool:
    """A .txt of the documents container: what Event Grid, a message or a poison queue names may be anything."""
    return container == pipeline.settings.documents_container and is_document_name(name)


def document_of(info: BlobInfo) -> DocumentRef:
    """The version that a HEAD or a listing shows."""
    return DocumentRef(name=info.name, etag=info.etag, last_modified=info.last_modified, size=info.size)


def find_document(pipeline: Pipeline, name: str) -> DocumentRef | None:
    """The version that is current now, or None when there is no such blob."""
    info = pipeline.documents.find(name)
    return document_of(info) if info else None


def accept_document(
    pipeline: Pipeline, container: str, document: DocumentRef, *, source: Source = Source.EVENT
) -> None:
    """Queue the document for collection, or write its failure record when it can never be classified."""
    if not is_ours(pipeline, container, document.name):
        log.info("event_ignored container=%s name=%s: not a .txt of the documents container", container, document.name)
        return
    refusal = _refusal(pipeline, document)
    if refusal:
        write_failure(pipeline, document, *refusal)
        return
    requested = pipeline.clock() if source is Source.REDRIVE else None
    message = DocumentMessage(container=container, document=document, source=source, requested=requested)
    pipeline.documents_queue.send(message)
    send_wake(pipeline)
    log.info("document_accepted name=%s etag=%s source=%s", document.name, document.etag, source)


def accept_upload(pipeline: Pipeline, upload: Upload) -> None:
    """Accept the current version of an uploaded blob; a blob deleted since is no longer of interest.

    Events come late, twice and out of order: what counts is the version that is there now.
    """
    if not is_ours(pipeline, upload.container, upload.name):
        log.info(
            "event_ignored container=%s name=%s: not a .txt of the documents container", upload.container, upload.name
        )
        return
    document = find_document(pipeline, upload.name)
    if document is None:
        log.info("event_ignored container=%s name=%s: deleted since", upload.container, upload.name)
        return
    if document.etag != upload.etag:
        log.info("event_superseded name=%s etag=%s by=%s", upload.name, upload.etag, document.etag)
    accept_document(pipeline, upload.container, document)


def _refusal(pipeline: Pipeline, document: DocumentRef) -> tuple[FailureCode, str] | None:
    if document.size == 0:
        return FailureCode.EMPTY, "the document is empty; upload it again with its text"
    limit = pipeline.settings.pipeline_max_document_bytes
    if document.size > limit:
        return FailureCode.TOO_LARGE, (
            f"the document has {document.size} bytes, the limit is {limit}; "
            "split it, or raise PIPELINE_MAX_DOCUMENT_BYTES"
        )
    return None


def send_wake(pipeline: Pipeline) -> None:
    """Wake the collector after the linger, unless a wake of this process is pending. Always after the message."""
    now = pipeline.clock()
    if pipeline.wake_debounce.is_pending(now):
        return
    pipeline.collect_queue.send(WakeMessage(), delay=pipeline.settings.linger)
    pipeline.wake_debounce.sent(now + pipeline.settings.linger)
