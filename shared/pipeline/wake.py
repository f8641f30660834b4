"""The memory of the last wake, so that a burst of documents sends one wake and not one each.

It is a hint in process memory: losing it costs one wake. A wake counts only while it becomes visible at least a second
from now; without that margin the collector could look before the document's message is there.
"""

from __future__ import annotations

from datetime import datetime, timedelta

MARGIN = timedelta(seconds=1)


class WakeDebounce:
    """When the newest wake of this process becomes visible."""

    def __init__(self) -> None:
        self._visible_at: datetime | None = None

    def is_pending(self, now: datetime) -> bool:
        return self._visible_at is not None and self._visible_at >= now + MARGIN

    def sent(self, visible_at: datetime) -> None:
        self._visible_at = visible_at
