"""CPU of each kind of storage call, on the SDK's own transport and on ours in turns, and where the rest of it goes.

95 % of the app's CPU is in the SDK, so this is nearly all there is to profile. `--functions` adds the functions that
take most of it, by Python's own profiler, which slows everything down: its shares count, not its seconds.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from azure.core.pipeline.transport import HttpTransport, RequestsTransport
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from azurite_process.azurite import running_azurite
from bench.figures import median
from bench.report import Gate, report
from shared.documents.messages import WakeMessage
from shared.services import quiet_libraries
from shared.storage.blobs import AzureBlobStore
from shared.storage.ports import QueuedMessage
from shared.storage.queues import AzureMessageQueue
from shared.storage.transport import PooledTransport

NAME = "profile"
HELP = "CPU of each kind of storage call, on the SDK's transport and on ours"
TEXT = b"x" * 2000
RUNS = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--calls", type=int, default=100, help="of each kind in each of 5 runs (default %(default)s)")
    parser.add_argument("--functions", action="store_true", help="print the functions that take most of it")


def run(arguments: argparse.Namespace) -> bool:
    quiet_libraries()
    used: dict[str, dict[str, list[float]]] = {"the SDK's": {}, "ours": {}}
    profiler = cProfile.Profile()
    with running_azurite() as azurite, RequestsTransport() as theirs, PooledTransport() as ours:
        sides = {
            name: Calls(azurite.connection_string, transport, name[:2])
            for name, transport in (("the SDK's", theirs), ("ours", ours))
        }
        for number in range(RUNS + 1):  # the first connects
            for side, calls in sides.items():
                for kind, seconds in calls.measure(arguments.calls).items():
                    used[side].setdefault(kind, []).extend([1000 * seconds] if number else [])
        if arguments.functions:
            profiler.enable()
            sides["ours"].measure(arguments.calls)
            profiler.disable()
    if arguments.functions:
        pstats.Stats(profiler).sort_stats("tottime").print_stats(30)
    medians = {side: {kind: median(values) for kind, values in kinds.items()} for side, kinds in used.items()}
    whole = {side: sum(kinds.values()) for side, kinds in medians.items()}
    gate = Gate(
        "CPU of the storage calls, ours against the SDK's transport", whole["ours"] / whole["the SDK's"], 0.8, True
    )
    details = {f"{kind}, ms: {side}": value for side, kinds in medians.items() for kind, value in kinds.items()}
    return report(NAME, [gate], details)


class Calls:
    """The calls of a document's way, each kind many times."""

    def __init__(self, connection: str, transport: HttpTransport[Any, Any], name: str) -> None:
        blobs = BlobServiceClient.from_connection_string(connection, transport=transport)
        queues = QueueServiceClient.from_connection_string(connection, transport=transport)
        self._blobs = AzureBlobStore(blobs.get_container_client(f"profile-{name}".strip().lower()))
        self._queue = AzureMessageQueue(queues.get_queue_client(f"profile-{name}".strip().lower()))
        self._blobs.ensure()
        self._queue.ensure()

    def measure(self, count: int) -> dict[str, float]:
        """CPU seconds of one call, by kind. The stores are left empty."""
        names = [f"documents/{number}.txt.json" for number in range(count)]
        received: list[QueuedMessage] = []

        def send() -> None:
            for _ in names:
                self._queue.send(WakeMessage())

        def delete() -> None:
            for message in received:
                self._queue.delete(message)

        def receive() -> None:
            while len(received) < count:
                received.extend(self._queue.receive(32, visibility=timedelta(minutes=1)))

        kinds: dict[str, Callable[[], Any]] = {
            "write a record": lambda: [self._blobs.create(name, TEXT, metadata={"etag": "1"}) for name in names],
            "look a blob up": lambda: [self._blobs.find(name) for name in names],
            "read a document": lambda: [self._blobs.read(name) for name in names],
            "send a message": send,
            "receive messages, each": receive,
            "delete a message": delete,
            "delete a blob": lambda: [self._blobs.delete(name) for name in names],
        }
        found = {}
        for kind, call in kinds.items():
            begun = time.process_time()
            call()
            found[kind] = (time.process_time() - begun) / count
        return found
