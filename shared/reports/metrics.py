"""The log lines that alerts watch: what is under way, for how long, events that are not taken, what expires when.

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
from shared.errors import RetryableError
from shared.models.active_model import ActiveModelStore
from shared.models.expiries import Expiry, ExpiryCheck
from shared.reports.bodies import LISTED
from shared.reports.status import oldest_waiting
from shared.storage.ports import MessageQueue

log = logging.getLogger("pigeonhole.metrics")


@dataclass(frozen=True)
class MetricsLog:
    """Writes the lines, each on its own; the sweep calls it."""

    inbox: Inbox
    batches: Batches
    events_queue: MessageQueue
    active_model: ActiveModelStore
    expiries: ExpiryCheck
    clock: Callable[[], datetime]

    def log_pipeline(self) -> None:
        """How much is under way, and for how long."""
        listed = list(islice(self.batches.store.list_open(), LISTED))
        oldest = oldest_waiting(self.inbox.oldest_waiting(), listed)
        seconds = max(0.0, (self.clock() - oldest).total_seconds()) if oldest else 0.0
        waiting = sum(bool(each.facts and each.facts.waiting) for each in listed)
        log.info(
            "pipeline_metrics oldest_waiting_seconds=%d open_batches=%d waiting_for_model=%d documents_queue=%d",
            seconds,
            len(listed),
            waiting,
            self.inbox.documents_queue.length(),
        )

    def log_events(self) -> None:
        """How long the event at the head of the queue has waited: none does, unless Event Grid delivers to it."""
        oldest = min((each.inserted_on for each in self.events_queue.peek(1)), default=None)
        seconds = max(0.0, (self.clock() - oldest).total_seconds()) if oldest else 0.0
        log.info("events_waiting oldest_seconds=%d queue=%d", seconds, self.events_queue.length())

    def log_expiry(self) -> None:
        """When the deployment in use ends. Raises StateUnreadableError, whose log line has an alert of its own.

        Where the service cannot be asked, what it said at the publication counts.
        """
        record = self.active_model.find_record()
        if record is None:
            return
        try:
            found = self.expiries.find_deployment()
        except RetryableError:
            found = Expiry(record.model.reference, record.expires)
        days = found.days_left(self.clock().date()) if found else None
        if days is not None:
            log.info("deployment_expires days=%d project=%s", days, record.model.project)

    def log_training_config(self) -> None:
        """When the training configuration that a retraining would use ends, once a model is published.

        Silent where the service does not say: an older API, a setting that names one it does not list. What keeps it
        from answering is for /api/health; it fails no timer.
        """
        if self.active_model.find_record() is None:
            return
        try:
            found = self.expiries.find_training_config()
        except RetryableError as error:
            log.info("training_config_unknown: %s", type(error).__name__)
            return
        days = found.days_left(self.clock().date()) if found else None
        if found is not None and days is not None:
            log.info("training_config_expires days=%d config=%s", days, found.name)
