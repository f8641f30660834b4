"""One log line with what alerts watch: how long the oldest document has waited, and how much is under way.

Queue length is a metric of a whole storage account, not of a queue, so the app reports it itself.
infra/app/alerts.bicep reads the names of these lines: change both together.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from shared.batches.batch import Batches
from shared.documents.inbox import Inbox
from shared.models.active_model import ActiveModelStore
from shared.reports.bodies import LISTED
from shared.reports.status import oldest_waiting

log = logging.getLogger("pigeonhole.metrics")


@dataclass(frozen=True)
class MetricsLog:
    """Writes the lines, each on its own; the sweep calls it."""

    inbox: Inbox
    batches: Batches
    active_model: ActiveModelStore
    clock: Callable[[], datetime]

    def log_pipeline(self) -> None:
        """How much is under way, and for how long."""
        listed = list(islice(self.batches.store.list_open(), LISTED))
        oldest = oldest_waiting(self.inbox, listed)
        seconds = max(0.0, (self.clock() - oldest).total_seconds()) if oldest else 0.0
        waiting = sum(bool(each.facts and each.facts.waiting) for each in listed)
        log.info(
            "pipeline_metrics oldest_waiting_seconds=%d open_batches=%d waiting_for_model=%d documents_queue=%d",
            seconds,
            len(listed),
            waiting,
            self.inbox.documents_queue.length(),
        )

    def log_expiry(self) -> None:
        """When the deployment in use ends. Raises StateUnreadableError, whose log line has an alert of its own."""
        record = self.active_model.find_record()
        days = record.days_left(self.clock().date()) if record else None
        if record is not None and days is not None:
            log.info("deployment_expires days=%d project=%s", days, record.model.project)
