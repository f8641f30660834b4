"""Can the app do its work? Each part it depends on is asked; the answer says what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice

from shared.batches.batch import Batches, BatchFacts
from shared.durable.store import Listed
from shared.errors import (
    LanguageAccessError,
    LanguageNotFoundError,
    LanguageThrottledError,
    LanguageUnavailableError,
    RateLimitedError,
    StateUnreadableError,
    StorageUnavailableError,
)
from shared.language.apis import api_for
from shared.language.apis.base import Api
from shared.language.client import LanguageClient
from shared.models.active_model import ActiveModelStore
from shared.models.expiries import Expiry, ExpiryCheck, find_where_known
from shared.redaction import clean
from shared.reports.bodies import LISTED, Body
from shared.reports.waiting import find_waiting
from shared.reports.waits import WaitBody, Waits, waits_of
from shared.storage.outages import Outages
from shared.storage.ports import BlobStore, MessageQueue

MAX_PROBLEM = 300


# A wait for one of these ends only when its cause is put right. The others (throttled, our own limit, busy, no model)
# belong to normal work.
WANTS_ATTENTION = {
    error.code
    for error in (
        LanguageAccessError("", status_code=401),
        LanguageUnavailableError(""),
        StorageUnavailableError(""),
        StateUnreadableError(""),
    )
}


class PartHealth(Body):
    """`problem` names the error and its first line, `since` when it began where that is known; both null if healthy."""

    healthy: bool
    problem: str | None = None
    since: datetime | None = None


class ExpiryBody(Body):
    """`days_left` is 0 or less once it has expired; both are null where it does not expire, or that is not known."""

    name: str
    expires: date | None
    days_left: int | None


class LanguageBody(Body):
    """What the app asks the Language service with, and until when that works.

    `note` is what to know about the API version. `deployment` is that of the model in use, `training_config` what the
    next training takes; both as the service said within the last hour, null where the version has none or the service
    could not be asked.
    """

    project: str
    api_version: str
    note: str | None
    deployment: ExpiryBody | None
    training_config: ExpiryBody | None


class Health(Body):
    """GET /api/health. `parts` by name: each container, each queue, the model in use, what waits, the Language
    service, and submissions to it. `waits` says what is waited for, whether it is a problem or not."""

    healthy: bool
    parts: dict[str, PartHealth]
    waits: list[WaitBody]
    language: LanguageBody


@dataclass(frozen=True)
class HealthCheck:
    """Asks one call of each container and queue (by their names), one authoring GET of the Language service (once an
    hour three more, for what expires), and the listings of open batches and operations."""

    containers: Mapping[str, BlobStore]
    queues: Mapping[str, MessageQueue]
    outages: Outages
    active_model: ActiveModelStore
    waits: Waits
    language: LanguageClient
    language_api: str
    project: str
    expiry_check: ExpiryCheck
    batches: Batches
    clock: Callable[[], datetime]

    def __call__(self) -> Health:
        asked = {f"container {name}": _first_blob(store) for name, store in self.containers.items()}
        asked |= {f"queue {name}": queue.length for name, queue in self.queues.items()}
        parts = {place: self._check_storage(place, ask) for place, ask in asked.items()}
        parts["model in use"] = _check(self.active_model.find_record)
        parts["language"] = _check(self._ask_language)
        opened: list[Listed[BatchFacts]] = []
        waits: list[WaitBody] = []

        def of_batches() -> list[WaitBody]:
            opened.extend(list(islice(self.batches.store.list_open(), LISTED)))
            return waits_of("batches", opened)

        found = {
            "batches": of_batches,
            "operations": self.waits.of_operations,
            # Authoring is asked above.
            "language prediction": lambda: self.waits.of_language(Api.PREDICTION),
        }
        for name, find in found.items():
            parts[name] = _check_waits(find, waits)
        waits += self.waits.of_language(Api.AUTHORING)
        parts["submissions"] = self._submissions(opened)
        return Health(
            healthy=all(part.healthy for part in parts.values()),
            parts=parts,
            waits=waits,
            language=self._language(is_answered=parts["language"].healthy),
        )

    def _language(self, *, is_answered: bool) -> LanguageBody:
        """A service that has just not answered is not asked further."""
        deployment = find_where_known(self.expiry_check.find_deployment) if is_answered else None
        training_config = find_where_known(self.expiry_check.find_training_config) if is_answered else None
        return LanguageBody(
            project=self.project,
            api_version=self.language_api,
            note=api_for(self.language_api).note,
            deployment=self._expiry(deployment),
            training_config=self._expiry(training_config),
        )

    def _expiry(self, found: Expiry | None) -> ExpiryBody | None:
        if found is None:
            return None
        return ExpiryBody(name=found.name, expires=found.expires, days_left=found.days_left(self.clock().date()))

    def _check_storage(self, place: str, ask: Callable[[], object]) -> PartHealth:
        """What is asked may be served and other calls refused: a role may allow reading and not writing."""
        part, outage = _check(ask), self.outages.find(place)
        if outage is None:
            return part
        return PartHealth(healthy=False, problem=part.problem or outage.problem[:MAX_PROBLEM], since=outage.since)

    def _submissions(self, opened: list[Listed[BatchFacts]]) -> PartHealth:
        try:
            waiting = find_waiting(self.batches, opened, refused=True)
        except Exception:  # the container has a part of its own, which says so
            waiting = None
        if waiting is None:
            return PartHealth(healthy=True)
        return PartHealth(healthy=False, problem=waiting.why[:MAX_PROBLEM], since=waiting.since)

    def _ask_language(self) -> None:
        try:
            self.language.send(api_for(self.language_api).get_project(self.project))
        except LanguageNotFoundError as error:
            # A project that does not exist yet is not the app's error; an API version that is not answered is.
            if error.is_version_unknown:
                raise
        except (LanguageThrottledError, RateLimitedError):  # the service works, and is throttled by its users
            return


def _first_blob(store: BlobStore) -> Callable[[], object]:
    return lambda: next(iter(store.list_page(limit=1).infos), None)


def _check(ask: Callable[[], object]) -> PartHealth:
    try:
        ask()
    except Exception as error:  # whatever is wrong with a part is the answer
        first_line = clean(str(error).partition("\n")[0], limit=MAX_PROBLEM)
        return PartHealth(healthy=False, problem=f"{type(error).__name__}: {first_line}")
    return PartHealth(healthy=True)


def _check_waits(find: Callable[[], list[WaitBody]], waits: list[WaitBody]) -> PartHealth:
    """Adds what is found to `waits`; the part is not healthy when one of them ends only when its cause is put right."""
    found: list[WaitBody] = []
    part = _check(lambda: found.extend(find()))
    waits += found
    worst = next((each for each in found if each.reason in WANTS_ATTENTION), None)
    if worst is None:
        return part
    return PartHealth(healthy=False, problem=f"waits: {worst.reason}", since=worst.since)
