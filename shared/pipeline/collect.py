"""collect_documents: a wake drains the documents queue into manifests.

The order is the guarantee: manifest, then job message, and only then the document messages are deleted. Receiving is
the lock, so any number of collectors compete safely.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.batches.packing import pack
from shared.documents.ref import MAX_DOCUMENTS_PER_JOB
from shared.messages import DocumentMessage, JobMessage, Source
from shared.pipeline.accept import is_ours, send_wake
from shared.pipeline.context import Pipeline
from shared.pipeline.manifest import PlannedDocument, plan_manifest
from shared.pipeline.manifests import create_manifest
from shared.pipeline.parked import park
from shared.storage.ports import QueuedMessage

log = logging.getLogger("pigeonhole.collect")

MAX_ROUNDS = 40
MAX_DURATION = timedelta(seconds=30)
PEEK = 32


@dataclass
class Collected:
    """One version, with every message that named it."""

    planned: PlannedDocument
    messages: list[QueuedMessage] = field(default_factory=list)

    @property
    def size(self) -> int:
        return self.planned.document.size


def collect_documents(pipeline: Pipeline, woken_at: datetime) -> None:
    """Drain the documents queue. `woken_at` is when this wake was inserted, by the queue's own clock."""
    if not pipeline.wake_debounce.collecting.acquire(blocking=False):
        # Another collector of this process is at work; its last look may lie behind it, so look again later.
        send_wake(pipeline)
        return
    try:
        _drain(pipeline, woken_at)
    finally:
        pipeline.wake_debounce.collecting.release()


def _drain(pipeline: Pipeline, woken_at: datetime) -> None:
    deadline = pipeline.clock() + MAX_DURATION
    # Shorter than the host's lock on the wake: when a crashed collector's wake returns, its documents are visible.
    visibility = timedelta(seconds=pipeline.settings.pipeline_collect_visibility_seconds)
    rest: list[Collected] = []
    waiting, planned = True, 0
    for _ in range(MAX_ROUNDS):
        peeked = pipeline.documents_queue.peek(PEEK)
        waiting = bool(peeked)
        if not _is_ripe(peeked, len(rest), woken_at, is_burst=planned > 0):
            break
        received = pipeline.documents_queue.receive(MAX_DOCUMENTS_PER_JOB - len(rest), visibility=visibility)
        full, rest = pack(_merge(rest, _read(pipeline, received)))
        for batch in full:
            plan_job(pipeline, batch)
            planned += 1
        if pipeline.clock() > deadline:
            break
    if rest:
        plan_job(pipeline, rest)
    if waiting:
        # Without this fresh wake the debounce would strand what arrived after the last one.
        send_wake(pipeline)


def _is_ripe(peeked: list[QueuedMessage], held: int, woken_at: datetime, *, is_burst: bool) -> bool:
    """A full job's worth, or someone who has waited since before this wake was sent (both stamps are the server's).

    They have whole seconds. In a burst, with full jobs just taken, the same second does not count: more is coming.
    """
    if not peeked:
        return False
    oldest = min(each.inserted_on for each in peeked)
    has_waited = oldest < woken_at if is_burst else oldest <= woken_at
    return held + len(peeked) >= MAX_DOCUMENTS_PER_JOB or has_waited


def plan_job(pipeline: Pipeline, batch: list[Collected]) -> None:
    """One batch becomes a manifest and its first job message; then its document messages may go."""
    manifest = plan_manifest([collected.planned for collected in batch], pipeline.clock())
    messages = [message for collected in batch for message in collected.messages]
    create_manifest(pipeline, manifest)
    pipeline.jobs_queue.send(JobMessage(id=manifest.id))
    pipeline.fan_out(pipeline.documents_queue.delete, messages)
    log.info("job_planned job=%s documents=%d", manifest.id, len(batch))


def _read(pipeline: Pipeline, received: Iterable[QueuedMessage]) -> Iterable[Collected]:
    for queued in received:
        try:
            message = _document_message(pipeline, queued.text or "")
        except ValueError:
            park(pipeline, pipeline.settings.documents_queue, queued.id, queued.raw, "not a document message")
            pipeline.documents_queue.delete(queued)
            continue
        planned = PlannedDocument(
            document=message.document,
            source=message.source,
            attempt=message.resubmissions,
            requested=message.requested,
        )
        yield Collected(planned, [queued])


def _document_message(pipeline: Pipeline, text: str) -> DocumentMessage:
    """Raises ValueError for what is no message of ours; a name decides which blob is read, so it is checked again."""
    message = DocumentMessage.model_validate_json(text)
    if not is_ours(pipeline, message.container, message.document.name):
        raise ValueError("not a document of the documents container")
    return message


def _merge(rest: list[Collected], arrived: Iterable[Collected]) -> list[Collected]:
    """Drop repeats of name and ETag, keeping all their messages; somebody's wish to redrive outweighs an event."""
    merged = {(each.planned.document.name, each.planned.document.etag): each for each in rest}
    for each in arrived:
        key = (each.planned.document.name, each.planned.document.etag)
        twin = merged.setdefault(key, each)
        if twin is not each:
            twin.messages += each.messages
            if each.planned.source is Source.REDRIVE:
                twin.planned = each.planned
    return list(merged.values())
