"""collect_documents: a wake drains the documents queue into batches.

The order is the guarantee: batch, then its first message, and only then the document messages are deleted. Receiving is
the lock, so any number of collectors compete safely.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from shared.batches.batch import LATE, Batch, BatchDocument, Batches, plan_batch
from shared.documents.inbox import Inbox
from shared.documents.messages import DocumentMessage, Source, WakeMessage
from shared.documents.packing import pack
from shared.documents.ref import MAX_DOCUMENTS_PER_JOB
from shared.durable.dead_letters import DeadLetters
from shared.durable.steps import InHand
from shared.errors import StorageUnavailableError
from shared.storage.ports import QueuedMessage

log = logging.getLogger("pigeonhole.collector")

MAX_ROUNDS = 40
MAX_DURATION = timedelta(seconds=30)
# When storage refuses, the collector looks again this long after what it received is visible again.
AFTER_VISIBILITY = timedelta(seconds=10)
# The most that one call peeks at.
PEEK = 32
# How far storage's clock, or the clock of the process that sent a message, may be ahead of ours.
CLOCKS_DIFFER = timedelta(days=1)
# Versions that a process remembers to have collected.
REMEMBERED = 10_000


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


class Recent:
    """The versions this process collected last: a hint that saves a classification, never a guarantee."""

    def __init__(self) -> None:
        self._versions: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._lock = threading.Lock()

    def has_seen(self, version: tuple[str, str]) -> bool:
        """Whether it was collected before; it is remembered from now on."""
        with self._lock:
            is_known = version in self._versions
            self._versions[version] = None
            if len(self._versions) > REMEMBERED:
                self._versions.popitem(last=False)
            return is_known


class Turn:
    """One collector of a process works at a time; a wake that comes meanwhile is left to it.

    Collectors compete safely, but two of one process that share a queue's last documents make two small batches.
    """

    def __init__(self) -> None:
        self._is_taken = False
        self._left: datetime | None = None
        self._lock = threading.Lock()

    @property
    def is_taken(self) -> bool:
        """A collector is at work."""
        return self._is_taken

    def begin(self, woken_at: datetime) -> bool:
        """False leaves this wake to the collector at work."""
        with self._lock:
            if self._is_taken:
                self._left = woken_at if self._left is None else max(self._left, woken_at)
                return False
            self._is_taken = True
            return True

    def newest(self, woken_at: datetime) -> datetime:
        """`woken_at`, or a later wake that was left. Asked before each look, which then is that wake's too."""
        with self._lock:
            left, self._left = self._left, None
            return woken_at if left is None else max(woken_at, left)

    def end(self) -> bool:
        """End the turn, unless a wake was left after the last look."""
        with self._lock:
            self._is_taken = self._left is not None
            return not self._is_taken

    def give_up(self) -> None:
        """End the turn in any case."""
        with self._lock:
            self._left, self._is_taken = None, False


