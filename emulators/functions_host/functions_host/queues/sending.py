"""Sending to queues that may not exist yet."""

from __future__ import annotations

import contextlib

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import QueueClient


def send_creating(queue: QueueClient, content: str) -> None:
    """Send; create the queue first when it is missing, as the host's own writer does."""
    try:
        queue.send_message(content)
    except ResourceNotFoundError:
        with contextlib.suppress(ResourceExistsError):  # another thread was quicker
            queue.create_queue()
        queue.send_message(content)
