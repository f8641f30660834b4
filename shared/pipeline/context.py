"""What every use case of the pipeline is given. Built once per process by services.py; tests build it from fakes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from shared.config import Settings
from shared.durable.retry import next_delay
from shared.language.client import LanguageClient
from shared.language.models import ModelRef
from shared.pipeline.wake import WakeDebounce
from shared.storage.ports import BlobStore, MessageQueue

T = TypeVar("T")
R = TypeVar("R")

Clock = Callable[[], datetime]


class FanOut(Protocol):
    """Apply a function to every item, several at a time, answers in order; the first error propagates."""

    def __call__(self, function: Callable[[T], R], items: Iterable[T], /) -> list[R]: ...


class ActiveModel(Protocol):
    """The model new jobs are submitted to."""

    def find(self) -> ModelRef | None: ...


@dataclass(frozen=True)
class Pipeline:
    """Stores, queues, the Language client and the clock, by the names the architecture page gives them."""

    settings: Settings
    documents: BlobStore
    classifications: BlobStore
    failures: BlobStore
    state: BlobStore
    documents_queue: MessageQueue
    collect_queue: MessageQueue
    jobs_queue: MessageQueue
    language: LanguageClient
    active_model: ActiveModel
    wake_debounce: WakeDebounce
    fan_out: FanOut
    clock: Clock
    jitter: Callable[[], float]

    def delay(
        self, *, number: int, elapsed: timedelta = timedelta(0), retry_after: timedelta | None = None
    ) -> timedelta:
        """How long until the visit after visit `number`, by the settings' schedule; see retry.next_delay."""
        return next_delay(
            number=number,
            elapsed=elapsed,
            schedule=self.settings.pipeline_poll_seconds,
            slow_seconds=self.settings.pipeline_slow_poll_seconds,
            retry_after=retry_after,
            jitter=self.jitter(),
        )
