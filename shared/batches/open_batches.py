"""Questions about open batches that need more than one of them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from shared.batches.batch import Batches, BatchFacts
from shared.concurrency import FanOut
from shared.documents.reconcile import Versions
from shared.durable.store import Listed

# Some 50,000 documents: reading their batches takes seconds. With more, the pipeline has a backlog.
FEW = 2_000


def open_versions(batches: Batches, fan_out: FanOut) -> Versions:
    """The versions that open batches hold. Reads every one of them; what cannot be read holds nothing."""
    return _versions(batches, fan_out, batches.store.list_open())


def open_versions_of_few(batches: Batches, fan_out: FanOut) -> Versions | None:
    """As `open_versions`; None when more than FEW batches are open, which are not read."""
    listed = list(islice(batches.store.list_open(), FEW + 1))
    return None if len(listed) > FEW else _versions(batches, fan_out, listed)


def _versions(batches: Batches, fan_out: FanOut, listed: Iterable[Listed[BatchFacts]]) -> Versions:
    stored = fan_out(lambda each: batches.store.find_readable(each.id), listed)
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
