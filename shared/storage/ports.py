"""The ports: what the pipeline asks of storage. Every call may raise StorageUnavailableError.

The adapters are blobs.py and queues.py; the fakes of the tests pass the same contract suite.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from shared.messages import Message


def is_addressable(name: str) -> bool:
    """False for names with `.` or `..` as a segment: HTTP resolves them, which would lead into another container.

    No blob can have such a name; an adapter answers as for a blob that does not exist.
    """
    return not {".", ".."} & set(re.split(r"[/\\]", name))


@dataclass(frozen=True)
class BlobInfo:
    """A blob's facts without its content. `etag` keeps its quotes; `size` is in bytes."""

    name: str
    etag: str
    last_modified: datetime
    size: int
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Blob:
    """A blob's content at one ETag: the bytes as they are stored, and what its uploader claims about them."""

    data: bytes
    etag: str
    content_type: str | None = None
    content_encoding: str | None = None


@dataclass(frozen=True)
class Page:
    """Part of a listing; `token` is None on the last one."""

    infos: list[BlobInfo]
    token: str | None


class BlobStore(Protocol):
    """One container."""

    def read(self, name: str, *, etag: str | None = None) -> Blob:
        """The stored bytes: no Content-Encoding is undone.

        Raises BlobNotFoundError; VersionChangedError when `etag` is given and no longer current; BlobUnreadableError
        when storage cannot give this blob and could give another.
        """
        ...

    def find(self, name: str) -> BlobInfo | None:
        """The blob's facts and metadata (one HEAD), or None."""
        ...

    def create(self, name: str, data: bytes, *, metadata: Mapping[str, str] | None = None) -> str:
        """One Put Blob, If-None-Match *. Returns the ETag; raises VersionChangedError when it exists."""
        ...

    def replace(self, name: str, data: bytes, *, etag: str, metadata: Mapping[str, str] | None = None) -> str:
        """One Put Blob, If-Match. Returns the ETag; raises VersionChangedError when changed or gone.

        Raises BlobUnreadableError when storage does not let this blob be replaced.
        """
        ...

    def put(self, name: str, data: bytes, *, metadata: Mapping[str, str] | None = None) -> str:
        """One unconditional Put Blob. Returns the ETag."""
        ...

    def delete(self, name: str, *, etag: str | None = None) -> bool:
        """False when it was gone already, is no longer at `etag`, or storage keeps it: a lease, a legal hold."""
        ...

    def list(self, prefix: str = "", *, metadata: bool = False) -> Iterator[BlobInfo]:
        """By name, in pages of up to 5,000 (one call each), fetched as the iterator is consumed."""
        ...

    def list_page(
        self, prefix: str = "", *, token: str | None = None, metadata: bool = True, limit: int | None = None
    ) -> Page:
        """One page of up to `limit` blobs, 5,000 without one: one call. `token` is the earlier page's, to go on there.

        A token may be used again, and later: it names the place in the order of names, whatever was written or deleted
        since. Storage does not say what is in it, so it comes from a listing and from nowhere else. Raises
        PlaceLostError where storage does not take it.
        """
        ...

    def ensure(self) -> None:
        """Create the container when it is missing."""
        ...


@dataclass(frozen=True)
class QueuedMessage:
    """A message as received or peeked. `text` is None when the body is not base64 of UTF-8; `raw` is always kept."""

    id: str
    raw: str
    text: str | None
    inserted_on: datetime
    dequeue_count: int
    pop_receipt: str | None = None


@dataclass(frozen=True)
class SentMessage:
    """A message as its sender holds it: as long as no one has received it, the receipt moves or deletes it."""

    id: str
    pop_receipt: str
    inserted_on: datetime


class MessageQueue(Protocol):
    """One queue. Messages never expire; bodies are base64, as the Functions host expects."""

    def send(self, message: Message, *, delay: timedelta = timedelta(0)) -> SentMessage:
        """A part of a second is waited for whole: no message comes earlier than it was asked for."""
        ...

    def move(self, sent: SentMessage, message: Message, *, delay: timedelta) -> SentMessage:
        """Give a message that was sent another body, and make it visible after `delay` from now; one call.

        Raises RaceLostError when it was received or deleted since, and goes on without us.
        """
        ...

    def peek(self, count: int) -> list[QueuedMessage]:
        """Up to 32 visible messages, oldest first, left where they are."""
        ...

    def receive(self, count: int, *, visibility: timedelta) -> list[QueuedMessage]:
        """Up to 32 messages, hidden from others for `visibility`. Receiving is the lock."""
        ...

    def delete(self, message: QueuedMessage | SentMessage) -> None:
        """Gone already, or received by someone else meanwhile, counts as success."""
        ...

    def length(self) -> int:
        """Approximate count, hidden messages included."""
        ...

    def ensure(self) -> None:
        """Create the queue when it is missing."""
        ...
