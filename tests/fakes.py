"""In-memory storage behind the ports, with a virtual clock and a hook on every call. Held to tests/contract/."""

from __future__ import annotations

import base64
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar

from shared.config import Settings
from shared.errors import BlobNotFoundError, BlobUnreadableError, RaceLostError, VersionChangedError
from shared.messages import Message
from shared.storage.ports import Blob, BlobInfo, Page, QueuedMessage, SentMessage, is_addressable
from shared.storage.queues import decode_body
from tests.log_watch import WATCH

T = TypeVar("T")
R = TypeVar("R")

START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def app_settings(**changes: object) -> Settings:
    """Settings that need no environment."""
    values: dict[str, object] = {
        "data_storage": "UseDevelopmentStorage=true",
        "documents_container": "documents",
        "collect_queue": "collect",
        "batches_queue": "batches",
        "operations_queue": "operations",
        "events_queue": "events",
        "language_endpoint": "http://127.0.0.1:9",
        "language_key": "test-key",
        "language_project": "letters",
        "language_requests_per_minute": 0,
        "reconcile_schedule": "0 */5 * * * *",
        "sweep_schedule": "0 */5 * * * *",
    }
    return Settings(**(values | changes))


class VirtualClock:
    """Time that passes only when told."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, delta: timedelta) -> None:
        self.now += delta


class Hook(Protocol):
    """Is given the name of each external call and its effect; what it returns is the call's result."""

    def __call__(self, name: str, effect: Callable[[], T], /) -> T: ...


def no_hook(_name: str, effect: Callable[[], T]) -> T:
    return effect()


def serial_fan_out(function: Callable[[T], R], items: Iterable[T], /) -> list[R]:
    return [function(item) for item in items]


def utf16(name: str) -> bytes:
    return name.encode("utf-16-be", "surrogatepass")


@dataclass
class StoredBlob:
    """A blob as the container holds it."""

    data: bytes
    info: BlobInfo
    content_type: str | None = None
    content_encoding: str | None = None
    unreadable: str | None = None


class FakeBlobStore:
    """A container in memory. ETags are unique; last-modified has whole seconds, as the service's has."""

    _etags = itertools.count(1)
    page_size = 5_000

    def __init__(self, name: str, clock: Callable[[], datetime], hook: Hook = no_hook) -> None:
        self.name, self._clock, self._hook = name, clock, hook
        self._blobs: dict[str, StoredBlob] = {}

    # What tests do behind the app's back: no hook sees it.

    @property
    def blobs(self) -> dict[str, StoredBlob]:
        """By name; to look at, and to change."""
        return self._blobs

    def write_unhooked(self, name: str, data: bytes, metadata: Mapping[str, str] | None = None) -> BlobInfo:
        self._write(name, data, metadata, must_be="*")
        return self._blobs[name].info

    def read(self, name: str, *, etag: str | None = None) -> Blob:
        return self._hook(f"{self.name}.read", lambda: self._read(name, etag))

    def _read(self, name: str, etag: str | None) -> Blob:
        # A name that is not addressable never gets in (see _write), so nothing is found under it.
        stored = self._blobs.get(name)
        if stored is None:
            raise BlobNotFoundError(name)
        if etag is not None and stored.info.etag != etag:
            raise VersionChangedError(name)
        if stored.unreadable:
            raise BlobUnreadableError(stored.unreadable)
        return Blob(stored.data, stored.info.etag, stored.content_type, stored.content_encoding)

    def upload(
        self, name: str, data: bytes, *, content_type: str | None = None, content_encoding: str | None = None
    ) -> str:
        """What an uploader does with a tool of theirs; the app itself writes JSON only."""
        etag = self.put(name, data)
        self._blobs[name].content_type, self._blobs[name].content_encoding = content_type, content_encoding
        return etag

    def archive(self, name: str) -> None:
        """As a lifecycle rule does: the blob is listed, and neither read nor replaced."""
        self._blobs[name].unreadable = f"storage does not give the blob {name!r}: it is in the archive tier"

    def find(self, name: str) -> BlobInfo | None:
        return self._hook(f"{self.name}.find", lambda: self._blobs[name].info if name in self._blobs else None)

    def create(self, name: str, data: bytes, *, metadata: Mapping[str, str] | None = None) -> str:
        return self._hook(f"{self.name}.create", lambda: self._write(name, data, metadata, must_be=None))

    def replace(self, name: str, data: bytes, *, etag: str, metadata: Mapping[str, str] | None = None) -> str:
        return self._hook(f"{self.name}.replace", lambda: self._write(name, data, metadata, must_be=etag))

    def put(self, name: str, data: bytes, *, metadata: Mapping[str, str] | None = None) -> str:
        return self._hook(f"{self.name}.put", lambda: self._write(name, data, metadata, must_be="*"))

    def _write(self, name: str, data: bytes, metadata: Mapping[str, str] | None, *, must_be: str | None) -> str:
        if not is_addressable(name):
            raise ValueError(f"no blob can be called {name!r}")
        stored = self._blobs.get(name)
        if must_be is None and stored is not None:
            raise VersionChangedError(name)
        if must_be not in (None, "*") and (stored is None or stored.info.etag != must_be):
            raise VersionChangedError(name)
        if stored is not None and stored.unreadable:
            raise BlobUnreadableError(stored.unreadable)
        if self.name == "documents":
            WATCH.note(name, data)
        etag = f'"0x{next(self._etags):08X}"'
        modified = self._clock().replace(microsecond=0)
        self._blobs[name] = StoredBlob(data, BlobInfo(name, etag, modified, len(data), dict(metadata or {})))
        return etag

    def delete(self, name: str, *, etag: str | None = None) -> bool:
        return self._hook(f"{self.name}.delete", lambda: self._delete(name, etag))

    def _delete(self, name: str, etag: str | None) -> bool:
        stored = self._blobs.get(name)
        if stored is None or (etag is not None and stored.info.etag != etag):
            return False
        del self._blobs[name]
        return True

    def list(self, prefix: str = "", *, metadata: bool = False) -> Iterator[BlobInfo]:
        token: str | None = None
        while True:
            page = self.list_page(prefix, token=token, metadata=metadata)
            yield from page.infos
            token = page.token
            if token is None:
                return

    def list_page(
        self, prefix: str = "", *, token: str | None = None, metadata: bool = True, limit: int | None = None
    ) -> Page:
        # The service's order is that of UTF-16 code units, and a page has 5,000 names.
        def page() -> Page:
            after, size = utf16(token) if token else b"", min(limit or self.page_size, self.page_size)
            names = sorted((utf16(name), name) for name in self._blobs if name.startswith(prefix))
            found = [self._blobs[name].info for key, name in names if key > after]
            infos = found[:size] if metadata else [replace(info, metadata={}) for info in found[:size]]
            return Page(infos, infos[-1].name if len(found) > size else None)

        return self._hook(f"{self.name}.list", page)

    def ensure(self) -> None:
        return None


