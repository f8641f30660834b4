"""Messages nobody can act on: kept under pipeline/poison/ as they came, with the reason; a bug loses nothing."""

from __future__ import annotations

import json
import logging

from shared.pipeline.context import Pipeline

log = logging.getLogger("pigeonhole.poison")

POISON = "poison/"


def park(pipeline: Pipeline, queue: str, message_id: str, body: str, reason: str) -> str:
    """Keep a message's body; returns the blob's name. The same message parks once."""
    name = f"{POISON}{queue}/{message_id}.json"
    entry = {"schema": 1, "queue": queue, "id": message_id, "reason": reason, "body": body}
    pipeline.state.put(name, json.dumps(entry, ensure_ascii=False).encode(), metadata={"queue": queue})
    log.error("message_parked queue=%s id=%s kept=%s: %s", queue, message_id, name, reason)
    return name
