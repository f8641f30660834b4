"""Where everything is: counts, queue lengths, the oldest waiting document, recent failures, and the model in use."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import TypeVar

from shared.batches.batch import Batches, BatchFacts, BatchState
from shared.documents.inbox import Inbox
from shared.documents.reconcile import read_totals
from shared.documents.records import Records
from shared.documents.walk import Totals, newest_failure
from shared.durable.store import Listed
from shared.errors import StateUnreadableError
from shared.language.apis.base import Api
from shared.language.values import ProjectKind
from shared.models.acceptance import Acceptance, Audited, FindsAudited, Right, nothing_audited
from shared.models.active_model import ActiveModelRecord, ActiveModelStore
from shared.models.promise import why_nothing_is_accepted
from shared.models.statistics import lower_bound, upper_bound
from shared.reports.bodies import LISTED, Body
from shared.reports.waiting import Waiting, find_waiting
from shared.reports.waits import WaitBody, Waits, waits_of
from shared.storage.ports import BlobStore

T = TypeVar("T")

RECENT = 20
THROUGHPUT_OVER = timedelta(hours=1)
NOT_SHOWN = {"schema_version", "newest_failures", "accepted", "review"}
# Failure records that are searched for the newest: names have no order in time.
SEARCHED_FAILURES = 500
EXPIRY_WARNING_DAYS = 30


class TotalsBody(Body):
    """What the last walk of reconcile counted, from `began` to `as_of`; `missing` had no record for their ETag."""

    as_of: datetime
    began: datetime | None
    documents: int
    classified: int
    failed: int
    missing: int
    sent: int
    last_sent: datetime | None


class BatchCount(Body):
    """Open batches in one state, and the documents in them."""

    batches: int = 0
    documents: int = 0


class BatchCounts(Body):
    """`listed_all` is false when there are more open batches than were counted."""

    planned: BatchCount
    submitted: BatchCount
    waiting_for_model: BatchCount
    listed_all: bool


class QueueLengths(Body):
    """Messages, hidden ones included; approximate, as Azure counts them."""

    documents: int
    collect: int
    batches: int


class Throughput(Body):
    """Batches closed within the last hour, and the documents in them. `listed_all` is false when a day has more closed
    batches than were searched."""

    batches: int
    documents: int
    listed_all: bool


class RecentFailure(Body):
    """A failure record by its blob's name."""

    record: str
    code: str | None
    batch: str | None
    failed: datetime


class ActiveModelBody(Body):
    """The model in use. `expires` is when its deployment ends, `held_until` is set while models are being switched."""

    project: str
    kind: ProjectKind
    reference: str
    label: str
    api_version: str | None
    published: datetime | None = None
    operation: str | None = None
    expires: date | None = None
    held_until: datetime | None = None
    warning: str | None = None


class PrecisionInUse(Body):
    """`right` of the accepted classifications that were audited `since` then. Of all accepted ones a share between
    `low` and `high` is right, at the confidence that the project asks for."""

    right: int
    of: int
    low: float
    high: float
    since: datetime


class AcceptanceBody(Body):
    """What is promised of the model in use: classifications from `threshold` on are accepted, and right in `precision`
    of all cases, which was shown with `confidence` on `documents` golden documents.

    Without a threshold all go to review: `warning` says why, and about how many golden documents a promise takes
    `documents_needed`, where there is hope for one. `accepted` and `review` count the classifications of current
    versions as the last walk of reconcile found them; they are null before its first has ended. `precision_in_use` is
    null until one was audited.
    """

    threshold: float | None
    precision: float
    confidence: float
    right: Right
    documents: int
    documents_needed: int | None
    accepted: int | None
    review: int | None
    precision_in_use: PrecisionInUse | None
    warning: str | None


class PipelineStatus(Body):
    """GET /api/status.

    `documents` is null before the first walk of reconcile has ended, `active_model` when no model is in use,
    `acceptance` when its project asks for no precision, `waiting` when no batch waits for a model.
    `searched_all_failures` is false when there are more failure records than were searched for the newest: then it was
    the first 500 by name, and those that the last walk of reconcile found the newest.
    `throughput` is null while batches wait, as `waiting` says.
    `problems` names blobs of the app's own that cannot be read, with what to do.
    """

    as_of: datetime
    documents: TotalsBody | None
    batches: BatchCounts
    waiting: Waiting | None
    queues: QueueLengths
    throughput: Throughput | None
    oldest_waiting: datetime | None
    recent_failures: list[RecentFailure]
    searched_all_failures: bool
    active_model: ActiveModelBody | None
    acceptance: AcceptanceBody | None
    waits: list[WaitBody]
    problems: list[str]