@dataclass
class _Message:
    id: str
    body: str
    inserted_on: datetime
    visible_at: datetime
    dequeue_count: int = 0
    pop_receipt: str = ""


class FakeQueue:
    """A queue in memory: visibility, receipts and dequeue counts as the service keeps them."""

    _numbers = itertools.count(1)

    def __init__(self, name: str, clock: Callable[[], datetime], hook: Hook = no_hook) -> None:
        self.name, self._clock, self._hook = name, clock, hook
        self._messages: list[_Message] = []

    def texts(self) -> list[str]:
        """The bodies of all messages, hidden ones included; no hook sees it."""
        return [decode_body(message.body) or "" for message in self._messages]

    def clear(self) -> None:
        """Lose every message; no hook sees it."""
        self._messages.clear()

    def send(self, message: Message, *, delay: timedelta = timedelta(0)) -> SentMessage:
        body, whole = _encode(message), _whole_seconds(delay)
        return self._hook(f"{self.name}.send", lambda: self.send_raw(body, delay=whole))

    def send_raw(self, body: str, *, delay: timedelta = timedelta(0)) -> SentMessage:
        now = self._clock()
        # Whole seconds for the insertion time, as the service tells it.
        inserted = now.replace(microsecond=0)
        number, receipt = f"m{next(self._numbers)}", f"r{next(self._numbers)}"
        self._messages.append(_Message(number, body, inserted, now + delay, pop_receipt=receipt))
        return SentMessage(number, receipt, inserted)

    def move(self, sent: SentMessage, message: Message, *, delay: timedelta) -> SentMessage:
        body, whole = _encode(message), _whole_seconds(delay)
        return self._hook(f"{self.name}.move", lambda: self._move(sent, body, whole))

    def _move(self, sent: SentMessage, body: str, delay: timedelta) -> SentMessage:
        for each in self._messages:
            if (each.id, each.pop_receipt) == (sent.id, sent.pop_receipt):
                each.body, each.visible_at = body, self._clock() + delay
                each.pop_receipt = f"r{next(self._numbers)}"
                return SentMessage(each.id, each.pop_receipt, each.inserted_on)
        raise RaceLostError(sent.id)

    def peek(self, count: int) -> list[QueuedMessage]:
        return self._hook(f"{self.name}.peek", lambda: [_peeked(message) for message in self._visible()[:count]])

    def receive(self, count: int, *, visibility: timedelta) -> list[QueuedMessage]:
        return self._hook(f"{self.name}.receive", lambda: self.receive_unhooked(count, visibility))

    def receive_unhooked(self, count: int, visibility: timedelta) -> list[QueuedMessage]:
        received = self._visible()[:count]
        for message in received:
            message.visible_at = self._clock() + visibility
            message.dequeue_count += 1
            message.pop_receipt = f"r{next(self._numbers)}"
        return [_queued(message) for message in received]

    def delete(self, message: QueuedMessage | SentMessage) -> None:
        self._hook(f"{self.name}.delete", lambda: self.delete_unhooked(message))

    def delete_unhooked(self, message: QueuedMessage | SentMessage) -> None:
        self._messages = [
            each for each in self._messages if (each.id, each.pop_receipt) != (message.id, message.pop_receipt)
        ]

    def release(self, message: QueuedMessage, delay: timedelta) -> None:
        for each in self._messages:
            if each.id == message.id:
                each.visible_at = self._clock() + delay

    def length(self) -> int:
        return self._hook(f"{self.name}.length", lambda: len(self._messages))

    def ensure(self) -> None:
        return None

    def next_visible(self) -> datetime | None:
        return min((message.visible_at for message in self._messages), default=None)

    def _visible(self) -> list[_Message]:
        return [message for message in self._messages if message.visible_at <= self._clock()]


def _encode(message: Message) -> str:
    return base64.b64encode(message.to_text().encode()).decode()


def _whole_seconds(delay: timedelta) -> timedelta:
    return timedelta(seconds=math.ceil(max(0.0, delay.total_seconds())))


def _peeked(message: _Message) -> QueuedMessage:
    return replace(_queued(message), pop_receipt=None)


def _queued(message: _Message) -> QueuedMessage:
    return QueuedMessage(
        message.id,
        message.body,
        decode_body(message.body),
        message.inserted_on,
        message.dequeue_count,
        message.pop_receipt or None,
    )
