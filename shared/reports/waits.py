"""What the app waits for, and until when: as the open records say it, for all instances, and as this process met it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TypeVar

from shared.durable.record import Facts
from shared.durable.store import Listed
from shared.language.apis.base import Api
from shared.language.waits import LanguageWaits
from shared.operations.operation import OperationQueue
from shared.reports.bodies import LISTED, Body

F = TypeVar("F", bound=Facts)


class WaitBody(Body):
    """`what` waits: `batches` and `operations`, by their records, or `language prediction` and `language authoring`, as
    this process met it. `reason` is an error's code; `records` is how many wait."""

    what: str
    reason: str
    since: datetime
    until: datetime | None
    records: int | None = None


@dataclass(frozen=True)
class Waits:
    """What open operations and this process wait for; `waits_of` tells of batches from a listing that is at hand."""

    operations: OperationQueue
    language: LanguageWaits

    def of_operations(self) -> list[WaitBody]:
        """One listing."""
        return waits_of("operations", islice(self.operations.store.list_open(), LISTED))

    def of_language(self, *apis: Api) -> list[WaitBody]:
        return [
            WaitBody(what=f"language {each.api}", reason=each.reason, since=each.since, until=each.until)
            for each in self.language.find()
            if each.api in apis
        ]


def waits_of(what: str, listed: Iterable[Listed[F]]) -> list[WaitBody]:
    """One for each reason: since the first of the records began to wait, until the last of them is tried again."""
    found: dict[str, WaitBody] = {}
    for facts in (each.facts for each in listed):
        if facts is None or facts.deferred is None or facts.deferred_since is None or facts.deferred_until is None:
            continue
        since, until, records = facts.deferred_since, facts.deferred_until, 1
        known = found.get(facts.deferred)
        if known is not None:
            since = min(since, known.since)
            until = max(until, known.until or until)
            records += known.records or 0
        found[facts.deferred] = WaitBody(what=what, reason=facts.deferred, since=since, until=until, records=records)
    return sorted(found.values(), key=lambda wait: wait.since)
