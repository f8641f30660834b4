"""A retraining starts by itself once people have decided enough since the last one (RETRAIN_AFTER_DECISIONS)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.errors import OperationRunningError
from shared.operations.operation import OperationKind, RetrainRequest
from shared.operations.operations import Operations
from shared.operations.start import StartOperations

log = logging.getLogger("pigeonhole.operations")


@dataclass(frozen=True)
class RetrainAfterDecisions:
    """`newest_decisions(project, count)` gives the times of the newest decisions, newest first.

    It needs no counter that a crash could leave wrong: the last retraining is an operation, whatever became of it, and
    the decisions since are a listing.
    """

    operations: Operations
    start: StartOperations
    newest_decisions: Callable[[str, int], Sequence[datetime]]
    project: str
    decisions: int

    def __call__(self) -> None:
        """One listing of as many decisions as are asked for; those of the operations only where there are so many."""
        if not self.decisions:
            return
        newest = self.newest_decisions(self.project, self.decisions)
        if len(newest) < self.decisions:
            return
        last = max(
            (
                each.facts.created
                for each in self.operations.list(self.project)
                if each.facts is not None and each.facts.kind == OperationKind.RETRAIN
            ),
            default=None,
        )
        if last is not None and newest[-1] <= last:
            return
        try:
            operation = self.start.retrain(self.project, RetrainRequest())
        except OperationRunningError as error:
            log.info("retraining_waits project=%s: %s", self.project, error)
            return
        log.info("retraining_started operation=%s decisions=%s", operation.id, self.decisions)
