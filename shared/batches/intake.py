"""From an upload to its record in one invocation, as long as little is going on.

Of documents accepted at once one sends the wake. Its invocation waits for the linger, collects, and takes the steps of
the one batch it planned: no message of theirs waits for an idle listener. Every message is sent before its work begins,
hidden for as long as that may take: after a crash the queue goes on. In a burst the batches are left to their queue,
so that the work spreads over threads and instances.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.batches.advance import BatchSteps
from shared.batches.collector import Collector
from shared.documents.events import Upload
from shared.documents.inbox import Inbox
from shared.documents.ref import DocumentRef
from shared.durable.steps import Patience
from shared.errors import StorageUnavailableError
from shared.storage.ports import SentMessage

log = logging.getLogger("pigeonhole.intake")

# Nothing is begun in an invocation after this time, and with the last call it ends within 30 seconds.
BEGINS_UNTIL = timedelta(seconds=20)
# A longer linger is left to the wake's own time: no thread is kept for it.
LONGEST_LINGER = timedelta(seconds=10)
# Batches that a process has in hand at the same time; each keeps a thread of the pool.
IN_HAND_AT_ONCE = 4
# While another collector of the process is at work, ours waits for it this long before it leaves the wake to it.
TURN = timedelta(seconds=0.1)
TURNS = 10


@dataclass(frozen=True)
class Intake:
    """Accepts documents, and carries them on while the queues have nothing to add but waiting."""

    inbox: Inbox
    collector: Collector
    batch_steps: BatchSteps
    wait: Callable[[timedelta], None]
    clock: Callable[[], datetime]
    places: threading.Semaphore = field(default_factory=lambda: threading.BoundedSemaphore(IN_HAND_AT_ONCE))

    def accept(self, container: str, document: DocumentRef) -> None:
        """Accept an uploaded document; see Inbox.take_in."""
        began = self.clock()
        if self.inbox.take_in(container, document):
            self._carry_on(began)

    def accept_uploads(self, uploads: Sequence[Upload]) -> None:
        """Accept each on its own. What cannot be accepted raises once the others are: the message is delivered again,
        and repeats are dropped later."""
        began, taken_in = self.clock(), 0
        errors: list[Exception] = []
        for upload in uploads:
            try:
                taken_in += self.inbox.take_in_upload(upload)
            except Exception as error:
                errors.append(error)
        if taken_in:
            self._carry_on(began)
        if errors:
            raise errors[0]

    def collect(self, woken_at: datetime) -> None:
        """A wake was delivered: collect, and take the steps of what was planned alone."""
        self._collect(woken_at, began=self.clock(), wake=None)

    def _carry_on(self, began: datetime) -> None:
        """Look for the documents after the linger, unless a look of this process is ahead. The wake is the net."""
        if self.inbox.linger > LONGEST_LINGER:
            self.inbox.wake()
            return
        wake = self.inbox.wake(hidden=self.inbox.linger + self.collector.longest)
        if wake is None:
            return
        try:
            self._wait_for_turn()
            self._collect(wake.inserted_on, began=began, wake=wake)
        except Exception as error:
            # The documents are accepted, so the event must not come again. The wake's delivery meets the error again.
            log.exception("collect_failed_in_hand: %s", type(error).__name__)

    def _wait_for_turn(self) -> None:
        """Until the linger is over, and a little longer while another collector of the process is at work."""
        try:
            self.wait(self.inbox.linger)
            for _ in range(TURNS):
                if not self.collector.turn.is_taken:
                    return
                self.wait(TURN)
        finally:
            self.inbox.debounce.look_begins()

    def _collect(self, woken_at: datetime, *, began: datetime, wake: SentMessage | None) -> None:
        has_place = self.places.acquire(blocking=False)
        try:
            planned = self.collector.collect(woken_at, in_hand=has_place)
            if wake is not None:
                with suppress(StorageUnavailableError):  # a wake more, that finds nothing
                    self.inbox.collect_queue.delete(wake)
            if planned is None:
                return
            until = began + BEGINS_UNTIL
            if self.clock() > until:
                self.collector.batches.leave(planned)
                return
            self.batch_steps.advance_in_hand(planned, Patience(until, self.wait, self.clock))
        finally:
            if has_place:
                self.places.release()
