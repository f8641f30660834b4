"""Questions about open batches that need more than one of them."""

from __future__ import annotations

from itertools import islice

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


# Some 50,000 documents: reading their batches takes seconds. With more, the pipeline has a backlog.
FEW = 2_000


def open_versions_of_few(batches: Batches, fan_out: FanOut) -> Versions | None:
    """As `open_versions`; None when more than FEW batches are open, which are not read."""
    is_few = len(list(islice(batches.store.list_open(), FEW + 1))) <= FEW
    return open_versions(batches, fan_out) if is_few else None


def wake_waiting(batches: Batches, fan_out: FanOut) -> int:
    """Send a message to every batch that waits for a model; their delayed ones find nothing left to do."""
    waiting = [each.id for each in batches.store.list_open() if each.facts and each.facts.waiting]
    fan_out(batches.send, waiting)
    return len(waiting)
