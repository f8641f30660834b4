"""reconcile (timer): a document older than the grace period, with no record for its ETag and in no open batch, is sent
again. The net under lost events: blob triggers are best effort.

It is a walk over the sorted listings of documents, classifications and failures, in steps of less than a minute,
whatever the number of blobs. The timer begins a walk and takes its first step; what that leaves, messages of the
operations queue go on with. Its place is one small record, saved after each page, so that a crash repeats a page. The
timer goes on with a walk whose message was lost.

It must not pile repeats on a backlog. What may still wait in the documents queue is recognised by the age of the
queue's oldest message: documents younger than that are left alone, and nothing is sent while what an earlier walk sent
is still waiting.

On its way it sees both records of a document side by side, and removes a failure record that a classification outlived.
"""

from __future__ import annotations

import heapq
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeAlias

from shared.documents.inbox import Inbox, document_of
from shared.documents.listings import Cursor, hold, match_records
from shared.documents.messages import WALK, Source
from shared.documents.record_schema import Decision, is_record_of
from shared.documents.records import Records
from shared.documents.ref import is_document_name
from shared.documents.walk import NEWEST_FAILURES, Place, Totals, Walk, newest_failure
from shared.durable.record import STEP_ALLOWANCE, Facts
from shared.durable.state import readable
from shared.durable.steps import Done, Next, StepNow, StepQueue, advance
from shared.durable.store import Stored
from shared.errors import BlobNotFoundError, PlaceLostError, StateUnreadableError, StorageUnavailableError
from shared.messages import StepMessage
from shared.storage.ports import BlobInfo, BlobStore, Page

log = logging.getLogger("pigeonhole.reconcile")

TOTALS = "status/totals.json"
# A step ends after this long. One more call may be under way then, which takes storage seconds at most.
STEP_TAKES = timedelta(seconds=45)
# A walk is saved more often than this while a step is at work; the step's last call may be one that is repeated.
AT_WORK = timedelta(minutes=2)
# Documents sent between two saves of the walk's place: a crash sends as many again.
SENT_AT_ONCE = 500

Versions = set[tuple[str, str]]
"""Names and ETags."""

Walks: TypeAlias = StepQueue[Walk, Facts]


def read_totals(state: BlobStore) -> Totals | None:
    """What the last walk counted, or None before the first came to its end. Raises StateUnreadableError."""
    with readable(TOTALS):
        try:
            return Totals.model_validate_json(state.read(TOTALS).data)
        except BlobNotFoundError:
            return None


@dataclass
class _Seen:
    """What a step tells whoever had it taken: how far the walk is, and what single documents raised."""

    walk: Walk | None = None
    errors: list[Exception] = field(default_factory=list)


