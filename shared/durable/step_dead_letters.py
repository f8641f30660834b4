"""What becomes of a step that the host gave up on: its message is kept, and its record is revived or ended."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

from pydantic import ValidationError

from shared.durable.dead_letters import DeadLetters
from shared.durable.record import STEP_ALLOWANCE, Facts, Record
from shared.durable.steps import Done, StepQueue
from shared.durable.store import Stored
from shared.errors import RaceLostError
from shared.messages import StepMessage

log = logging.getLogger("pigeonhole.dead_letters")

# A step whose process died, or whose end could not be written, is tried again after 5, 15 and 45 minutes.
MAX_REVIVALS = 3
FIRST_REVIVAL = timedelta(minutes=5)

R = TypeVar("R", bound=Record)
F = TypeVar("F", bound=Facts)


@dataclass(frozen=True)
class StepDeadLetters(Generic[R, F]):
    """What happens when the host gave up on a step's message: it is kept, and its record is revived or ended.

    A bug is named in the record (`failing`): it would fail again, so the record is ended with the reason. Without it
    the process died or storage was away, which is not the documents' doing: the step is tried again, MAX_REVIVALS
    times before it is taken for the cause of the deaths.
    `give_up` ends a record; `close` is the record's own close, as in `steps.advance`.
    """

    steps: StepQueue[R, F]
    dead_letters: DeadLetters
    queue_name: str
    give_up: Callable[[Stored[R], str], Done[R]]
    close: Callable[[Stored[R]], None]

    def handle(self, message_id: str, *, body: str) -> None:
        kind = self.steps.kind
        reason = f"a step of the {kind} failed five times"
        kept = self.dead_letters.keep(queue=self.queue_name, message_id=message_id, body=body, reason=reason)
        try:
            message = StepMessage.model_validate_json(body)
        except ValidationError:
            return
        # One that cannot be read is left for people; reconcile sends its documents again, for they have no record.
        stored = self.steps.store.find_readable(message.id)
        if stored is None:
            return
        record = stored.record
        if not record.is_ended:
            if record.failing is None and record.dead_letters < MAX_REVIVALS:
                self._revive(stored, reason)
                return
            cause = f" ({record.failing})" if record.failing else ""
            stored = self.give_up(stored, f"{reason}{cause}; see {kept} and the log").stored
        self.close(stored)

    def put_back(self, text: str) -> bool:
        """Send the message of a record that is still open once more. False where there is nothing it could drive."""
        try:
            message = StepMessage.model_validate_json(text)
        except ValidationError:
            return False
        stored = self.steps.store.find_readable(message.id)
        if stored is None:
            return False
        if stored.record.failing is not None or stored.record.dead_letters:
            # What failed was put right, or the letter would not be put back: the step has all its tries again.
            with suppress(RaceLostError):
                self.steps.store.save(stored.change(failing=None, dead_letters=0))
        self.steps.send(message.id)
        return True

    def _revive(self, stored: Stored[R], reason: str) -> None:
        """The message first: only a revival that took place is counted, and a repeat is one message more."""
        record, now = stored.record, self.steps.clock()
        delay = FIRST_REVIVAL * 3**record.dead_letters
        what = f"{reason}, and no error of its own was seen; tried again in {delay.total_seconds() / 60:.0f} minutes"
        # As after a failure: the step first sees that the record can be written.
        self.steps.queue.send(StepMessage(id=record.id, failures_in_a_row=1), delay=delay)
        try:
            self.steps.store.save(
                stored.note(now, what, dead_letters=record.dead_letters + 1, due=now + delay + STEP_ALLOWANCE)
            )
        except RaceLostError:
            log.info("race_lost %s=%s: another message goes on with it", self.steps.kind, record.id)
            return
        log.warning("%s_revived id=%s: %s", self.steps.kind, record.id, what)
