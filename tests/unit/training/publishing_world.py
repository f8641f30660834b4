"""The pipeline and its operations on fakes under a virtual clock: models are published while documents arrive."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from shared.language.models import ModelRef
from shared.pipeline.record_schema import ClassificationRecord
from shared.training.active_model import StoredActiveModel
from shared.training.advance import advance_operation
from shared.training.context import Training
from shared.training.operation import Operation
from shared.training.operations import LOCKS, find_operation
from shared.training.start import start_publish

from functions import status
from shared.messages import OperationMessage
from shared.storage.ports import QueuedMessage
from tests.fakes import FakeBlobStore, FakeQueue
from tests.faults.world import World
from tests.unit.functions.harness import App
from tests.unit.training.fake_publishing import FakePublishing


@dataclass
class PublishingWorld(World):
    """A world whose model in use is the stored one, and whose host delivers the operations queue too."""

    publishing: FakePublishing = field(init=False)
    training: Training = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.publishing = FakePublishing(self.service, self.clock)

    def start_process(self) -> None:
        super().start_process()
        operations = self.queues.setdefault("operations", FakeQueue("operations-queue", self.clock, self.call))
        active_model = StoredActiveModel(self.stores["state"], self.settings, self.clock)
        self.pipeline = replace(self.pipeline, active_model=active_model)
        self.training = Training(
            self.pipeline, operations, active_model, lambda name: FakeBlobStore(name, self.clock, self.call)
        )

    def change_settings(self, **changes: object) -> None:
        """A redeploy: the same state, a new process."""
        self.settings = self.settings.model_copy(update=changes)
        self.start_process()

    def _next_queue(self) -> FakeQueue | None:
        operations = self.queues["operations"]
        waiting = [queue for queue in (super()._next_queue(), operations) if queue and queue.next_visible()]
        return min(waiting, key=lambda queue: queue.next_visible() or self.clock(), default=None)

    def _invoke(self, queue: FakeQueue, message: QueuedMessage) -> None:
        if queue is self.queues["operations"]:
            advance_operation(self.training, OperationMessage.model_validate_json(message.text or ""))
        else:
            super()._invoke(queue, message)

    # What people do and see.

    def start(self, label: str) -> Operation:
        return start_publish(self.training, "letters", label)

    def publish(self, label: str) -> Operation:
        """To its end, with everything else there is to do."""
        operation = self.start(label)
        self.run()
        return self.find(operation)

    def find(self, operation: Operation) -> Operation:
        opened = find_operation(self.training, operation.id)
        assert opened is not None
        return opened.operation

    def run_until(self, operation: Operation, *steps: str) -> Operation:
        """Deliver until the operation is at one of the steps, with its message still to come."""
        while (found := self.find(operation)).step.value not in steps:
            self.deliver_next()
        return found

    def deliver_next(self) -> None:
        queue = self._next_queue()
        assert queue is not None, "nothing is left to deliver"
        visible = queue.next_visible()
        assert visible is not None
        self.clock.now = max(self.clock.now, visible)
        self._deliver(queue)

    def pass_time(self, delta: timedelta) -> None:
        """Deliver what becomes visible meanwhile."""
        self._deliver_until(self.clock() + delta)

    def in_use(self) -> ModelRef | None:
        self.training.active_model.forget()
        return self.training.active_model.find()

    def label_in_use(self) -> str | None:
        self.training.active_model.forget()
        return self.training.active_model.find_label("letters")

    def status(self) -> dict[str, Any]:
        """The answer of GET /api/status."""
        app: Any = SimpleNamespace(pipeline=self.pipeline, settings=self.settings, training=self.training)
        code, body, _ = App(lambda _: status.blueprint(app), self).request("get_status")  # type: ignore[arg-type]
        assert code == 200
        return body

    def open_jobs(self) -> list[dict[str, str]]:
        listed = self.stores["state"]._blobs.items()
        return [blob.info.metadata for name, blob in listed if name.startswith("jobs/active/")]

    def records(self) -> list[ClassificationRecord]:
        found = [self.classification(name) for name in self.stores["documents"]._blobs]
        return [record for record in found if record is not None]

    def locks(self) -> list[str]:
        return [name for name in self.stores["state"]._blobs if name.startswith(LOCKS)]

    def untruthful(self) -> list[str]:
        """Records that name another model than the one that classified their document."""
        return [
            f"{record.document.name}: {record.model.label} instead of {self.publishing.truth[job]}"
            for record in self.records()
            for job in record.job.analyze_jobs
            if record.model.label != self.publishing.truth[job]
        ]
