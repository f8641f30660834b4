"""Messages nobody can act on: kept under pipeline/poison/ as they came, with the reason; a bug loses nothing."""

from __future__ import annotations

import hashlib
import json
import logging
import re

from shared.pipeline.context import Pipeline

log = logging.getLogger("pigeonhole.poison")

POISON = "poison/"


def park(pipeline: Pipeline, queue: str, message_id: str, body: str, reason: str) -> str:
    """Keep a message's body; returns the blob's name. The same message parks once."""
    name = f"{POISON}{queue}/{_safe(message_id, body)}.json"
    entry = {"schema": 1, "queue": queue, "id": message_id, "reason": reason, "body": body}
    pipeline.state.put(name, json.dumps(entry, ensure_ascii=False).encode(), metadata={"queue": queue})
    log.error("message_parked queue=%s id=%s kept=%s: %s", queue, message_id, name, reason)
    return name


def _safe(message_id: str, body: str) -> str:
    """The id as a blob name. The host lets a body's own `id` replace the message's, so it may be anything."""
    if re.fullmatch(r"[A-Za-z0-9-]{1,64}", message_id):
        return message_id
    return hashlib.sha256(body.encode()).hexdigest()[:32]
