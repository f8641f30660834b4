"""Messages that nothing can be done with are kept as they came, with the reason. Even a bug loses nothing."""

from __future__ import annotations

import hashlib
import json
import logging
import re

from shared.storage.ports import BlobStore

log = logging.getLogger("pigeonhole.dead_letters")

FOLDER = "dead-letters/"


class DeadLetters:
    """Keeps messages below `dead-letters/QUEUE/` of a container."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs

    def keep(self, *, queue: str, message_id: str, body: str, reason: str) -> str:
        """Keep a message's body; returns the blob's name. The same message is kept once."""
        name = f"{FOLDER}{queue}/{_safe(message_id, body)}.json"
        letter = {"schema": 1, "queue": queue, "id": message_id, "reason": reason, "body": body}
        self._blobs.put(name, json.dumps(letter, ensure_ascii=False).encode(), metadata={"queue": queue})
        log.error("dead_letter_kept queue=%s id=%s blob=%s: %s", queue, message_id, name, reason)
        return name


def _safe(message_id: str, body: str) -> str:
    """The id as part of a blob name. The host lets a body's own `id` replace the message's, so it may be anything."""
    if re.fullmatch(r"[A-Za-z0-9-]{1,64}", message_id):
        return message_id
    return hashlib.sha256(body.encode()).hexdigest()[:32]
