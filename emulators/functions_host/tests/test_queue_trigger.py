"""Queue functions in a running host, on real Azurite."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest
from azure.core.exceptions import ResourceExistsError

from azurite_process.azurite import Azurite
from azurite_process.processes import wait_until
from functions_host.timings import HostTimings
from tests.harness import FAST, PATIENCE, ProbeRun
from tests.hosts import RunningHost, starter_of


def orders(run: ProbeRun, label: str) -> list[int]:
    """The dequeue counts with which take_order has seen the order of this label."""
    return sorted(fact["dequeue_count"] for fact in run.seen("take_order") if fact["order"].get("label") == label)


def wait_orders(run: ProbeRun, label: str, expected: list[int]) -> None:
    wait_until(lambda: orders(run, label) == expected, seconds=PATIENCE, what=f"{label}: {expected}")


def wait_empty(run: ProbeRun, queue: str) -> None:
    wait_until(lambda: run.depth(f"{run.name}-{queue}") == 0, seconds=PATIENCE, what=f"an empty queue {queue}")


@pytest.mark.usefixtures("host")
def test_a_message_is_delivered_once_and_deleted(shared_run: ProbeRun) -> None:
    shared_run.order(label="once")
    wait_orders(shared_run, "once", [1])
    wait_empty(shared_run, "orders")


@pytest.mark.usefixtures("host")
def test_a_failing_message_is_tried_again_with_its_count(shared_run: ProbeRun) -> None:
    shared_run.order(label="twice", fail=1)
    wait_orders(shared_run, "twice", [1, 2])
    wait_empty(shared_run, "orders")


@pytest.mark.usefixtures("host")
def test_a_message_that_fails_to_the_end_reaches_the_poison_queue_as_it_was(shared_run: ProbeRun) -> None:
    shared_run.order(label="hopeless", fail=9)
    wait_until(
        lambda: any("hopeless" in fact["body"] for fact in shared_run.seen("read_poison")),
        seconds=PATIENCE,
        what="it",
    )
    assert orders(shared_run, "hopeless") == [1, 2, 3]


@pytest.mark.usefixtures("host")
def test_text_that_is_not_base64_reaches_the_poison_queue_without_a_call(shared_run: ProbeRun) -> None:
    shared_run.order(label="first")
    shared_run.queues.get_queue_client(f"{shared_run.name}-orders").send_message("{plain}")
    wait_orders(shared_run, "first", [1])
    wait_empty(shared_run, "orders")
    assert shared_run.depth(f"{shared_run.name}-orders-poison") >= 1


@pytest.mark.usefixtures("host")
def test_text_that_is_not_base64_stays_in_a_poison_queue(shared_run: ProbeRun) -> None:
    """It is never delivered: nowhere is left to put it."""
    poison = shared_run.queues.get_queue_client(f"{shared_run.name}-orders-poison")
    with suppress(ResourceExistsError):
        poison.create_queue()
    poison.send_message("{undecodable}")
    shared_run.queue("orders-poison").send_message("decodable")
    wait_until(
        lambda: any(fact["body"] == "decodable" for fact in shared_run.seen("read_poison")),
        seconds=PATIENCE,
        what="the message behind it",
    )
    assert not any("undecodable" in fact["body"] for fact in shared_run.seen("read_poison"))
    assert shared_run.depth(f"{shared_run.name}-orders-poison") > 0


@pytest.fixture(scope="module")
def slow_run(azurite: Azurite, tmp_path_factory: pytest.TempPathFactory, host_kind: str) -> Iterator[ProbeRun]:
    probe = ProbeRun(azurite, tmp_path_factory.mktemp("slow"), starter_of(host_kind))
    yield probe
    probe.close()


@pytest.fixture(scope="module")
def slow_host(slow_run: ProbeRun) -> Iterator[RunningHost]:
    """Messages come back after a second; a function may take two."""
    with slow_run.host(HostTimings(receive_visibility=1, renewal=0.4, drain=1)) as handle:
        yield handle


@pytest.mark.usefixtures("slow_host")
def test_a_message_stays_hidden_while_its_function_runs_longer_than_its_visibility(slow_run: ProbeRun) -> None:
    slow_run.order(label="long", sleep=1.7)
    wait_orders(slow_run, "long", [1])
    wait_empty(slow_run, "orders")
    assert orders(slow_run, "long") == [1]


@pytest.mark.usefixtures("slow_host")
def test_a_message_whose_function_timed_out_is_released_and_in_the_end_poisoned(slow_run: ProbeRun) -> None:
    """Three deliveries of two seconds each; were it kept hidden, Microsoft's host would need half an hour."""
    slow_run.order(label="hangs", sleep=4)
    wait_until(
        lambda: any("hangs" in fact["body"] for fact in slow_run.seen("read_poison")), seconds=PATIENCE, what="it"
    )
    slow_run.order(label="next")
    wait_orders(slow_run, "next", [1])


def test_no_more_messages_run_at_once_than_batch_and_threshold(run: ProbeRun) -> None:
    settings = {
        "AzureFunctionsJobHost__extensions__queues__batchSize": "2",
        "AzureFunctionsJobHost__extensions__queues__newBatchThreshold": "1",
    }
    for number in range(8):
        run.order(label=f"{number}", sleep=(0.2, 0.6)[number % 2])
    with run.host(FAST, **settings):
        facts = run.wait_seen("take_order", 8)
    assert max(sum(other["began"] <= fact["began"] < other["ended"] for other in facts) for fact in facts) == 3


def test_messages_without_encoding_are_read_as_they_are(run: ProbeRun) -> None:
    queue = run.queues.create_queue(f"{run.name}-orders")
    queue.send_message('{"label": "plain"}')
    with run.host(FAST, AzureFunctionsJobHost__extensions__queues__messageEncoding="none"):
        wait_orders(run, "plain", [1])
    queue.close()
