"""collect_documents: a wake drains the documents queue into batches.

The order is the guarantee: batch, then its first message, and only then the document messages are deleted. Receiving is
the lock, so any number of collectors compete safely.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.batches.batch import BatchDocument, Batches, plan_batch
from shared.batches.packing import pack
from shared.documents.inbox import Inbox
from shared.documents.messages import DocumentMessage, Source, WakeMessage
from shared.documents.ref import MAX_DOCUMENTS_PER_JOB
from shared.durable.dead_letters import DeadLetters
from shared.errors import StorageUnavailableError
from shared.storage.ports import QueuedMessage

log = logging.getLogger("pigeonhole.collector")

MAX_ROUNDS = 40
MAX_DURATION = timedelta(seconds=30)
# When storage refuses, the collector looks again this long after what it received is visible again.
AFTER_VISIBILITY = timedelta(seconds=10)
# The most that one call peeks at.
PEEK = 32


@dataclass
class Collected:
    """One version, with every message that named it."""

    planned: BatchDocument
    messages: list[QueuedMessage] = field(default_factory=list)

    @property
    def size(self) -> int:
        """In bytes of the stored blob."""
        return self.planned.document.size

    @property
    def version(self) -> tuple[str, str]:
        return self.planned.document.name, self.planned.document.etag


@dataclass(frozen=True)
class Collector:
    """Drains the inbox.

    `visibility` is how long received messages are hidden: shorter than the host's lock on the wake, so that when a
    crashed collector's wake returns, its documents are visible again.
    """

    inbox: Inbox
    batches: Batches
    dead_letters: DeadLetters
    queue_name: str
    visibility: timedelta
    # Collectors compete safely, but two of one process that share a queue's last documents make two small batches.
    at_work: threading.Lock = field(default_factory=threading.Lock)

    def collect(self, woken_at: datetime) -> None:
        """Drain the documents queue. `woken_at` is when this wake was inserted, by the queue's own clock."""
        if not self.at_work.acquire(blocking=False):
            # The last look of the collector at work may lie behind it, so look again later.
            self.inbox.wake()
            return
        try:
            self._drain(woken_at)
        except StorageUnavailableError as error:
            # This wake is replaced, so that none is given up on, by one that comes after what was received is visible
            # again: an earlier one would find nothing and send no other.
            delay = self.visibility + AFTER_VISIBILITY
            log.warning("collect_deferred seconds=%d: %s", delay.total_seconds(), error)
            self.inbox.collect_queue.send(WakeMessage(), delay=delay)
        finally:
            self.at_work.release()

    def _drain(self, woken_at: datetime) -> None:
        deadline = self.inbox.clock() + MAX_DURATION
        rest: list[Collected] = []
        waiting, planned = True, 0
        for _ in range(MAX_ROUNDS):
            peeked = self.inbox.documents_queue.peek(PEEK)
            waiting = bool(peeked)
            if not is_ripe(peeked, held=len(rest), woken_at=woken_at, is_burst=planned > 0):
                break
            count = MAX_DOCUMENTS_PER_JOB - len(rest)
            received = self.inbox.documents_queue.receive(count, visibility=self.visibility)
            full, rest = pack(deduplicate(rest, self._read(received)))
            for group in full:
                self._plan(group)
                planned += 1
            if self.inbox.clock() > deadline:
                break
        if rest:
            self._plan(rest)
        if waiting:
            # Without this fresh wake the debounce would strand what arrived after the last one.
            self.inbox.wake()

    def _plan(self, group: list[Collected]) -> None:
        """One group becomes a batch and its first message; then its document messages may go."""
        batch = plan_batch([each.planned for each in group], self.batches.clock())
        self.batches.start(batch)
        self.inbox.fan_out(self.inbox.documents_queue.delete, [each for one in group for each in one.messages])
        log.info("batch_planned batch=%s documents=%d", batch.id, len(group))

    def _read(self, received: Iterable[QueuedMessage]) -> Iterable[Collected]:
        for queued in received:
            try:
                message = self._document_message(queued.text or "")
            except ValueError:
                reason = "not a document message"
                self.dead_letters.keep(queue=self.queue_name, message_id=queued.id, body=queued.raw, reason=reason)
                self.inbox.documents_queue.delete(queued)
                continue
            document = BatchDocument(document=message.document, source=message.source, requested=message.requested)
            yield Collected(document, [queued])

    def _document_message(self, text: str) -> DocumentMessage:
        """Raises ValueError for what is no message of ours. The name decides which blob is read, so it is checked."""
        message = DocumentMessage.model_validate_json(text)
        if not self.inbox.is_watched(message.document.name, container=message.container):
            raise ValueError("not a document of the documents container")
        return message


def is_ripe(peeked: list[QueuedMessage], *, held: int, woken_at: datetime, is_burst: bool) -> bool:
    """A full batch, or a document that has waited since before this wake was sent (both times are the server's).

    They have whole seconds. In a burst, with full batches just taken, the same second does not count: more is coming.
    """
    if not peeked:
        return False
    oldest = min(each.inserted_on for each in peeked)
    has_waited = oldest < woken_at if is_burst else oldest <= woken_at
    return held + len(peeked) >= MAX_DOCUMENTS_PER_JOB or has_waited


def deduplicate(rest: list[Collected], arrived: Iterable[Collected]) -> list[Collected]:
    """Drop repeats of name and ETag but keep all their messages; a request to redrive wins over an event."""
    by_version = {each.version: each for each in rest}
    for each in arrived:
        first = by_version.setdefault(each.version, each)
        if first is not each:
            first.messages += each.messages
            if each.planned.source is Source.REDRIVE:
                first.planned = each.planned
    return list(by_version.values())
