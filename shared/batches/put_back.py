"""The dead letter of a batch is put back: its step is taken again or, when it was given up, its documents are planned
again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from shared.batches.batch import SEARCHED_DAYS, Batch, Batches, BatchFacts, Outcome
from shared.documents.inbox import Inbox
from shared.documents.messages import Source
from shared.durable.dead_letters import StepDeadLetters
from shared.durable.store import newest_days
from shared.errors import StateUnreadableError
from shared.messages import StepMessage


@dataclass(frozen=True)
class BatchPutBack:
    batches: Batches
    dead_letters: StepDeadLetters[Batch, BatchFacts]
    inbox: Inbox

    def __call__(self, text: str, requested: datetime) -> bool:
        """False where the message cannot be read, or its batch is found no more."""
        if self.dead_letters.put_back(text):
            return True
        try:
            batch_id = StepMessage.model_validate_json(text).id
            days = newest_days(self.batches.clock(), SEARCHED_DAYS)
            batch = self.batches.store.find_closed(batch_id, days)
        except (ValidationError, StateUnreadableError):
            return False
        if batch is None:
            return False
        failed = [each.document for each in batch.documents if each.outcome is Outcome.FAILED]
        self.inbox.redrive(self.inbox.still_current(failed), requested=requested, source=Source.FAILED)
        return True
