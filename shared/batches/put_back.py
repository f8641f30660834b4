"""The dead letter of a batch is put back: its step is taken again or, when it was given up, its documents are planned
again."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from shared.batches.batch import SEARCHED_DAYS, Batch, Batches, BatchFacts, Outcome
from shared.documents.inbox import Inbox
from shared.documents.messages import Source
from shared.durable.step_dead_letters import StepDeadLetters
from shared.durable.store import newest_days
from shared.errors import RaceLostError, StateUnreadableError
from shared.messages import StepMessage


@dataclass(frozen=True)
class BatchPutBack:
    batches: Batches
    dead_letters: StepDeadLetters[Batch, BatchFacts]
    inbox: Inbox

    def __call__(self, text: str, requested: datetime) -> bool:
        """False where the message cannot be read, or its batch is found no more."""
        self._look_for_classifications(text)
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

    def _look_for_classifications(self, text: str) -> None:
        """Whoever puts a batch back may have had its documents classified in another way meanwhile."""
        try:
            stored = self.batches.store.find_readable(StepMessage.model_validate_json(text).id)
        except ValidationError:
            return
        if stored is None or not any(each.is_first for each in stored.record.documents):
            return
        documents = tuple(each.model_copy(update={"is_first": False}) for each in stored.record.documents)
        with suppress(RaceLostError):  # then another message goes on with it
            self.batches.store.save(stored.change(documents=documents))
