"""One step of a batch, by its state.

planned    read the texts, POST them, keep the job ids                    -> submitted
submitted  GET; not ready: poll again; finished: write the records, close
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.batches.batch import Batch, Batches, BatchState
from shared.batches.poll import Poll
from shared.batches.submit import Submit
from shared.durable.steps import InHand, Next, Patience, advance, advance_in_hand
from shared.durable.store import Stored
from shared.messages import StepMessage


@dataclass(frozen=True)
class BatchSteps:
    """The two steps of a batch."""

    batches: Batches
    submit: Submit
    poll: Poll

    def advance(self, message: StepMessage) -> None:
        """Take the batch's next step. Raises only what is a bug, or a queue that takes no message."""
        advance(self.batches, message, self._take)

    def advance_in_hand(self, planned: InHand[Batch], patience: Patience) -> None:
        """Take the steps of a batch that was just planned; what must wait for long is left to its message."""
        advance_in_hand(self.batches, planned, self._take, patience)

    def _take(self, stored: Stored[Batch]) -> Next[Batch]:
        step = self.submit if stored.record.state is BatchState.PLANNED else self.poll
        return step(stored)
