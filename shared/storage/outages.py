"""What storage answers to everybody alike: a refused credential, throttling, an outage, a missing container or queue.

It says nothing about one blob or one message, so no document is given up because of it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from azure.core.exceptions import AzureError, HttpResponseError

from shared.errors import StorageUnavailableError

_STATUSES = frozenset({401, 403, 407, 408, 429})
# 404 and 409 that speak of the container or the queue, not of what is in it.
_CODES = frozenset(
    {
        "AccountBeingCreated",
        "ContainerNotFound",
        "ContainerBeingDeleted",
        "ContainerDisabled",
        "QueueNotFound",
        "QueueBeingDeleted",
        "QueueDisabled",
    }
)
# An outage that no call has met for this long is not reported any more: steps are tried again more often than that.
FORGOTTEN_AFTER = timedelta(minutes=10)


@dataclass(frozen=True)
class Outage:
    """`since` calls of one kind have been refused, the last one at `last`."""

    problem: str
    since: datetime
    last: datetime


class Outages:
    """What storage refuses this process, by place (`container documents`) and kind of call. Shared between threads.

    By kind, because a role may allow reading and not writing.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._found: dict[tuple[str, str], Outage] = {}

    def record(self, place: str, *, call: str, problem: str | None) -> None:
        """Take note of a call that was refused, or, without a `problem`, of one that was served."""
        key = place, call
        if problem is None and key not in self._found:
            return
        with self._lock:
            if problem is None:
                self._found.pop(key, None)
                return
            now = self._clock()
            known = self._find(key, now)
            self._found[key] = replace(known, problem=problem, last=now) if known else Outage(problem, now, now)

    def find(self, place: str) -> Outage | None:
        """The oldest outage of a place."""
        with self._lock:
            now = self._clock()
            found = [self._find(key, now) for key in self._found if key[0] == place]
            return min((each for each in found if each is not None), key=lambda each: each.since, default=None)

    def _find(self, key: tuple[str, str], now: datetime) -> Outage | None:
        outage = self._found.get(key)
        return outage if outage is not None and now - outage.last <= FORGOTTEN_AFTER else None


@dataclass(frozen=True)
class Place:
    """A container or a queue, by the name people know it by, and where its outages are noted."""

    name: str
    outages: Outages

    @contextmanager
    def calling(self, call: str) -> Iterator[None]:
        """Around a call of the SDK. Raises StorageUnavailableError for what says nothing about one blob or message."""
        try:
            yield
        except (AzureError, OSError) as error:
            if not is_outage(error):
                self.outages.record(self.name, call=call, problem=None)
                raise
            problem = f"storage does not serve {self.name} ({call}): {_describe(error)}"
            self.outages.record(self.name, call=call, problem=problem)
            raise StorageUnavailableError(problem) from error
        self.outages.record(self.name, call=call, problem=None)


def is_outage(error: AzureError | OSError) -> bool:
    """Would storage have answered any call like that?"""
    if not isinstance(error, HttpResponseError) or error.status_code is None:
        return True  # there was no answer, or no token to ask with
    # A status below 400 with an error is an answer that the SDK could not read: not storage's own.
    status = error.status_code
    return status < 400 or status >= 500 or status in _STATUSES or error_code(error) in _CODES


def error_code(error: HttpResponseError) -> str:
    """The code of storage's answer: the SDK gives its own enumeration for those it knows and text for others."""
    code = getattr(error, "error_code", None)
    return str(getattr(code, "value", code))


def _describe(error: AzureError | OSError) -> str:
    """What happened and what to do, without the SDK's own text, which may hold an address or a request."""
    if not isinstance(error, HttpResponseError) or error.status_code is None:
        return f"{type(error).__name__}; check the network and the storage account's name if it lasts"
    hint = {
        401: "; check DATA_STORAGE and the identity",
        403: "; check the role assignment and the account's network rules",
        404: "; create it",
    }
    return f"{error.status_code} {error_code(error)}{hint.get(error.status_code, '')}"
