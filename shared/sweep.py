"""The sweep (timer): every net under a lost message, and the log lines that alerts read."""

from __future__ import annotations

from dataclasses import dataclass

from shared.batches.batch import Batches
from shared.concurrency import FanOut
from shared.documents.inbox import Inbox
from shared.durable.sweep import revive_stalled
from shared.operations.operation import OperationQueue
from shared.reports.metrics import MetricsLog


@dataclass(frozen=True)
class Sweep:
    """Revives the collector, stalled batches and stalled operations, in this order."""

    inbox: Inbox
    batches: Batches
    operations: OperationQueue
    fan_out: FanOut
    log_metrics: MetricsLog

    def __call__(self) -> None:
        self.inbox.revive_collector()
        revive_stalled(self.batches, self.fan_out)
        revive_stalled(self.operations, self.fan_out)
        self.log_metrics()
