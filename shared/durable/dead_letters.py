"""Messages that nothing can be done with are kept as they came, with the reason. Even a bug loses nothing."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import ValidationError

from shared.durable.record import Facts, Record
from shared.durable.steps import Done, StepQueue
from shared.durable.store import Stored
from shared.messages import StepMessage
from shared.storage.ports import BlobStore

log = logging.getLogger("pigeonhole.dead_letters")

FOLDER = "dead-letters/"

R = TypeVar("R", bound=Record)
F = TypeVar("F", bound=Facts)


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


def _safe(message_id: str, *, body: str) -> str:
    """The id as part of a blob name. The host lets a body's own `id` replace the message's, so it may be anything."""
    if re.fullmatch(r"[A-Za-z0-9-]{1,64}", message_id):
        return message_id
    return hashlib.sha256(body.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class StepDeadLetters(Generic[R, F]):
    """What happens when the host gave up on a step's message: it is kept, and its record is ended with the reason.

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
        try:
            stored = self.steps.store.find(message.id)
        except ValidationError:
            log.error("%s_unreadable id=%s: see its blob in the pipeline container", kind, message.id)
            return
        if stored is None:
            return
        if not stored.record.is_ended:
            stored = self.give_up(stored, f"{reason}; see {kept} and the log").stored
        self.close(stored)
