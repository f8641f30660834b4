"""Messages that nothing can be done with are kept as they came, with the reason. Even a bug loses nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.durable.record import STEP_ALLOWANCE, Facts, Record
from shared.durable.steps import Done, StepQueue
from shared.durable.store import Stored
from shared.errors import BlobNotFoundError, BlobUnreadableError, RaceLostError
from shared.messages import StepMessage
from shared.storage.ports import BlobInfo, BlobStore, Page

log = logging.getLogger("pigeonhole.dead_letters")

FOLDER = "dead-letters/"
# A step whose process died, or whose end could not be written, is tried again after 5, 15 and 45 minutes.
MAX_REVIVALS = 3
FIRST_REVIVAL = timedelta(minutes=5)

R = TypeVar("R", bound=Record)
F = TypeVar("F", bound=Facts)


class DeadLetter(BaseModel):
    """A message as it is kept. `body` is its text, or what lay in the queue where that was no text."""

    model_config = ConfigDict(defer_build=True, extra="ignore", populate_by_name=True)

    schema_version: Annotated[Literal[1], Field(alias="schema")]
    queue: str
    id: str
    reason: str
    body: str

    @property
    def text(self) -> str:
        """The body as its sender wrote it; queues hold it in base64."""
        try:
            return base64.b64decode(self.body, validate=True).decode()
        except ValueError:
            return self.body


class DeadLetters:
    """Keeps messages below `dead-letters/QUEUE/` of a container."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs

    def keep(self, *, queue: str, message_id: str, body: str, reason: str) -> str:
        """Keep a message's body; returns the blob's name. The same message is kept once."""
        name = f"{FOLDER}{queue}/{_safe(message_id, body=body)}.json"
        letter = {"schema": 1, "queue": queue, "id": message_id, "reason": reason, "body": body}
        self._blobs.put(name, json.dumps(letter, ensure_ascii=False).encode(), metadata={"queue": queue})
        log.error("dead_letter_kept queue=%s id=%s blob=%s: %s", queue, message_id, name, reason)
        return name

    def list_page(self, queue: str | None, *, token: str | None) -> Page:
        """One page of what is kept of a queue, or of all; see BlobStore.list_page."""
        return self._blobs.list_page(_prefix(queue), token=token)

    def count(self, queue: str | None) -> int:
        """One call for each 5,000."""
        return sum(1 for _ in self._blobs.list(_prefix(queue)))

    def read(self, name: str) -> DeadLetter | None:
        """None where it is gone, or is no dead letter of ours."""
        try:
            return DeadLetter.model_validate_json(self._blobs.read(name).data)
        except (BlobNotFoundError, BlobUnreadableError, ValidationError) as error:
            log.warning("dead_letter_unreadable blob=%s: %s", name, type(error).__name__)
            return None

    def remove(self, info: BlobInfo) -> None:
        """What was put back is kept no longer; a letter kept anew under the same name stays."""
        self._blobs.delete(info.name, etag=info.etag)


def _prefix(queue: str | None) -> str:
    return f"{FOLDER}{queue}/" if queue else FOLDER


def _safe(message_id: str, *, body: str) -> str:
    """The id as part of a blob name. The host lets a body's own `id` replace the message's, so it may be anything."""
    if re.fullmatch(r"[A-Za-z0-9-]{1,64}", message_id):
        return message_id
    return hashlib.sha256(body.encode()).hexdigest()[:32]


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