@dataclass(frozen=True)
class StatusReport:
    """A snapshot: queues and open batches live, totals as the last reconcile counted them."""

    inbox: Inbox
    batches: Batches
    records: Records
    state: BlobStore
    active_model: ActiveModelStore
    waits: Waits
    clock: Callable[[], datetime]
    audited: FindsAudited = nothing_audited

    def __call__(self) -> PipelineStatus:
        listed = list(islice(self.batches.store.list_open(), LISTED))
        problems: list[str] = []
        totals = _or_none(lambda: read_totals(self.state), problems)
        active_model, record = _or_none(self._find_model, problems) or (None, None)
        audited = _or_none(lambda: self._find_audited(record), problems)
        acceptance = record.acceptance if record else None
        failures, searched_all = recent_failures(self.records, totals)
        waiting = find_waiting(self.batches, listed)
        queues = QueueLengths(
            documents=self.inbox.documents_queue.length(),
            collect=self.inbox.collect_queue.length(),
            batches=self.batches.queue.length(),
        )
        return PipelineStatus(
            as_of=self.clock(),
            documents=TotalsBody(**totals.model_dump(exclude=NOT_SHOWN)) if totals else None,
            batches=count_batches(listed),
            waiting=waiting,
            queues=queues,
            # Not asked for while nothing can be submitted: one call less, and its answer would say little.
            throughput=None if waiting else throughput(self.batches),
            oldest_waiting=oldest_waiting(self.inbox.oldest_waiting() if queues.documents else None, listed),
            recent_failures=failures,
            searched_all_failures=searched_all,
            active_model=active_model,
            acceptance=describe_acceptance(acceptance, totals, audited) if acceptance else None,
            waits=[*waits_of("batches", listed), *self.waits.of_operations(), *self.waits.of_language(*Api)],
            problems=problems,
        )

    def _find_model(self) -> tuple[ActiveModelBody | None, ActiveModelRecord | None]:
        """What is in use, and its record where it was published. Raises StateUnreadableError."""
        record = self.active_model.find_record()
        if record is not None:
            return describe_active_model(record, self.clock().date()), record
        from_settings = self.active_model.from_settings
        return (ActiveModelBody(**from_settings.model_dump()) if from_settings else None), None

    def _find_audited(self, record: ActiveModelRecord | None) -> Audited | None:
        if record is None or record.acceptance is None or record.acceptance.threshold.threshold is None:
            return None  # what is not accepted is not audited
        model, rule = record.model, record.acceptance.rule.right
        return self.audited(model.project, model=model.label, since=record.published, rule=rule)


def describe_acceptance(acceptance: Acceptance, totals: Totals | None, audited: Audited | None) -> AcceptanceBody:
    rule, basis = acceptance.rule, acceptance.threshold
    return AcceptanceBody(
        **dict(rule),
        threshold=basis.threshold,
        documents=basis.documents,
        documents_needed=basis.documents_needed,
        accepted=totals.accepted if totals else None,
        review=totals.review if totals else None,
        precision_in_use=precision_in_use(audited, confidence=rule.confidence) if audited else None,
        warning=why_nothing_is_accepted(basis),
    )


def precision_in_use(audited: Audited, *, confidence: float) -> PrecisionInUse | None:
    """With the bounds of Clopper and Pearson; None while nothing was audited."""
    if audited.of == 0:
        return None
    each_side = 1 - (1 - confidence) / 2
    return PrecisionInUse(
        right=audited.right,
        of=audited.of,
        low=lower_bound(audited.right, of=audited.of, confidence=each_side),
        high=upper_bound(audited.right, of=audited.of, confidence=each_side),
        since=audited.since,
    )


def _or_none(read: Callable[[], T | None], problems: list[str]) -> T | None:
    """What `read` gives; None, and a line more in `problems`, when it cannot be read."""
    try:
        return read()
    except StateUnreadableError as error:
        problems.append(str(error))
        return None


def count_batches(listed: list[Listed[BatchFacts]]) -> BatchCounts:
    """Open batches by what they wait for. One whose facts cannot be read counts as planned, with no documents."""
    counts = {state: [0, 0] for state in ("planned", "submitted", "waiting_for_model")}
    for each in listed:
        state = each.facts.state.value if each.facts else BatchState.PLANNED.value
        if each.facts and each.facts.waiting:
            state = "waiting_for_model"
        counts[state][0] += 1
        counts[state][1] += each.facts.documents if each.facts else 0
    return BatchCounts(
        **{state: BatchCount(batches=found[0], documents=found[1]) for state, found in counts.items()},
        listed_all=len(listed) < LISTED,
    )


def throughput(batches: Batches) -> Throughput:
    """Of the last hour. One call for each 5,000 batches of a day, and of the day before while that reaches into it."""
    since = batches.clock() - THROUGHPUT_OVER
    days = [batches.clock().date(), *([since.date()] if since.date() < batches.clock().date() else [])]
    listed, listed_all = batches.store.list_closed(LISTED, days)
    lately = [each for each in listed if each.last_modified > since]
    return Throughput(
        batches=len(lately),
        documents=sum(each.facts.documents for each in lately if each.facts),
        listed_all=listed_all,
    )


def oldest_waiting(queued: datetime | None, open_batches: list[Listed[BatchFacts]]) -> datetime | None:
    """When the oldest document began to wait: when the first one was `queued`, or when its open batch was planned."""
    created = [each.facts.created if each.facts else each.last_modified for each in open_batches]
    return min(created if queued is None else [queued, *created], default=None)


def recent_failures(records: Records, totals: Totals | None) -> tuple[list[RecentFailure], bool]:
    """The newest failure records, one call; False when there are more than SEARCHED_FAILURES, so that the last walk
    says which of them were the newest."""
    page = records.failures.list_page(limit=SEARCHED_FAILURES)
    found = {info.name: newest_failure(info) for info in page.infos}
    if page.token is not None and totals is not None:
        found = {each.record: each for each in totals.newest_failures} | found
    newest = heapq.nlargest(RECENT, found.values(), key=lambda each: each.failed)
    return [RecentFailure(**each.model_dump()) for each in newest], page.token is None


def describe_active_model(record: ActiveModelRecord, today: date) -> ActiveModelBody:
    """The published model, with a warning 30 days before its deployment expires."""
    left = record.days_left(today)
    warning = None
    if left is not None and left <= EXPIRY_WARNING_DAYS:
        expires = f"expires in {left} days" if left > 0 else f"expired on {record.expires}"
        warning = f"its deployment {expires}; retrain and publish" + (f" before {record.expires}" if left > 0 else "")
    return ActiveModelBody(
        **record.model.model_dump(),
        published=record.published,
        operation=record.operation,
        expires=record.expires,
        held_until=record.held_until,
        warning=warning,
    )