@dataclass(frozen=True)
class Reconcile:
    """Walks: one call for each 5,000 blobs of each of the three listings, and one message for each document missing.

    `open_versions` names the versions that open batches hold; a step asks it once, when something is missing. None
    means that there are too many, and then nothing is sent: the pipeline is busy enough.
    """

    inbox: Inbox
    records: Records
    state: BlobStore
    walks: Walks
    grace: timedelta
    open_versions: Callable[[], Versions | None]

    def __call__(self) -> Totals:
        """The timer: begin a walk, or go on with one that no one is at work on. Returns what was counted so far.

        What one document raises is raised when the others were sent and the place is saved, so that the platform counts
        the invocation as failed. Storage that refuses is no failure: the step is deferred.
        """
        now = self.inbox.clock()
        stored = self._find()
        if stored is None:
            stored = self.walks.store.create(Walk.begin(now, earlier_sent=self._last_sent()))
        elif stored.record.deferred is None and now - stored.record.saved < AT_WORK:
            log.info("walk_at_work documents=%d: a message goes on with it", stored.record.documents)
            return stored.record.totals
        seen = _Seen(stored.record if stored else None)
        advance(self.walks, StepMessage(id=WALK), partial(self._step, seen=seen), close=self._close)
        if seen.errors:
            raise seen.errors[0]
        return (seen.walk or Walk.begin(now, earlier_sent=None)).totals

    def advance(self, message: StepMessage) -> None:
        """The next step of the walk under way. Raises only what is a bug, or a queue that takes no message: what one
        document raises is logged, and the next walk meets it again."""
        advance(self.walks, message, partial(self._step, seen=_Seen()), close=self._close)

    def _find(self) -> Stored[Walk] | None:
        """The walk under way; one that cannot be read is replaced by a new one."""
        try:
            return self.walks.store.find(WALK)
        except StateUnreadableError:
            self.walks.store.remove_unreadable(WALK)
            return None

    def _last_sent(self) -> datetime | None:
        """When an earlier walk sent something; None too when that cannot be read, which this walk replaces."""
        try:
            previous = read_totals(self.state)
        except StateUnreadableError:
            return None
        return previous.last_sent if previous else None

    def _close(self, stored: Stored[Walk]) -> None:
        """Totals first: a crash in between repeats the last page and both writes."""
        totals = stored.record.totals
        with readable(TOTALS):
            self.state.put(TOTALS, totals.model_dump_json(by_alias=True).encode())
        self.walks.store.discard(stored)
        log.info(
            "reconciled documents=%d missing=%d sent=%d outdone=%d seconds=%d",
            totals.documents,
            totals.missing,
            totals.sent,
            stored.record.outdone,
            (totals.as_of - stored.record.created).total_seconds(),
        )

    def _step(self, stored: Stored[Walk], *, seen: _Seen) -> Next[Walk]:
        step = _Step(self, stored, seen)
        try:
            is_done = step.walk_on()
        except PlaceLostError as error:
            log.warning("walk_begins_again documents=%d: %s", step.stored.record.documents, error)
            begun = Walk.begin(self.inbox.clock(), earlier_sent=step.stored.record.last_sent)
            return StepNow(replace(step.stored, record=begun.note(begun.created, str(error))))
        walk = step.save_in_memory()
        what = f"{walk.documents} documents, {walk.missing} missing, {walk.sent} sent"
        following = step.stored.evolve(walk.saved, what)
        seen.walk = following.record
        return Done(following) if is_done else StepNow(following)

    def horizon(self, walk: Walk) -> datetime | None:
        """Documents modified after this are left alone; None when nothing is to be sent at all. What this walk sent
        itself is behind it in the listing."""
        horizon = self.inbox.clock() - self.grace
        oldest = self.inbox.oldest_waiting()
        if oldest is None:
            return horizon
        if walk.earlier_sent is not None and oldest <= walk.earlier_sent:
            return None
        return min(horizon, oldest - self.grace)


@dataclass
class _Count:
    """What a walk counts."""

    documents: int = 0
    classified: int = 0
    failed: int = 0
    missing: int = 0
    sent: int = 0
    outdone: int = 0
    accepted: int = 0
    review: int = 0


