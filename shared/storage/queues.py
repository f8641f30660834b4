"""The adapter to storage queues, and the only writer of queue messages.

Bodies are base64, as the host expects (host.json messageEncoding): a plain body would become a dead letter at once.
"""

from __future__ import annotations

import base64
import binascii
import math
from datetime import UTC, datetime, timedelta

from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import QueueClient
from azure.storage.queue import QueueMessage as SdkMessage

from shared.errors import RaceLostError
from shared.messages import Message
from shared.storage.outages import Outages, Place, error_code
from shared.storage.ports import QueuedMessage, SentMessage

# The service takes no longer visibility timeout: 7 days.
MAX_DELAY_SECONDS = 7 * 24 * 3600
# "The message specified has been received by someone else, or was updated": not ours any more.
_RECEIPT_LOST = frozenset({"PopReceiptMismatch", "PopReceiptNotMatch", "MessageNotFound"})


class AzureMessageQueue:
    """One queue of Azure Storage or Azurite; implements the MessageQueue port."""

    def __init__(self, client: QueueClient, outages: Outages | None = None) -> None:
        self._client = client
        self._place = Place(f"queue {client.queue_name}", outages or Outages(lambda: datetime.now(UTC)))

    def send(self, message: Message, *, delay: timedelta = timedelta(0)) -> SentMessage:
        with self._place.calling("send"):
            sent = self._client.send_message(
                _encode(message), visibility_timeout=_whole_seconds(delay) or None, time_to_live=-1
            )
        return _sent(sent)

    def move(self, sent: SentMessage, message: Message, *, delay: timedelta) -> SentMessage:
        with self._place.calling("move"):
            try:
                moved = self._client.update_message(
                    sent.id,
                    pop_receipt=sent.pop_receipt,
                    content=_encode(message),
                    visibility_timeout=_whole_seconds(delay),
                )
            except HttpResponseError as error:
                if not isinstance(error, ResourceNotFoundError) and error_code(error) not in _RECEIPT_LOST:
                    raise
                raise RaceLostError(f"the message {sent.id} was received by another") from error
        return SentMessage(sent.id, str(moved.pop_receipt), sent.inserted_on)

    def peek(self, count: int) -> list[QueuedMessage]:
        with self._place.calling("peek"):
            return [_queued(message) for message in self._client.peek_messages(max_messages=count)]

    def receive(self, count: int, *, visibility: timedelta) -> list[QueuedMessage]:
        pages = self._client.receive_messages(
            messages_per_page=count, max_messages=count, visibility_timeout=round(visibility.total_seconds())
        ).by_page()
        # One page is one call; asking for the next would only pay for an empty answer.
        with self._place.calling("receive"):
            return [_queued(message) for message in next(pages, ())]

    def delete(self, message: QueuedMessage | SentMessage) -> None:
        with self._place.calling("delete"):
            try:
                self._client.delete_message(message.id, pop_receipt=message.pop_receipt)
            except ResourceNotFoundError:
                return
            except HttpResponseError as error:
                if error_code(error) not in _RECEIPT_LOST:
                    raise

    def length(self) -> int:
        with self._place.calling("length"):
            return int(self._client.get_queue_properties().approximate_message_count or 0)

    def ensure(self) -> None:
        with self._place.calling("ensure"):
            try:
                self._client.create_queue()
            except ResourceExistsError:
                return


def decode_body(raw: str) -> str | None:
    """The text of a base64 body, or None when it is not base64 of UTF-8."""
    try:
        return base64.b64decode(raw, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return None


def _encode(message: Message) -> str:
    return base64.b64encode(message.to_text().encode()).decode()


def _whole_seconds(delay: timedelta) -> int:
    """Rounded up, because no message may come earlier than the service asked for."""
    return min(MAX_DELAY_SECONDS, max(0, math.ceil(delay.total_seconds())))


def _sent(message: SdkMessage) -> SentMessage:
    return SentMessage(str(message.id), str(message.pop_receipt), message.inserted_on or datetime.now(UTC))


def _queued(message: SdkMessage) -> QueuedMessage:
    raw = str(message.content)
    return QueuedMessage(
        id=str(message.id),
        raw=raw,
        text=decode_body(raw),
        inserted_on=message.inserted_on or datetime.now(UTC),  # always there; the SDK's type does not say so
        dequeue_count=int(message.dequeue_count or 0),
        pop_receipt=message.pop_receipt,
    )
