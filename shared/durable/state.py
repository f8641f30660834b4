"""A blob of the app's own that cannot be read: reported to alerts, health and status, and left as it is."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from shared.errors import BlobUnreadableError, StateUnreadableError

log = logging.getLogger("pigeonhole.state")


@contextmanager
def readable(name: str) -> Iterator[None]:
    """Around the reading of our blob `name` and the parsing of what it holds.

    Bytes that are not what this release writes (a ValueError: cut, another schema), and a blob that storage does not
    give or replace, become a StateUnreadableError. infra/app/alerts.bicep counts the log line.
    """
    try:
        yield
    except (ValueError, RecursionError, BlobUnreadableError) as error:
        # What is wrong with the bytes is not said: they may hold anything.
        why = str(error) if isinstance(error, BlobUnreadableError) else "it is not what this release of the app writes"
        log.error("state_unreadable blob=%s: %s; repair or delete it", name, why)
        raise StateUnreadableError(f"{name} in the pipeline container: {why}; repair or delete it") from error
