"""Why batches wait, as status and health say it: by the open batch that was planned first."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from shared.batches.batch import Batches, BatchFacts
from shared.durable.store import Listed
from shared.reports.bodies import Body


class Waiting(Body):
    """Why nothing can be submitted, and since when that batch has waited."""

    since: datetime | None
    why: str
    batch: str


def find_waiting(batches: Batches, listed: Iterable[Listed[BatchFacts]], *, refused: bool = False) -> Waiting | None:
    """What the oldest waiting batch waits for; with `refused`, the oldest whose every request the service refuses."""
    waiting = [each for each in listed if each.facts and (each.facts.refused if refused else each.facts.waiting)]
    oldest = sorted(waiting, key=lambda each: each.facts.created if each.facts else each.last_modified)
    for each in oldest[:1]:
        stored = batches.store.find_readable(each.id)
        if stored is not None and stored.record.waiting is not None:
            return Waiting(since=stored.record.waiting_since, why=stored.record.waiting, batch=each.id)
    return None