class _Step:
    """One step of a walk: from its place as far as the time allows."""

    def __init__(self, reconcile: Reconcile, stored: Stored[Walk], seen: _Seen) -> None:
        self._reconcile, self._records, self._inbox = reconcile, reconcile.records, reconcile.inbox
        self.stored, self._seen = stored, seen
        walk, place = stored.record, stored.record.place
        self._count = _Count(**{each.name: getattr(walk, each.name) for each in fields(_Count)})
        self._last_sent = walk.last_sent
        self._until = self._inbox.clock() + STEP_TAKES
        self._documents = self._cursor(self._records.documents, place.documents, after=place.after, metadata=False)
        self._classifications = self._cursor(self._records.classifications, place.classifications)
        self._failures = self._cursor(self._records.failures, place.failures, notice=self._notice_failures)
        self._newest_failures = {each.record: each for each in walk.newest_failures}
        self._held = place.buffer()
        self._horizon = reconcile.horizon(walk)
        self._versions: Versions | None = None

    def walk_on(self) -> bool:
        """True when the walk has come to its end, False when the step's time is up. Raises PlaceLostError."""
        try:
            return self._walk_on()
        except TimeoutError:
            return False

    def _walk_on(self) -> bool:
        page, sent = self._documents.token, self._count.sent
        documents = (info for info in self._documents if is_document_name(info.name))
        matched = match_records(documents, self._classifications, self._failures, held=self._held)
        for document, (classification, failure) in matched:
            try:
                self._look_at(document, classification, failure)
            except StorageUnavailableError:  # of everybody: the step is taken again, from this document on
                hold(self._held, document)
                self._save()
                raise
            if self._inbox.clock() > self._until:
                return False
            if self._documents.token != page or self._count.sent >= sent + SENT_AT_ONCE:
                self._save()
                page, sent = self._documents.token, self._count.sent
        return True

    def save_in_memory(self) -> Walk:
        """The walk at the present place, which the step's end saves."""
        now = self._inbox.clock()
        self.stored = self.stored.change(
            place=Place.of(self._documents, self._classifications, self._failures, self._held),
            newest_failures=tuple(self._newest_failures.values()),
            last_sent=self._last_sent,
            saved=now,
            due=now + STEP_ALLOWANCE,
            **vars(self._count),
        )
        return self.stored.record

    def _save(self) -> None:
        """Raises RaceLostError when another step of the walk went on with it: this one ends."""
        self.save_in_memory()
        self.stored = self._reconcile.walks.store.save(self.stored)

    def _look_at(self, document: BlobInfo, classification: BlobInfo | None, failure: BlobInfo | None) -> None:
        """Count the document and do what is to be done about it. Raises StorageUnavailableError, with nothing counted;
        what else is raised is of this one document."""
        is_classified = classification is not None and is_record_of(classification.metadata, document.etag)
        is_failed = not is_classified and failure is not None and is_record_of(failure.metadata, document.etag)
        try:
            if is_classified and failure is not None:
                self._count.outdone += self._records.clear_outdone(document_of(document), failure)
            elif not is_classified and not is_failed and self._is_to_be_sent(document):
                is_sent = self._inbox.accept(self._inbox.container, document_of(document), source=Source.RECONCILE)
                self._count.sent += is_sent
                self._last_sent = self._inbox.clock() if is_sent else self._last_sent
        except StorageUnavailableError:
            raise
        except Exception as error:  # raised again, where that is of use, when the others had their turn
            log.exception("document_not_reconciled name=%s etag=%s", document.name, document.etag)
            self._seen.errors.append(error)
        self._count.documents += 1
        self._count.classified += is_classified
        if is_classified and classification is not None and (decision := classification.metadata.get("decision")):
            self._count.accepted += decision == Decision.ACCEPTED
            self._count.review += decision == Decision.REVIEW
        self._count.failed += is_failed
        self._count.missing += not is_classified and not is_failed

    def _is_to_be_sent(self, document: BlobInfo) -> bool:
        if self._horizon is None or document.last_modified > self._horizon:
            return False
        if self._versions is None:
            self._versions = self._reconcile.open_versions()
            if self._versions is None:
                self._horizon = None
                return False
        return (document.name, document.etag) not in self._versions

    def _notice_failures(self, infos: list[BlobInfo]) -> None:
        newest = heapq.nlargest(NEWEST_FAILURES, infos, key=lambda info: info.last_modified)
        known = self._newest_failures | {info.name: newest_failure(info) for info in newest}
        kept = heapq.nlargest(NEWEST_FAILURES, known.values(), key=lambda each: each.failed)
        self._newest_failures = {each.record: each for each in kept}

    def _cursor(
        self,
        store: BlobStore,
        place: str | None,
        *,
        after: str | None = None,
        metadata: bool = True,
        notice: Callable[[list[BlobInfo]], None] = lambda _: None,
    ) -> Cursor:
        def read(token: str | None) -> Page:
            # Among the records of deleted documents, say, there may be no document for many pages.
            if token != place and self._inbox.clock() > self._until:
                raise TimeoutError
            page = store.list_page(token=token, metadata=metadata)
            notice(page.infos)
            return page

        return Cursor(read, place, after)
