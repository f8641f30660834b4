"""Operations and the service's limits on authoring: 10 requests that change something and 100 that read, a minute."""

from __future__ import annotations

from bisect import bisect_right

import httpx
import pytest

from azurite_process.azurite import Azurite
from shared.operations.operation import OperationState
from tests.e2e.operations_world import running_world
from tests.integration.authoring_world import AUTHORING, World
from tests.unit.operations.operations_world import API_VERSIONS

POSTS, GETS = 10, 100
MANY = 60


def most_in_a_minute(times: list[float]) -> int:
    """The largest number in any half-open minute, at whatever moment it begins."""
    return max(index + 1 - bisect_right(times, at - 60.0) for index, at in enumerate(times))


def test_one_operation_asks_for_little() -> None:
    world = World()
    operation = world.start("demo")
    world.run()
    assert world.find(operation).state is OperationState.SUCCEEDED
    assert [path for _, method, path in world.service.seen if method == "POST"] == ["/demo/train", "/demo/publish"]
    # 45 s of training looked at at once, after 2, 5 and then every 10 s; then evaluation and
    # publishing. The project is read before training, because of its container, and before the probe.
    assert len(world.service.times("GET", path="/train/jobs/")) == 7
    assert len(world.service.times("GET")) == 7 + 4


def test_many_operations_at_once_use_the_limits_and_never_exceed_them() -> None:
    world = World()
    world.service.training_takes = 170.0
    operations = [world.start(f"project{number}") for number in range(MANY)]
    world.run()
    assert {world.find(operation).state for operation in operations} == {OperationState.SUCCEEDED}
    posts, gets = world.service.times("POST", "PATCH", "PUT", "DELETE"), world.service.times("GET")
    assert len(posts) == 2 * MANY
    assert (most_in_a_minute(posts), most_in_a_minute(gets)) == (POSTS, GETS)
    # Twelve times ten, each a minute after the one before; and the wait for the trainings.
    assert 11 * 60 <= posts[-1] - posts[0] < 20 * 60


@pytest.mark.parametrize("told", [7, 37, 200])
@pytest.mark.parametrize(("method", "path"), [("POST", "/demo/train"), ("GET", "/demo/evaluation")])
def test_a_429_is_repeated_when_it_was_told_to_be_and_not_before(method: str, path: str, told: int) -> None:
    world = World()
    refused: list[float] = []

    def refuse_once(request: httpx.Request) -> httpx.Response | None:
        if refused or (request.method, request.url.path) != (method, AUTHORING + path):
            return None
        refused.append(world.monotonic())
        return httpx.Response(429, headers={"Retry-After": str(told)}, json={"error": {"code": "429"}})

    world.service.disturb = refuse_once
    operation = world.start("demo")
    world.run()
    assert world.find(operation).state is OperationState.SUCCEEDED
    first, second = world.service.times(method, path=path)
    assert first == refused[0]
    assert told <= second - first <= told + 1.5


@pytest.mark.parametrize("api_version", API_VERSIONS)
def test_a_service_with_a_narrow_limit_is_served_without_haste(azurite: Azurite, api_version: str) -> None:
    """The emulator counts for itself; our own rate limiters are off."""
    with running_world(azurite, api_version, authoring_requests_per_minute=6) as world:
        ended = world.run(world.retrain(model="next"))
        assert (ended.state, world.active_label()) == (OperationState.SUCCEEDED, "next")
        answers = [world.requests(operation) for operation in world.control("GET", "requests")["operations"]]
        assert sum(answer.get("429", 0) for answer in answers) > 0
        assert len(world.jobs("training")) == 1
