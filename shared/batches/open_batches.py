"""Questions about open batches that need more than one of them."""

from __future__ import annotations

from shared.batches.batch import Batches
from shared.concurrency import FanOut
from shared.documents.reconcile import Versions


def open_versions(batches: Batches, fan_out: FanOut) -> Versions:
    """The versions that open batches hold. Reads every one of them; what cannot be read holds nothing."""
    stored = fan_out(lambda listed: batches.store.find_readable(listed.id), batches.store.list_open())
    return {
        (planned.document.name, planned.document.etag)
        for each in stored
        if each is not None
        for _, planned in each.record.open_documents
    }


def wake_waiting(batches: Batches, fan_out: FanOut) -> int:
    """Send a message to every batch that waits for a model; their delayed ones find nothing left to do."""
    waiting = [each.id for each in batches.store.list_open() if each.facts and each.facts.waiting]
    fan_out(batches.send, waiting)
    return len(waiting)
