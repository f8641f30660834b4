"""A kind of record as small as one can be, its store on a fake container, and its queue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from pydantic import TypeAdapter

from shared.durable.record import STEP_ALLOWANCE, Facts, Record
from shared.durable.retry import RetryPolicy
from shared.durable.steps import StepQueue
from shared.durable.store import RecordStore, Stored
from shared.errors import StorageUnavailableError
from shared.messages import StepMessage
from tests.fakes import START, FakeBlobStore, FakeQueue, T, VirtualClock


class LetterFacts(Facts):
    pages: int


class Letter(Record):
    pages: int = 1
    sent: bool = False

    @property
    def is_ended(self) -> bool:
        return self.sent

    def facts(self) -> LetterFacts:
        return LetterFacts(created=self.created, due=self.due, pages=self.pages)


def letter(letter_id: str = "a1", *, days_ago: int = 0, pages: int = 1) -> Letter:
    created = START - timedelta(days=days_ago)
    return Letter(id=letter_id, created=created, due=created + STEP_ALLOWANCE, pages=pages)


@dataclass
class Office:
    """`trace` names every call of storage; delays have no jitter."""

    trace: list[str] = field(default_factory=list)
    refused: tuple[str, ...] = ()

    def refuse(self, *calls: str) -> None:
        """Storage refuses these calls from now on, and no others."""
        self.refused = calls

    def __post_init__(self) -> None:
        self.clock = VirtualClock()
        self.blobs = FakeBlobStore("blobs", self.clock, self._call)
        self.queue = FakeQueue("queue", self.clock, self._call)
        self.store = RecordStore(self.blobs, "letters", record=TypeAdapter(Letter), facts=LetterFacts)
        retry = RetryPolicy((2.0, 5.0, 60.0), 300.0, lambda: 0.0)
        self.steps = StepQueue("letter", self.store, self.queue, retry, self.clock)

    def _call(self, name: str, effect: Callable[[], T]) -> T:
        self.trace.append(name)
        if name in self.refused:
            raise StorageUnavailableError(f"403 at {name}")
        return effect()

    def create(self, record: Letter | None = None) -> Stored[Letter]:
        stored = self.store.create(record or letter())
        assert stored is not None
        self.trace.clear()
        return stored

    def find(self, letter_id: str = "a1") -> Stored[Letter]:
        stored = self.store.find(letter_id)
        assert stored is not None
        return stored

    def messages(self) -> list[StepMessage]:
        return [StepMessage.model_validate_json(text) for text in self.queue.texts()]

    def delay(self) -> float:
        """Seconds until the one message becomes visible."""
        visible = self.queue.next_visible()
        assert visible is not None
        return (visible - self.clock()).total_seconds()
