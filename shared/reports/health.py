"""Can the app do its work? Each part it depends on is asked; the answer says what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice

from shared.batches.batch import Batches
from shared.errors import LanguageNotFoundError, LanguageThrottledError, RateLimitedError
from shared.language.apis import api_for
from shared.language.client import LanguageClient
from shared.redaction import clean
from shared.reports.bodies import Body
from shared.reports.status import LISTED
from shared.reports.waiting import find_waiting
from shared.storage.ports import BlobStore, MessageQueue

MAX_PROBLEM = 300


class PartHealth(Body):
    """`problem` names the error and its first line; null for a healthy part."""

    healthy: bool
    problem: str | None = None


class Health(Body):
    """GET /api/health. `parts` by name: each container, each queue, the Language service, and submissions to it."""

    healthy: bool
    parts: dict[str, PartHealth]


@dataclass(frozen=True)
class HealthCheck:
    """Asks one call of each container and queue (by their names), and one authoring GET of the Language service.

    Whether the service refuses every submission, the batches say.
    """

    containers: Mapping[str, BlobStore]
    queues: Mapping[str, MessageQueue]
    language: LanguageClient
    language_api: str
    project: str
    batches: Batches

    def __call__(self) -> Health:
        parts = {f"container {name}": _check(_first_blob(store)) for name, store in self.containers.items()}
        parts |= {f"queue {name}": _check(queue.length) for name, queue in self.queues.items()}
        parts["language"] = _check(self._ask_language)
        parts["submissions"] = self._submissions()
        return Health(healthy=all(part.healthy for part in parts.values()), parts=parts)

    def _submissions(self) -> PartHealth:
        try:
            waiting = find_waiting(self.batches, islice(self.batches.store.list_open(), LISTED), refused=True)
        except Exception:  # the container has a part of its own, which says so
            waiting = None
        if waiting is None:
            return PartHealth(healthy=True)
        since = f"since {waiting.since:%Y-%m-%d %H:%M} UTC: " if waiting.since else ""
        return PartHealth(healthy=False, problem=f"{since}{waiting.why}"[:MAX_PROBLEM])

    def _ask_language(self) -> None:
        try:
            self.language.send(api_for(self.language_api).get_project(self.project))
        except (LanguageNotFoundError, LanguageThrottledError, RateLimitedError):
            # The service works, or is throttled by its users. A project that does not exist yet is not the app's error.
            return


def _first_blob(store: BlobStore) -> Callable[[], object]:
    return lambda: next(iter(store.list_page().infos), None)


def _check(ask: Callable[[], object]) -> PartHealth:
    try:
        ask()
    except Exception as error:  # whatever is wrong with a part is the answer
        first_line = clean(str(error).partition("\n")[0], limit=MAX_PROBLEM)
        return PartHealth(healthy=False, problem=f"{type(error).__name__}: {first_line}")
    return PartHealth(healthy=True)
