"""Submitting again: the whole batch, its halves, or only the documents an answer left out; always a bounded number of
times."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.batches.batch import MAX_ATTEMPTS, Batch, BatchDocument, Batches, BatchState, Outcome, plan_batch
from shared.concurrency import each_apart
from shared.documents.records import Records
from shared.documents.ref import FailureCode
from shared.durable.steps import Done, Next, StepLater
from shared.durable.store import Stored

log = logging.getLogger("pigeonhole.batches")


@dataclass(frozen=True)
class Resubmit:
    """What becomes of documents whose submission did not give them a result."""

    batches: Batches
    records: Records

    def apart(self, documents: Sequence[BatchDocument], why: str) -> None:
        """A batch of their own for documents that leave theirs."""
        batch = plan_batch(documents, self.batches.clock(), why=why)
        self.batches.start(batch)
        log.info("batch_planned batch=%s documents=%d: %s", batch.id, len(documents), why)

    def halves(self, stored: Stored[Batch], error: str) -> Next[Batch]:
        """The service refused the batch for good: each half goes on by itself, so that five halvings isolate one bad
        document among 25. A refused batch of one is a failure record."""
        batch = stored.record
        going_on = batch.open_documents
        if len(going_on) <= 1:
            return self.give_up(stored, FailureCode.REFUSED, error)
        middle = len(going_on) // 2
        for half in (going_on[:middle], going_on[middle:]):
            documents = [document.model_copy(update={"record_etag": None}) for _, document in half]
            self.apart(documents, f"half of {batch.id}: {error}")
        outcomes = dict.fromkeys((index for index, _ in going_on), Outcome.RESUBMITTED)
        what = f"refused; resubmitted in halves: {error}"
        return Done(stored.evolve(self.batches.clock(), what, documents=batch.with_outcomes(outcomes)))

    def whole(self, stored: Stored[Batch], code: FailureCode, why: str) -> Next[Batch]:
        """The job failed, expired or cannot be polled: back to planned, MAX_ATTEMPTS submissions at most."""
        batch = stored.record
        attempt = 1 + max(document.attempt for _, document in batch.open_documents)
        if attempt >= MAX_ATTEMPTS:
            return self.give_up(stored, code, f"{why} ({attempt} attempts)")
        documents = tuple(
            each if each.outcome else each.model_copy(update={"attempt": each.attempt + 1}) for each in batch.documents
        )
        log.warning("batch_resubmitted batch=%s attempt=%d: %s", batch.id, attempt, why)
        again = self.batches.store.save(
            stored.evolve(
                self.batches.clock(),
                f"resubmitted: {why}",
                state=BatchState.PLANNED,
                documents=documents,
                model=None,
                api_version=None,
                jobs=(),
            )
        )
        return StepLater(again, self.batches.retry.delay(attempt))

    def alone(self, batch: Batch, raised: Mapping[int, Exception]) -> dict[int, Outcome]:
        """A batch of its own for each document at which a step raised what no step may: a bug of ours, most likely.

        Its neighbours go on without it. Alone it fails as any step does: five deliveries, and a failure record only
        after the last. When all open documents of the batch raise alike, none of them is the cause, and the step fails
        as a whole. Returns their outcomes.
        """
        if len(raised) == len(batch.open_documents):
            raise next(iter(raised.values()))
        for index, error in raised.items():
            document = batch.documents[index].model_copy(update={"record_etag": None})
            name, etag = document.document.name, document.document.etag
            log.error("document_set_apart name=%s etag=%s batch=%s: %s", name, etag, batch.id, type(error).__name__)
            self.apart([document], f"{type(error).__name__} in a step of {batch.id}")
        return dict.fromkeys(raised, Outcome.RESUBMITTED)

    def give_up(self, stored: Stored[Batch], code: FailureCode, why: str, *, is_last: bool = False) -> Done[Batch]:
        """A failure record for every document that is still open.

        What cannot be written raises, once the others are, so that the step is repeated. When `is_last`, nothing comes
        after it: the batch ends all the same, and reconcile finds the document, which has no record.
        """
        batch = stored.record
        model = batch.model.label if batch.model else None
        _, raised = each_apart(
            self.records.fan_out,
            lambda each: self.records.write_failure(each[1].document, code, why, batch=batch.id, model=model),
            batch.open_documents,
        )
        for (_, each), error in raised:
            if not is_last:
                raise error
            name, etag = each.document.name, each.document.etag
            log.error("record_not_written name=%s etag=%s: %s", name, etag, type(error).__name__)
        outcomes = dict.fromkeys((index for index, _ in batch.open_documents), Outcome.FAILED)
        return Done(stored.evolve(self.batches.clock(), f"failed: {why}", documents=batch.with_outcomes(outcomes)))
