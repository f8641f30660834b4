"""What happens to one received message: invoke, then delete, release or poison it.

The rules and their order are those of azure-sdk-for-net, Shared/Queues/QueueProcessor.cs.
"""

from __future__ import annotations

import base64
import binascii
import logging
from collections.abc import Callable
from dataclasses import dataclass

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.storage.queue import QueueClient, QueueMessage

from functions_host.faults import CrashPoint, Faults
from functions_host.message_lease import LeaseKeeper, MessageLease
from functions_host.queues.sending import send_creating
from functions_host.worker.invocation import Outcome

log = logging.getLogger("functions_host.queues")

POISON_SUFFIX = "-poison"
MAX_QUEUE_NAME = 63
_BAD_REQUEST = 400


@dataclass(frozen=True)
class ReceivedMessage:
    """A message with its body decoded."""

    body: bytes
    raw: QueueMessage


@dataclass(frozen=True)
class MessageRules:
    """How a listener treats the messages of its queue."""

    is_base64: bool
    max_dequeue_count: int
    release_seconds: float
    """host.json's visibilityTimeout: the delay before a failed message is tried again."""
    find_poison_queue: Callable[[bytes | None], QueueClient | None]
    """Where a message with this body goes in the end; None keeps it. The body is None when it could not be decoded."""
    drops_undecodable: bool = False
    """True for the blob trigger's internal queue; the others poison what is no base64 (azure-sdk-for-net#18326)."""


class MessageProcessor:
    def __init__(
        self,
        queue: QueueClient,
        rules: MessageRules,
        handle: Callable[[ReceivedMessage], tuple[str, Outcome]],
        keeper: LeaseKeeper,
        faults: Faults,
    ) -> None:
        """`handle` runs the function and gives back its name and the outcome."""
        self._queue = queue
        self._rules = rules
        self._handle = handle
        self._keeper = keeper
        self._faults = faults

    def process(self, message: QueueMessage) -> None:
        lease = MessageLease(self._queue, str(message.id), str(message.pop_receipt))
        body = decode_body(message.content, is_base64=self._rules.is_base64)
        if body is None:
            log.error("Message %s of %s is not base64 text", message.id, self._queue.queue_name)
            self._give_up(message, lease, None)
        elif self._is_exhausted(message, body):
            # The host died in the last try: poisoned without calling the function once more.
            self._give_up(message, lease, body)
        else:
            self._invoke(ReceivedMessage(body, message), lease)

    def _is_exhausted(self, message: QueueMessage, body: bytes) -> bool:
        # Without a poison queue the limit does not apply (storage extension 5.3.8).
        too_often = (message.dequeue_count or 0) > self._rules.max_dequeue_count
        return too_often and self._rules.find_poison_queue(body) is not None

    def _invoke(self, received: ReceivedMessage, lease: MessageLease) -> None:
        with self._keeper.keeping(lease):
            function_name, outcome = self._handle(received)
        if outcome is Outcome.SUCCEEDED:
            self._complete(received.raw, lease)
            self._faults.reached(CrashPoint.AFTER_DELETE, function_name)
        else:
            self._fail(received, lease)

    def _complete(self, message: QueueMessage, lease: MessageLease) -> None:
        if self._faults.wants_duplicate(message.dequeue_count or 0):
            log.warning("Delivering message %s of %s twice, as requested", message.id, self._queue.queue_name)
            self._release(lease, 0)
        else:
            self._delete(lease)

    def _fail(self, received: ReceivedMessage, lease: MessageLease) -> None:
        message = received.raw
        if self._rules.find_poison_queue(received.body) is None:
            # Neither poisoned nor released: hidden until the receive visibility ends, which avoids a hot loop.
            return
        if (message.dequeue_count or 0) >= self._rules.max_dequeue_count:
            self._give_up(message, lease, received.body)
        else:
            self._release(lease, self._rules.release_seconds)

    def _give_up(self, message: QueueMessage, lease: MessageLease, body: bytes | None) -> None:
        """Copy to the poison queue first, delete then: a crash in between repeats, and never loses."""
        if body is None and self._rules.drops_undecodable:
            self._delete(lease)
            return
        poison = self._rules.find_poison_queue(body)
        if poison is None:
            return
        send_creating(poison, message.content)
        why = "cannot be read" if body is None else f"has reached MaxDequeueCount of {self._rules.max_dequeue_count}"
        log.warning("Message %s %s: moved to queue %s", message.id, why, poison.queue_name)
        self._delete(lease)

    def _delete(self, lease: MessageLease) -> None:
        with lease.lock:
            self._if_still_ours(lambda: self._queue.delete_message(lease.message_id, lease.pop_receipt))

    def _release(self, lease: MessageLease, seconds: float) -> None:
        with lease.lock:
            self._if_still_ours(lambda: lease.renew(seconds))

    def _if_still_ours(self, act: Callable[[], None]) -> None:
        """A message that is gone or has another receipt belongs to someone else, and is left to them."""
        try:
            act()
        except ResourceNotFoundError:
            log.debug("A message of %s is gone", self._queue.queue_name)
        except HttpResponseError as error:
            # PopReceiptMismatch is a 400, as Azurite's PopReceiptNotMatch; nothing else about these calls can be one.
            if error.status_code != _BAD_REQUEST:
                raise
            log.debug("A message of %s has another receipt now", self._queue.queue_name)


def decode_body(content: str, *, is_base64: bool) -> bytes | None:
    """The body, or None when base64 was expected and this is not."""
    if not is_base64:
        return content.encode("utf-8")
    try:
        return base64.b64decode("".join(content.split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def poison_name(queue_name: str) -> str | None:
    """None for a queue that is itself a poison queue, or whose poison queue's name would be too long."""
    name = queue_name + POISON_SUFFIX
    return None if queue_name.endswith(POISON_SUFFIX) or len(name) > MAX_QUEUE_NAME else name
