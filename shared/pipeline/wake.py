"""What a process remembers about waking the collector: hints that save messages and fill jobs, never guarantees.

Losing them costs one wake. A wake counts as pending only while it becomes visible at least a second from now; without
that margin the collector could look before the document's message is there.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

MARGIN = timedelta(seconds=1)


class WakeDebounce:
    """When the newest wake of this process becomes visible, and whether one of its collectors is at work.

    Collectors compete safely, but two that share a queue's last documents make two small jobs of them.
    """

    def __init__(self) -> None:
        self._visible_at: datetime | None = None
        self.collecting = threading.Lock()

    def is_pending(self, now: datetime) -> bool:
        return self._visible_at is not None and self._visible_at >= now + MARGIN

    def sent(self, visible_at: datetime) -> None:
        self._visible_at = visible_at
