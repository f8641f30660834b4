"""The net under lost messages: open records past their due time get a new one."""

from __future__ import annotations

import logging
from typing import TypeVar

from shared.concurrency import FanOut
from shared.durable.record import STEP_ALLOWANCE, Facts, Record
from shared.durable.steps import StepQueue
from shared.durable.store import Listed
from shared.errors import RaceLostError

log = logging.getLogger("pigeonhole.sweep")

R = TypeVar("R", bound=Record)
F = TypeVar("F", bound=Facts)


def revive_stalled(steps: StepQueue[R, F], fan_out: FanOut) -> int:
    """Send a message to every stalled record; returns how many. One listing, and three calls for each of them."""
    now = steps.clock()
    stalled = [each for each in steps.store.list_open() if each.facts is None or each.facts.is_stalled(now)]
    outcomes = fan_out(lambda each: _try_to_revive(steps, each), stalled)
    errors = [each for each in outcomes if isinstance(each, Exception)]
    if errors:
        raise errors[0]
    return sum(each for each in outcomes if isinstance(each, int))


def _try_to_revive(steps: StepQueue[R, F], listed: Listed[F]) -> int | Exception:
    """How many messages were sent, or the error of this one record, which leaves the others alone."""
    try:
        return _revive(steps, listed)
    except Exception as error:  # raised again when all have had their turn
        log.exception("revival_failed %s=%s", steps.kind, listed.id)
        return error


def _revive(steps: StepQueue[R, F], listed: Listed[F]) -> int:
    stored = steps.store.find_readable(listed.id)
    if stored is None:
        return 0
    now = steps.clock()
    # The message first: a crash before the save leaves it stalled, and the next sweep sees it again.
    steps.send(listed.id)
    try:
        steps.store.save(stored.note(now, "stalled; revived by the sweep", due=now + STEP_ALLOWANCE))
    except RaceLostError:
        log.info("race_lost %s=%s: it moved on while it was revived", steps.kind, listed.id)
    log.warning("%s_revived id=%s due=%s", steps.kind, listed.id, stored.record.due.isoformat())
    return 1
