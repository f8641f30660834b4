"""The app's use cases over fakes, wired by services.assemble, with what unit tests do to them and look at.

The simulated host is that of tests/faults; nothing crashes here unless a test says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.batches.batch import Batch, Batches
from shared.documents.messages import DocumentMessage, Source
from shared.documents.ref import DocumentRef
from shared.durable.store import Stored
from shared.messages import StepMessage
from shared.models.active_model import ActiveModelRecord
from tests.fakes import FakeBlobStore
from tests.faults.disturbed import DisturbedWorld
from tests.faults.world import MODEL

LONG_RUNNING = 1_000_000


@dataclass
class PipelineOnFakes(DisturbedWorld):
    """`services` over `stores` and `queues`; `trace` names every external call in its order."""

    @property
    def state(self) -> FakeBlobStore:
        """The pipeline container."""
        return self.stores["state"]

    @property
    def batches(self) -> Batches:
        return self.services.batches

    def deliver_until(self, end: datetime) -> None:
        """Deliver what becomes visible until then, and let the time pass."""
        self._deliver_until(end)

    def deliver_for(self, minutes: float) -> None:
        self._deliver_until(self.clock() + timedelta(minutes=minutes))

    def deliver_events(self) -> None:
        """Accept what was uploaded, and nothing more."""
        while self.queues["events"].next_visible():
            self._deliver(self.queues["events"])

    def deliver_next(self) -> None:
        """The message that becomes visible next, and the time until then."""
        queue = self._next_queue()
        assert queue is not None, "no message is left"
        self.clock.now = max(self.clock.now, queue.next_visible() or self.clock.now)
        self._deliver(queue)

    def queue_document(self, document: DocumentRef, source: Source = Source.EVENT) -> None:
        self.queues["documents"].send(DocumentMessage(container="documents", document=document, source=source))

    def queued_documents(self) -> list[DocumentMessage]:
        return [DocumentMessage.model_validate_json(text) for text in self.queues["documents"].texts()]

    def queued_steps(self) -> list[StepMessage]:
        """The messages that drive batches."""
        return [StepMessage.model_validate_json(text) for text in self.queues["batches"].texts()]

    def open(self) -> list[Stored[Batch]]:
        """The open batches, as the app finds them."""
        names = [name for name in self.state.blobs if name.startswith("batches/open/")]
        found = [self.batches.store.find(name.rpartition("/")[2].removesuffix(".json")) for name in names]
        return [each for each in found if each is not None]

    def the_open_one(self) -> Stored[Batch]:
        (stored,) = self.open()
        return stored

    def publish(self, **changes: object) -> ActiveModelRecord:
        """A model was published through the app."""
        record = ActiveModelRecord(model=MODEL, api_version="2021-preview", published=self.clock())
        record = record.model_copy(update=changes)
        self.services.active_model.switch(record)
        return record
