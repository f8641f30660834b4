"""The inbox: an upload becomes a message of the documents queue, and at most one wake of the collector.

Metadata only: the blob is never loaded. What Event Grid does not filter is checked here: container, .txt, size.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.concurrency import FanOut
from shared.documents.events import Upload
from shared.documents.messages import DocumentMessage, Source, WakeMessage
from shared.documents.records import Records
from shared.documents.ref import DocumentRef, FailureCode, is_document_name
from shared.storage.ports import BlobInfo, BlobStore, MessageQueue, SentMessage

log = logging.getLogger("pigeonhole.inbox")

# A wake counts as pending only while it becomes visible at least this long from now, or linger / 2 where that is
# shorter: a margin as long as the linger would let no wake ever be pending. Without one the collector could look before
# the document's message is there, should a clock be set back.
WAKE_MARGIN = timedelta(seconds=1)
# How long past the linger a document waits before the sweep takes its wake for lost.
WAKE_GRACE = timedelta(minutes=1)


class WakeDebounce:
    """What is known of this process's newest wake: a hint that saves messages, never a guarantee.

    Of a wake in the queue, when it becomes visible. Of one whose sender looks itself, that its look has not begun: what
    was sent before is seen by it, whatever the clocks say.
    """

    def __init__(self) -> None:
        self._visible_at: datetime | None = None
        self._is_look_ahead = False
        self.sending: AbstractContextManager[object] = threading.Lock()
        """Held from the question to the answer: of documents accepted at once, one sends the wake. The others wait for
        it, because only a wake that has been sent is pending."""

    def is_pending(self, now: datetime, *, linger: timedelta) -> bool:
        if self._is_look_ahead:
            return True
        return self._visible_at is not None and self._visible_at >= now + min(WAKE_MARGIN, linger / 2)

    def sent(self, visible_at: datetime) -> None:
        self._visible_at = visible_at

    def will_look(self) -> None:
        """The wake's sender looks itself."""
        self._is_look_ahead = True

    def look_begins(self) -> None:
        """What is accepted from now on needs another wake."""
        with self.sending:
            self._is_look_ahead = False


