"""Which model is in use is known while a publication holds submissions; only submitting waits."""

from __future__ import annotations

from shared.language.models import ModelRef, ProjectKind
from shared.training.active_model import ActiveModelRecord, StoredActiveModel
from shared.training.context import Training
from shared.training.operation import ReclassifyRequest
from shared.training.reclassify import wanted_model

from tests.fakes import FakeBlobStore, FakeQueue
from tests.faults.world import World


def test_older_than_the_active_model_means_the_same_while_submissions_are_held() -> None:
    world = World()
    active = StoredActiveModel(world.stores["state"], world.settings, world.clock)
    queue = FakeQueue("operations-queue", world.clock)
    training = Training(world.pipeline, queue, active, lambda name: FakeBlobStore(name, world.clock))
    model = ModelRef(project="letters", kind=ProjectKind.MULTI, reference="production", label="second")
    active.switch(ActiveModelRecord(model=model, api_version="2023-04-01", published=world.clock()))
    request = ReclassifyRequest(older_than_model=True)
    assert wanted_model(training, request) == "second"
    assert active.hold(world.clock())
    assert active.find() is None
    assert wanted_model(training, request) == "second"
