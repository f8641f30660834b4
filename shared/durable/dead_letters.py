"""Messages that nothing can be done with are kept as they came, with the reason. Even a bug loses nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.errors import BlobNotFoundError, BlobUnreadableError
from shared.storage.ports import BlobInfo, BlobStore, Page

log = logging.getLogger("pigeonhole.dead_letters")

FOLDER = "dead-letters/"


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
