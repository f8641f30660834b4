"""Open and closed batches, in short and in full."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from shared.batches.batch import SEARCHED_DAYS, Batch, BatchDocument, Batches, BatchFacts, JobReference
from shared.durable.record import Deferral, Event
from shared.durable.store import Listed, newest_days
from shared.language.values import ModelRef
from shared.reports.bodies import Body
from shared.reports.status import RECENT

LISTED_DAYS = 7
LISTED_OPEN = 1_000
CLOSED = "closed"


class BatchSummary(Body):
    """One line of GET /api/batches. `due` is null for closed batches, `closed` for open ones."""

    id: str
    state: str
    documents: int
    created: datetime | None
    due: datetime | None = None
    closed: datetime | None = None
    waiting_for_model: bool = False


class BatchList(Body):
    """GET /api/batches: open batches, then the newest closed ones. `listed_all` is false when more are open,
    `searched_all` when a day has more closed batches than were searched for the newest: 5,000, the first by id."""

    batches: list[BatchSummary]
    listed_all: bool
    searched_all: bool


class BatchBody(Body):
    """GET /api/batches/{id}: everything stored of a batch. `state` is planned, submitted or closed."""

    id: str
    state: str
    created: datetime
    due: datetime
    api_version: str | None
    model: ModelRef | None
    waiting: str | None
    deferred: Deferral | None
    failing: str | None
    dead_letters: int
    documents: list[BatchDocument]
    jobs: list[JobReference]
    history: list[Event]


@dataclass(frozen=True)
class BatchReport:
    """Looks up batches."""

    batches: Batches

    def list(self) -> BatchList:
        opened = [_summary(each) for each in islice(self.batches.store.list_open(), LISTED_OPEN + 1)]
        days = newest_days(self.batches.clock(), LISTED_DAYS)
        closed, searched_all = self.batches.store.list_closed(RECENT, days)
        return BatchList(
            batches=[*opened[:LISTED_OPEN], *(_summary(each, is_closed=True) for each in closed)],
            listed_all=len(opened) <= LISTED_OPEN,
            searched_all=searched_all,
        )

    def find(self, batch_id: str) -> BatchBody | None:
        """A batch with its history, open or closed in the last 30 days; None for what no batch was ever called."""
        if not re.fullmatch(r"[0-9a-f]{32}", batch_id):
            return None
        stored = self.batches.store.find(batch_id)
        if stored is not None:
            return _body(stored.record, state=stored.record.state)
        batch = self.batches.store.find_closed(batch_id, newest_days(self.batches.clock(), SEARCHED_DAYS))
        return _body(batch, state=CLOSED) if batch else None


def _body(batch: Batch, *, state: str) -> BatchBody:
    members = {name: getattr(batch, name) for name in BatchBody.model_fields if name != "state"}
    return BatchBody(**members, state=state)


def _summary(listed: Listed[BatchFacts], *, is_closed: bool = False) -> BatchSummary:
    facts = listed.facts
    state = CLOSED if is_closed else facts.state.value if facts else "unreadable"
    return BatchSummary(
        id=listed.id,
        state=state,
        documents=facts.documents if facts else 0,
        created=facts.created if facts else None,
        due=facts.due if facts and not is_closed else None,
        closed=listed.last_modified if is_closed else None,
        waiting_for_model=bool(facts and facts.waiting and not is_closed),
    )
