"""What the host abandons: after five tries, or because it cannot decode it, it moves a message to `QUEUE-poison`.

No function is triggered by such a queue: the host would never deliver from it what it cannot decode, and what fails
there has nowhere else to go. The sweep takes from it instead, whatever a message holds.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from shared.durable.dead_letters import DeadLetters
from shared.storage.ports import MessageQueue, QueuedMessage

log = logging.getLogger("pigeonhole.dead_letters")

_SUFFIX = "-poison"
_MAX_QUEUE_NAME = 63
# The most that one call receives, and how often one pass asks.
RECEIVED_AT_ONCE = 32
MAX_ROUNDS = 30
# One pass takes no longer: the sweep has other work, and the host ends a function after five minutes.
MAX_DURATION = timedelta(seconds=30)
# What could not be handled comes back for the sweep after next at the latest, MAX_TRIES times.
HIDDEN_FOR = timedelta(minutes=4)
MAX_TRIES = 5


def queue_beside(name: str) -> str | None:
    """The queue to which the host moves what it abandons of `name`; None where the name leaves no room, and the host
    moves nothing."""
    beside = name.removesuffix(_SUFFIX) + _SUFFIX
    return beside if len(beside) <= _MAX_QUEUE_NAME else None


class Handle(Protocol):
    """What becomes of one message: it is kept, and whatever it was about goes on or ends. May be repeated."""

    def __call__(self, message_id: str, /, *, body: str) -> None: ...


@dataclass(frozen=True)
class Abandoned:
    """The messages that the host took out of the queue `name`; `queue` is the one they lie in."""

    name: str
    queue: MessageQueue
    handle: Handle
    dead_letters: DeadLetters
    clock: Callable[[], datetime]

    def __call__(self) -> int:
        """Handle messages for MAX_DURATION; returns how many. What one raises is raised once the others are handled."""
        # The host makes the queue when it abandons the first message.
        self.queue.ensure()
        handled = 0
        errors: list[Exception] = []
        deadline = self.clock() + MAX_DURATION
        for _ in range(MAX_ROUNDS):
            if self.clock() > deadline:
                break
            received = self.queue.receive(RECEIVED_AT_ONCE, visibility=HIDDEN_FOR)
            if not received:
                break
            for message in received:
                try:
                    self._handle(message)
                except Exception as error:
                    errors.append(error)
                    continue
                self.queue.delete(message)
                handled += 1
        if errors:
            raise errors[0]
        return handled

    def _handle(self, message: QueuedMessage) -> None:
        if message.text is None:
            self._keep(message, "not text in base64, so the host could not deliver it")
            return
        try:
            self.handle(message.id, body=message.text)
        except Exception as error:
            if message.dequeue_count < MAX_TRIES:
                raise
            self._keep(message, f"the host gave up on it, and handling it failed too: {type(error).__name__}")

    def _keep(self, message: QueuedMessage, reason: str) -> None:
        body = message.raw if message.text is None else message.text
        self.dead_letters.keep(queue=self.name, message_id=message.id, body=body, reason=reason)
