"""Queue functions in a running host, on real Azurite."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import httpx
import pytest

from azurite_process.azurite import Azurite
from functions_host.process import HostHandle
from functions_host.timings import HostTimings
from azurite_process.processes import wait_until
from tests.harness import FAST, PATIENCE, ProbeRun


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
        lambda: any("hopeless" in fact["body"] for fact in shared_run.seen("bury")), seconds=PATIENCE, what="a burial"
    )
    assert orders(shared_run, "hopeless") == [1, 2, 3]


@pytest.mark.usefixtures("host")
def test_text_that_is_not_base64_reaches_the_poison_queue_without_a_call(shared_run: ProbeRun) -> None:
    shared_run.order(label="first")
    shared_run.queues.get_queue_client(f"{shared_run.name}-orders").send_message("{plain}")
    wait_orders(shared_run, "first", [1])
    wait_empty(shared_run, "orders")
    assert shared_run.depth(f"{shared_run.name}-orders-poison") >= 1


def test_an_output_binding_makes_its_queue_and_wakes_the_listener(shared_run: ProbeRun, host: HostHandle) -> None:
    placed = [{"label": f"placed-{number}"} for number in range(3)]
    assert httpx.post(f"{host.url}/api/orders", json=placed).status_code == 204
    for order in placed:
        wait_orders(shared_run, order["label"], [1])


@pytest.fixture(scope="module")
def slow_run(azurite: Azurite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProbeRun]:
    probe = ProbeRun(azurite, tmp_path_factory.mktemp("slow"))
    yield probe
    probe.close()


@pytest.fixture(scope="module")
def slow_host(slow_run: ProbeRun) -> Iterator[HostHandle]:
    """Messages come back after a second; a function may take two."""
    with slow_run.host(HostTimings(receive_visibility=1, renewal=0.4, max_polling=0.2, drain=1)) as handle:
        yield handle


@pytest.mark.usefixtures("slow_host")
def test_a_message_stays_hidden_while_its_function_runs_longer_than_its_visibility(slow_run: ProbeRun) -> None:
    slow_run.order(label="long", sleep=1.7)
    wait_orders(slow_run, "long", [1])
    wait_empty(slow_run, "orders")
    assert orders(slow_run, "long") == [1]


def test_a_timeout_neither_deletes_nor_releases(slow_run: ProbeRun, slow_host: HostHandle) -> None:
    slow_run.order(label="hangs", sleep=4)

    def lines(text: str) -> list[str]:
        return [line for line in slow_host.process.log_text().splitlines() if text in line]

    wait_until(lambda: bool(lines("Executed take_order (Timed out")), seconds=PATIENCE, what="a timeout")
    wait_until(lambda: bool(lines("dequeue count 2")), seconds=PATIENCE, what="a second delivery")
    # Not released: it comes back only when the visibility of the last renewal ends.
    assert moment(lines("dequeue count 2")[0]) - moment(lines("(Timed out")[0]) > timedelta(seconds=0.4)
    assert slow_run.depth(f"{slow_run.name}-orders-poison") == 0


def moment(line: str) -> datetime:
    """The time at the start of a line of the log."""
    return datetime.strptime(line.split()[0], "%H:%M:%S.%fZ")


def test_no_more_messages_run_at_once_than_batch_and_threshold(run: ProbeRun) -> None:
    settings = {
        "AzureFunctionsJobHost__extensions__queues__batchSize": "2",
        "AzureFunctionsJobHost__extensions__queues__newBatchThreshold": "1",
    }
    for number in range(8):
        run.order(label=f"{number}", sleep=(0.2, 0.6)[number % 2])
    with run.host(FAST, **settings) as host:
        run.wait_seen("take_order", 8)
    running = most = 0
    for line in host.process.log_text().splitlines():
        running += ("Executing take_order" in line) - ("Executed take_order" in line)
        most = max(most, running)
    assert most == 3


def test_messages_without_encoding_are_read_as_they_are(run: ProbeRun) -> None:
    queue = run.queues.create_queue(f"{run.name}-orders")
    queue.send_message('{"label": "plain"}')
    with run.host(FAST, AzureFunctionsJobHost__extensions__queues__messageEncoding="none"):
        wait_orders(run, "plain", [1])
    queue.close()
