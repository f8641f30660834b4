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
from shared.errors import (
    LanguageRefusedError,
    MalformedAnswerError,
    RetryableError,
    UnsupportedOperationError,
)
from shared.language.apis import api_for
from shared.language.client import LanguageClient
from shared.models.active_model import ActiveModelStore
from shared.operations.retrain import choose_training_config
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
    language: LanguageClient
    language_api: str
    training_config: str | None
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

    def log_events(self) -> None:
        """How long the event at the head of the queue has waited: none does, unless Event Grid delivers to it."""
        oldest = min((each.inserted_on for each in self.events_queue.peek(1)), default=None)
        seconds = max(0.0, (self.clock() - oldest).total_seconds()) if oldest else 0.0
        log.info("events_waiting oldest_seconds=%d queue=%d", seconds, self.events_queue.length())

    def log_expiry(self) -> None:
        """When the deployment in use ends. Raises StateUnreadableError, whose log line has an alert of its own."""
        record = self.active_model.find_record()
        days = record.days_left(self.clock().date()) if record else None
        if record is not None and days is not None:
            log.info("deployment_expires days=%d project=%s", days, record.model.project)

    def log_training_config(self) -> None:
        """When the training configuration that a retraining would use ends. One GET, once a model is published.

        Silent where the service does not say: an older API, a setting that names one it does not list. What keeps it
        from answering is for /api/health; it fails no timer.
        """
        record = self.active_model.find_record()
        if record is None:
            return
        api = api_for(self.language_api)
        try:
            listed = self.language.send_pages(lambda page: api.list_training_configs(record.model.kind, page=page))
        except UnsupportedOperationError:
            return
        except (LanguageRefusedError, MalformedAnswerError, RetryableError) as error:
            log.info("training_config_unknown: %s", type(error).__name__)
            return
        expires = {each.version: each.expires for each in listed}
        chosen = self.training_config or choose_training_config(listed, today=self.clock().date())
        if chosen in expires and (day := expires[chosen]) is not None:
            log.info("training_config_expires days=%d config=%s", (day - self.clock().date()).days, chosen)
