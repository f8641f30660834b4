"""The sweep (timer): every net under a lost message, and the log lines that alerts read."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from shared.batches.batch import Batches
from shared.concurrency import FanOut
from shared.documents.inbox import Inbox
from shared.durable.abandoned import Abandoned
from shared.durable.sweep import revive_stalled
from shared.operations.operation import OperationQueue
from shared.operations.retrain_after import RetrainAfterDecisions
from shared.reports.metrics import MetricsLog
from shared.reviews.sweep import ReviewSweep

log = logging.getLogger("pigeonhole.sweep")


@dataclass(frozen=True)
class Sweep:
    """Takes what the host abandoned, revives the collector, batches and operations that stalled, finishes reviews."""

    abandoned: Sequence[Abandoned]
    inbox: Inbox
    batches: Batches
    operations: OperationQueue
    fan_out: FanOut
    metrics: MetricsLog
    reviews: ReviewSweep
    retrain: RetrainAfterDecisions

    def __call__(self) -> None:
        run_each(
            {f"abandoned {each.name}": each for each in self.abandoned}
            | {
                "collector": self.inbox.revive_collector,
                "batches": lambda: revive_stalled(self.batches, self.fan_out),
                "operations": lambda: revive_stalled(self.operations, self.fan_out),
                "reviews": self.reviews,
                "retraining": self.retrain,
                "metrics": self.metrics.log_pipeline,
                "events": self.metrics.log_events,
                "expiry": self.metrics.log_expiry,
                "training configuration": self.metrics.log_training_config,
            }
        )


def run_each(parts: Mapping[str, Callable[[], object]]) -> None:
    """Run every part, whatever becomes of the others. The first error is raised at the end: the platform must see that
    the invocation failed."""
    errors: list[Exception] = []
    for name, part in parts.items():
        try:
            part()
        except Exception as error:  # the nets do not hang on each other
            log.exception("timer_part_failed part=%s", name)
            errors.append(error)
    if errors:
        raise errors[0]
