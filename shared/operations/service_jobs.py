"""What the steps of operations share: starting a job of the service once, waiting for it, going on and ending."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from shared.durable.steps import Done, Next, NotReady, StepNow
from shared.durable.store import Stored
from shared.errors import LanguageBusyError, LanguageConflictError
from shared.language.apis.base import Call
from shared.language.authoring_values import AuthoringJob
from shared.language.client import LanguageClient
from shared.language.values import TERMINAL, LroStatus, ServiceError
from shared.operations.operation import (
    Operation,
    OperationQueue,
    OperationRecord,
    OperationState,
    Reclassify,
    RedriveDeadLetters,
)
from shared.storage.ports import Page

O = TypeVar("O", bound=Operation)  # noqa: E741 - one letter, as type variables are named here
L = TypeVar("L", Reclassify, RedriveDeadLetters)


def start_job(language: LanguageClient, operation: OperationRecord, call: Call[str]) -> str:
    """POST a job and return its id. Raises LanguageBusyError while the service is busy with another in the project."""
    try:
        return language.send(call)
    except LanguageConflictError as error:
        raise LanguageBusyError(f"project {operation.project!r} is busy with something else: {error}") from error


def intend(steps: OperationQueue, stored: Stored[O]) -> Stored[O]:
    """Save the intent of the present step before its act, once."""
    if stored.record.step in stored.record.intents:
        return stored
    now = steps.clock()
    return steps.store.save(stored.evolve(now, "begins", intents={**stored.record.intents, stored.record.step: now}))


def or_gone(job: AuthoringJob | None) -> AuthoringJob:
    """A job that the service no longer lists has failed."""
    gone = ServiceError("NotFound", "the service no longer lists it")
    return job or AuthoringJob("", LroStatus.FAILED, (gone,))


def page_done(
    steps: OperationQueue, stored: Stored[L], page: Page, *, sent: int, skipped: int, done: str, left: str
) -> Next[Operation]:
    """A page of a listing is worked off: the next one, or the end. `done` and `left` say what became of its entries."""
    operation, now = stored.record, steps.clock()
    progress = operation.progress(page, sent=sent, skipped=skipped)
    what = f"{done} {progress['sent']} of {operation.total}"
    if progress["skipped"]:
        what += f", {left.format(progress['skipped'])}"
    if page.token is None:
        return ended(stored.change(**progress), now, OperationState.SUCCEEDED, what)
    return StepNow(stored.evolve(now, what, **progress))


def wait_for(
    steps: OperationQueue,
    stored: Stored[O],
    job: AuthoringJob,
    *,
    what: str,
    then: Callable[[Stored[O]], Next[Operation]],
) -> Next[Operation]:
    """Poll again, go on with `then` when the job succeeded, or end as the job did. `what` names it in the reason."""
    if job.status not in TERMINAL:
        return poll_again(steps, stored, percent=job.percent)
    if job.status is LroStatus.SUCCEEDED:
        return then(stored)
    state = OperationState.CANCELLED if job.status is LroStatus.CANCELLED else OperationState.FAILED
    reason = f"{what} {job.status}: {errors_text(job.errors)}; {stored.record.aftermath}"
    return ended(stored, steps.clock(), state, reason, job.errors)


def poll_again(steps: OperationQueue, stored: Stored[O], *, percent: int | None = None) -> NotReady[Operation]:
    """The same step again by the schedule; a new percentage is saved."""
    if percent is not None and percent != stored.record.percent:
        stored = steps.store.save(stored.change(percent=percent))
    return NotReady(stored, since=stored.record.entered)


def ended(
    stored: Stored[O], now: datetime, state: OperationState, reason: str, errors: tuple[ServiceError, ...] = ()
) -> Done[Operation]:
    """End the operation with its reason, and the service's errors as it gave them."""
    return Done(stored.evolve(now, reason, **stored.record.ending(now, state, reason, errors)))


def errors_text(errors: tuple[ServiceError, ...]) -> str:
    return "; ".join(f"{error.code}: {error.message}" for error in errors) or "no error was given"
