"""The pipeline and its operations on fakes under a virtual clock: models are trained and published while documents
arrive."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from shared.documents.record_schema import ClassificationRecord
from shared.durable.sweep import revive_stalled
from shared.language.values import ModelRef
from shared.messages import StepMessage
from shared.models.active_model import Held, InUse
from shared.operations.operation import Operation, RetrainRequest
from shared.operations.operations import LOCKS
from shared.storage.ports import QueuedMessage
from tests.fakes import FakeBlobStore, FakeQueue, serial_fan_out
from tests.faults.world import World
from tests.unit.operations.fake_authoring import FakeAuthoring

CLASSES = ("billing", "shipping")
API_VERSIONS = ("2021-preview", "2023-04-01")
TRAIN = ["train", "wait_training", "evaluate"]
PUBLISH = {
    "2021-preview": ["publish", "wait_publishing", "trial", "wait_trial", "switch"],
    "2023-04-01": ["publish", "wait_publishing", "trial", "wait_trial", "hold", "swap", "wait_swap", "switch"],
}
RETRAIN = {
    api_version: [
        *first,
        *TRAIN,
        *steps[: steps.index("wait_trial") + 1],
        "gate",
        *steps[steps.index("wait_trial") + 1 :],
    ]
    for (api_version, steps), first in zip(PUBLISH.items(), (["split"], ["import", "wait_import"]), strict=True)
}


def labels(documents: int = 20, dataset: str | None = None) -> dict[str, Any]:
    """A labels file in the form of 2022-05."""
    split = {"dataset": dataset} if dataset else {}
    return {
        "assets": {
            "projectKind": "customMultiLabelClassification",
            "classes": [{"category": name} for name in CLASSES],
            "documents": [
                {"location": f"t{number}.txt", "language": "en-us", "classes": [{"category": CLASSES[number % 2]}]}
                | split
                for number in range(documents)
            ],
        }
    }


@dataclass
class OperationsWorld(World):
    """A world whose model in use is the stored one, and whose host delivers the operations queue too."""

    authoring: FakeAuthoring = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.authoring = FakeAuthoring(self.service, self.clock)
        self.put_labels(labels())

    def start_process(self) -> None:
        self.stores.setdefault("training", FakeBlobStore("training", self.clock, self.call))
        super().start_process()
        self.batch_steps = self.services.batch_steps

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
            self.services.operation_steps.advance(StepMessage.model_validate_json(message.text or ""))
        else:
            super()._invoke(queue, message)

    # What people do and see.

    def put_labels(self, content: object) -> None:
        """Into the container, past the check of PUT labels."""
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.stores["training"]._write("labels.json", data, None, must_be="*")

    def start(self, label: str) -> Operation:
        return self.services.start_operations.publish("letters", label=label)

    def start_retraining(self, **request: object) -> Operation:
        return self.services.start_operations.retrain("letters", RetrainRequest.model_validate(request))

    def publish(self, label: str) -> Operation:
        """To its end, with everything else there is to do."""
        return self.finish(self.start(label))

    def retrain(self, **request: object) -> Operation:
        """To its end, with everything else there is to do."""
        return self.finish(self.start_retraining(**request))

    def finish(self, operation: Operation) -> Operation:
        self.run()
        return self.find(operation)

    def find(self, operation: Operation) -> Operation:
        found = self.services.operations.find(operation.id)
        assert found is not None
        return found

    def run_until(self, operation: Operation, *steps: str) -> Operation:
        """Deliver until the operation is at one of the steps, with its message still to come."""
        while (found := self.find(operation)).step.value not in steps:
            assert not found.is_ended, found.reason
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

    def revive_operations(self) -> int:
        return revive_stalled(self.services.operations.steps, serial_fan_out)

    def active_model(self) -> InUse:
        self.services.active_model.forget()
        return self.services.active_model.find()

    def in_use(self) -> ModelRef | None:
        """What batches are submitted to: nothing while a publication holds them."""
        found = self.active_model()
        return None if found is None or isinstance(found, Held) else found.model

    def label_in_use(self) -> str | None:
        self.services.active_model.forget()
        return self.services.active_model.find_label("letters")

    def status(self) -> dict[str, Any]:
        """The answer of GET /api/status."""
        return self.services.status().to_members()

    def batch_facts(self) -> list[dict[str, str]]:
        """The metadata of each open batch."""
        listed = self.stores["state"]._blobs.items()
        return [dict(blob.info.metadata) for name, blob in listed if name.startswith("batches/open/")]

    def records(self) -> list[ClassificationRecord]:
        found = [self.classification(name) for name in self.stores["documents"]._blobs]
        return [record for record in found if record is not None]

    def locks(self) -> list[str]:
        return [name for name in self.stores["state"]._blobs if name.startswith(LOCKS)]

    def untruthful(self) -> list[str]:
        """Records that name another model than the one that classified their document."""
        return [
            f"{record.document.name}: {record.model.label} instead of {self.authoring.truth[job]}"
            for record in self.records()
            for job in record.batch.jobs
            if record.model.label != self.authoring.truth[job]
        ]


def steps_of(operation: Operation) -> list[str]:
    """The steps that were taken, each named once, in their order. History names the step a line was written in."""
    return list(dict.fromkeys(event.what.partition(":")[0] for event in operation.history))