@dataclass(frozen=True)
class Inbox:
    """The documents container and the two queues between an upload and its batch. `max_bytes` is the stored size."""

    container: str
    max_bytes: int
    linger: timedelta
    documents: BlobStore
    records: Records
    documents_queue: MessageQueue
    collect_queue: MessageQueue
    fan_out: FanOut
    clock: Callable[[], datetime]
    debounce: WakeDebounce = field(default_factory=WakeDebounce)

    def is_watched(self, name: str, *, container: str) -> bool:
        """A .txt of the documents container: what an event, a message or a dead letter names may be anything."""
        return container == self.container and is_document_name(name)

    def find_document(self, name: str) -> DocumentRef | None:
        """The version that is current now, or None when there is no such blob."""
        info = self.documents.find(name)
        return document_of(info) if info else None

    def accept(self, container: str, document: DocumentRef, *, source: Source = Source.EVENT) -> bool:
        """Take the document in, and wake the collector. Returns whether a message was sent."""
        taken_in = self.take_in(container, document, source=source)
        if taken_in:
            self.wake()
        return taken_in

    def take_in(self, container: str, document: DocumentRef, *, source: Source = Source.EVENT) -> bool:
        """Queue the document for collection, or write its failure record when it can never be classified.

        An empty blob that may be filled yet is left alone: its next version has an event, or reconcile finds it.
        Returns whether a message was sent: then the collector must be woken.
        """
        if not self.is_watched(document.name, container=container):
            _log_ignored(document.name, container=container, why="not a .txt of the documents container")
            return False
        if document.size == 0 and source is not Source.REDRIVE and document.may_be_filled_yet(self.clock()):
            log.info("document_waits name=%s etag=%s: empty, and may be filled yet", document.name, document.etag)
            return False
        refusal = self._refusal(document)
        if refusal:
            self.records.write_failure(document, *refusal)
            return False
        requested = self.clock() if source is Source.REDRIVE else None
        message = DocumentMessage(container=container, document=document, source=source, requested=requested)
        self.documents_queue.send(message)
        log.info("document_accepted name=%s etag=%s source=%s", document.name, document.etag, source)
        return True

    def take_in_upload(self, upload: Upload) -> bool:
        """Take in the current version of an uploaded blob; one that was deleted meanwhile is ignored.

        Events come late, twice and out of order: what counts is the version that is there now.
        """
        if not self.is_watched(upload.name, container=upload.container):
            _log_ignored(upload.name, container=upload.container, why="not a .txt of the documents container")
            return False
        document = self.find_document(upload.name)
        if document is None:
            _log_ignored(upload.name, container=upload.container, why="deleted meanwhile")
            return False
        if document.etag != upload.etag:
            log.info("event_superseded name=%s etag=%s by=%s", upload.name, upload.etag, document.etag)
        return self.take_in(upload.container, document)

    def classify_again(self, name: str) -> DocumentRef | None:
        """Send the document's current version once more, whatever record it has; None when there is no such blob."""
        document = self.find_document(name)
        if document is not None:
            self.accept(self.container, document, source=Source.REDRIVE)
        return document

    def redrive(
        self, documents: Sequence[DocumentRef], *, requested: datetime, source: Source = Source.REDRIVE
    ) -> None:
        """Send these versions once more. They were accepted before, so nothing is checked again."""
        messages = [
            DocumentMessage(container=self.container, document=document, source=source, requested=requested)
            for document in documents
        ]
        self.fan_out(self.documents_queue.send, messages)
        if messages:
            self.wake()

    def still_current(self, documents: Sequence[DocumentRef]) -> list[DocumentRef]:
        """Those whose version has been neither overwritten nor deleted. One HEAD each."""
        found = self.fan_out(lambda document: self.find_document(document.name), documents)
        return [document for document, now in zip(documents, found, strict=True) if now and now.etag == document.etag]

    def wake(self, *, hidden: timedelta | None = None) -> SentMessage | None:
        """Wake the collector after the linger, unless a wake of this process is pending. Always after the message.

        With `hidden` the message is only the net for a caller that waits for the linger and looks itself, which it says
        by `debounce.look_begins`. Returns what was sent.
        """
        with self.debounce.sending:
            now = self.clock()
            if self.debounce.is_pending(now, linger=self.linger):
                return None
            sent = self.collect_queue.send(WakeMessage(), delay=hidden or self.linger)
            if hidden is None:
                self.debounce.sent(now + self.linger)
            else:
                self.debounce.will_look()
            return sent

    def oldest_waiting(self) -> datetime | None:
        """When the message at the head of the documents queue was inserted. One peek."""
        return min((each.inserted_on for each in self.documents_queue.peek(1)), default=None)

    def revive_collector(self) -> bool:
        """Wake the collector when a document has waited longer than any wake takes: the net under a lost wake."""
        oldest = self.oldest_waiting()
        if oldest is None or self.clock() - oldest < self.linger + WAKE_GRACE:
            return False
        self.collect_queue.send(WakeMessage())
        log.warning("collector_revived: a document has been waiting since %s", oldest.isoformat())
        return True

    def _refusal(self, document: DocumentRef) -> tuple[FailureCode, str] | None:
        if document.size == 0:
            return FailureCode.EMPTY, "the document is empty; upload it again with its text"
        if document.size > self.max_bytes:
            return FailureCode.TOO_LARGE, (
                f"the document has {document.size} bytes, the limit is {self.max_bytes}; "
                "split it, or raise PIPELINE_MAX_DOCUMENT_BYTES"
            )
        return None


def document_of(info: BlobInfo) -> DocumentRef:
    """The version that a HEAD or a listing shows."""
    return DocumentRef(name=info.name, etag=info.etag, last_modified=info.last_modified, size=info.size)


def _log_ignored(name: str, *, container: str, why: str) -> None:
    log.info("event_ignored container=%s name=%s: %s", container, name, why)
