"""Tells a listener that this process has just put a message into its queue, so that it looks at once.

Only output bindings and the blob source do; what an app sends with the SDK is found by polling, as in Azure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from azure.storage.queue import QueueClient


class Wakeups:
    def __init__(self) -> None:
        self._listeners: defaultdict[str, list[Callable[[], None]]] = defaultdict(list)

    def register(self, queue: QueueClient, wake: Callable[[], None]) -> None:
        self._listeners[queue.url].append(wake)

    def wake(self, queue: QueueClient) -> None:
        for wake in self._listeners.get(queue.url, ()):
            wake()