@dataclass(frozen=True)
class Collector:
    """Drains the inbox.

    `visibility` is how long received messages are hidden: shorter than the host's lock on the wake, so that when a
    crashed collector's wake returns, its documents are visible again. `hidden_in_hand` is how long the message of a
    batch in hand is hidden: longer than host.json lets a function run.
    """

    inbox: Inbox
    batches: Batches
    dead_letters: DeadLetters
    queue_name: str
    visibility: timedelta
    hidden_in_hand: timedelta
    turn: Turn = field(default_factory=Turn)
    recent: Recent = field(default_factory=Recent)

    @property
    def longest(self) -> timedelta:
        """How long a collector's wake must stay hidden, for what it received to be visible when it comes back."""
        return MAX_DURATION + self.visibility + AFTER_VISIBILITY

    def collect(self, woken_at: datetime, *, in_hand: bool = False) -> InHand[Batch] | None:
        """Drain the documents queue. `woken_at` is when this wake was inserted, by the queue's own clock.

        With `in_hand` the only batch of a look is returned, for the caller to take its steps: a full one is a burst,
        and belongs to the queue.
        """
        if not self.turn.begin(woken_at):
            # The collector at work will look once more. If it fails, its own wake comes back and covers this one.
            return None
        deadline = self.inbox.clock() + MAX_DURATION
        planned: InHand[Batch] | None = None
        try:
            planned = self._drain(woken_at, deadline=deadline, in_hand=in_hand)
            while not self.turn.end():
                if planned is not None:
                    # It does not wait for another look.
                    self.batches.leave(planned)
                    planned = None
                if self.inbox.clock() > deadline:
                    # Another wake goes on; before the turn ends, so that this one comes back if it cannot be sent.
                    self.inbox.wake()
                    self.turn.give_up()
                    break
                self._drain(woken_at, deadline=deadline)
        except StorageUnavailableError as error:
            self.turn.give_up()
            # This wake is replaced, so that none is given up on, by one that comes after what was received is visible
            # again: an earlier one would find nothing and send no other.
            delay = self.visibility + AFTER_VISIBILITY
            log.warning("collect_deferred seconds=%d: %s", delay.total_seconds(), error)
            self.inbox.collect_queue.send(WakeMessage(), delay=delay)
        except BaseException:
            self.turn.give_up()
            raise
        return planned

    def _drain(self, woken_at: datetime, *, deadline: datetime, in_hand: bool = False) -> InHand[Batch] | None:
        rest: list[Collected] = []
        waiting, planned = True, 0
        for _ in range(MAX_ROUNDS):
            woken_at = self.turn.newest(woken_at)
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
        in_hand_now = self._plan(rest, in_hand=in_hand and not planned) if rest else None
        if waiting:
            # Without this fresh wake the debounce would strand what arrived after the last one.
            self.inbox.wake()
        return in_hand_now

    def _plan(self, group: list[Collected], *, in_hand: bool = False) -> InHand[Batch] | None:
        """One group becomes a batch and its first message; then its document messages may go."""
        now = self.batches.clock()
        start_in_hand = partial(self.batches.start_in_hand, hidden=self.hidden_in_hand)
        start = start_in_hand if in_hand else self.batches.start
        batch = plan_batch([self._with_what_is_known(each) for each in group], now)
        started = start(batch)
        if not started:
            # An open batch of the very same documents is damaged: they go on in one of another id.
            batch = plan_batch([each.planned.model_copy(update={"requested": now}) for each in group], now)
            started = start(batch)
        self.inbox.fan_out(self.inbox.documents_queue.delete, [each for one in group for each in one.messages])
        log.info("batch_planned batch=%s documents=%d", batch.id, len(group))
        return started if isinstance(started, InHand) else None

    def _with_what_is_known(self, each: Collected) -> BatchDocument:
        """Whether the version was delivered before, as far as its messages and this process know."""
        planned, was_seen = each.planned, self.recent.has_seen(each.version)
        return planned.model_copy(update={"is_first": is_first(each) and not was_seen})

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

    def put_back(self, text: str) -> bool:
        """Send a message once more that was kept as a dead letter; False while it cannot be read."""
        try:
            message = self._document_message(text)
        except ValueError:
            return False
        self.inbox.documents_queue.send(message)
        self.inbox.wake()
        return True

    def _document_message(self, text: str) -> DocumentMessage:
        """Raises ValueError for what is no message of ours. The name decides which blob is read, so it is checked."""
        message = DocumentMessage.model_validate_json(text)
        if not self.inbox.is_watched(message.document.name, container=message.container):
            raise ValueError("not a document of the documents container")
        times = [message.document.last_modified, *filter(None, [message.requested])]
        if max(times) > self.inbox.clock() + CLOCKS_DIFFER:
            # Its record would outlive those of every version to come.
            raise ValueError("a version of the future")
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


def is_first(each: Collected) -> bool:
    """Does nothing in its messages say that this version was, or will be, delivered another time?"""
    return (
        each.planned.source is Source.EVENT
        and len(each.messages) == 1
        and each.messages[0].dequeue_count == 1
        and each.messages[0].inserted_on - each.planned.document.last_modified < LATE
    )


_ASKED_FOR = {Source.FAILED: 1, Source.REDRIVE: 2}


def _asks_for_more(source: Source, *, than: Source) -> bool:
    return _ASKED_FOR.get(source, 0) > _ASKED_FOR.get(than, 0)


def deduplicate(rest: list[Collected], arrived: Iterable[Collected]) -> list[Collected]:
    """Drop repeats of name and ETag but keep all their messages; a request to redrive wins over an event."""
    by_version = {each.version: each for each in rest}
    for each in arrived:
        first = by_version.setdefault(each.version, each)
        if first is not each:
            first.messages += each.messages
            if _asks_for_more(each.planned.source, than=first.planned.source):
                first.planned = each.planned
    return list(by_version.values())
