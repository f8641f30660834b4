"""A service that refuses every request, as real parts show it: Azurite, and the emulator over HTTP with its faults."""

from __future__ import annotations

import secrets
from datetime import timedelta

import pytest

from shared.batches.refusals import ASK_AGAIN
from shared.documents.inbox import document_of
from shared.messages import StepMessage
from shared.operations.operation import OperationState
from shared.services import Services, assemble
from tests.e2e.operations_world import OperationsWorld
from tests.log_watch import WATCH

pytestmark = pytest.mark.e2e

# field-cases/faults.json `deployment_expired`: what the emulator answers for one too.
EXPIRED = {
    "kind": "status",
    "status": 400,
    "code": "InvalidRequest",
    "message": "Deployment 'production' has expired.",
}
TEXT = "The invoice lists the wrong amount. Please send a corrected invoice and refund the double payment."


@pytest.fixture
def services(world: OperationsWorld) -> Services:
    """The app over containers and queues of its own, with a model that is really trained and published."""
    own = secrets.token_hex(4)
    names = {
        f"{name}_{kind}": f"{name}-{own}"
        for kind, of_kind in (
            ("container", ("documents", "classifications", "failures")),
            ("queue", ("documents", "collect", "batches")),
        )
        for name in of_kind
    }
    ended = world.run(world.retrain(model="next", force=True))
    assert ended.state is OperationState.SUCCEEDED, ended.reason
    for name, value in names.items():
        open_it = world.adapters.open_container if name.endswith("container") else world.adapters.open_queue
        open_it(value).ensure()
    return assemble(world.settings.model_copy(update=names), world.adapters)


def take_a_step(services: Services) -> bool:
    """Of every open batch, as its next message would; its delay is over."""
    opened = list(services.batches.store.list_open())
    for each in opened:
        services.batch_steps.advance(StepMessage(id=each.id))
    return bool(opened)


def submissions(world: OperationsWorld) -> int:
    return sum(world.requests("submit_analysis").values())


def test_documents_wait_while_every_request_is_refused_and_are_classified_when_it_ends(
    world: OperationsWorld, services: Services
) -> None:
    world.progress(analysis="immediate")
    documents = services.records.documents
    for number in range(25):
        content = f"{TEXT} Letter {number}.".encode()
        WATCH.note("", content)
        documents.put(f"letter-{number}.txt", content)
    before = submissions(world)
    world.inject("submit_analysis", EXPIRED, count=None)
    for info in documents.list():
        services.inbox.accept(services.settings.documents_container, document_of(info))
    services.collector.collect(world.moment.now() + timedelta(days=36_500))
    for _ in range(5):
        take_a_step(services)
    assert submissions(world) - before == 2, "the batch, and the probe"
    assert list(services.records.failures.list()) == []
    waiting = services.status().waiting
    assert waiting is not None
    assert "400 InvalidRequest: Deployment 'production' has expired." in waiting.why
    part = services.health().parts["submissions"]
    assert not part.healthy
    assert "refuses every request" in (part.problem or "")

    for _ in range(3):
        world.pass_time(ASK_AGAIN)
        take_a_step(services)
        take_a_step(services)
    assert submissions(world) - before == 2 + 3, "one probe a minute"

    world.mend()
    world.pass_time(ASK_AGAIN)
    for _ in range(5):
        world.pass_time(timedelta(seconds=5))
        if not take_a_step(services):
            break
    assert list(services.batches.store.list_open()) == []
    assert len(list(services.records.classifications.list())) == 25
    assert list(services.records.failures.list()) == []
    assert services.status().waiting is None
    assert services.health().parts["submissions"].healthy
