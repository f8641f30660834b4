"""One step of a batch, by its state, and what happens when the host gave up on one.

planned    read the texts, POST them, keep the job ids                    -> submitted
submitted  GET; not ready: poll again; finished: write the records, close
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from pydantic import ValidationError

from shared.batches.batch import Batch, Batches, BatchState
from shared.batches.poll import Poll
from shared.batches.resubmit import Resubmit
from shared.batches.submit import Submit
from shared.documents.ref import FailureCode
from shared.durable.dead_letters import DeadLetters
from shared.durable.steps import Next, advance
from shared.durable.store import Stored
from shared.messages import StepMessage

log = logging.getLogger("pigeonhole.batches")


@dataclass(frozen=True)
class BatchSteps:
    """The two steps of a batch."""

    batches: Batches
    submit: Submit
    poll: Poll

    def advance(self, message: StepMessage) -> None:
        """Take the batch's next step. Raises only what is a bug, or storage that does not answer."""
        advance(self.batches, message, self._take)

    def _take(self, stored: Stored[Batch], polls: int) -> Next[Batch]:
        step = self.submit if stored.record.state is BatchState.PLANNED else self.poll
        return step(stored, polls)


@dataclass(frozen=True)
class BatchDeadLetters:
    """batches-poison: a step of a batch failed five times; its documents are given up with the reason."""

    batches: Batches
    resubmit: Resubmit
    dead_letters: DeadLetters
    queue_name: str

    def handle(self, message_id: str, body: str) -> None:
        reason = "advance_batch failed five times"
        kept = self.dead_letters.keep(queue=self.queue_name, message_id=message_id, body=body, reason=reason)
        try:
            message = StepMessage.model_validate_json(body)
        except ValidationError:
            return
        try:
            stored = self.batches.store.find(message.id)
        except ValidationError:
            log.error("batch_unreadable batch=%s: see its blob in the pipeline container", message.id)
            return
        if stored is not None:
            why = f"a step of its batch failed five times; see {kept}"
            self.batches.store.close(self.resubmit.give_up(stored, FailureCode.POISONED, why).stored)
