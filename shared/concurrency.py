"""Several storage calls at a time, from a bounded pool of threads that the process shares.

What a thread of the pool logs is written by the thread that asked for the work. The Python worker finds the invocation
of a line by the thread that writes it, in a way that differs from one version to the next, and the host throws away the
lines of an app that belong to no invocation: a document's failure would never reach Application Insights.
"""

from __future__ import annotations

import contextvars
import logging
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Generic, Protocol, TypeVar

from shared.errors import RetryableError

T = TypeVar("T")
R = TypeVar("R")


class FanOut(Protocol):
    """Apply a function to every item, several at a time, results in order; the first error propagates."""

    def __call__(self, function: Callable[[T], R], items: Iterable[T], /) -> list[R]: ...


def each_apart(
    fan_out: FanOut, function: Callable[[T], R], items: Iterable[T]
) -> tuple[list[R], list[tuple[T, Exception]]]:
    """Apply a function to every item, so that what one item raises is not the others': results, and items that raised.

    A RetryableError speaks of storage or the service, which all items need: it propagates.
    """

    def attempt(item: T) -> tuple[list[R], list[tuple[T, Exception]]]:
        try:
            return [function(item)], []
        except RetryableError:
            raise
        except Exception as error:
            return [], [(item, error)]

    ends = fan_out(attempt, items)
    return [result for results, _ in ends for result in results], [each for _, raised in ends for each in raised]


class ThreadFanOut:
    """A FanOut on threads; the storage SDK's clients are safe to share between them."""

    def __init__(self, threads: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="fan-out")

    def __call__(self, function: Callable[[T], R], items: Iterable[T], /) -> list[R]:
        _watch_handlers()
        calls = [_Call(self._pool, function, item) for item in items]
        try:
            return [call.result() for call in calls]
        finally:
            # After an error: what has begun ends before its invocation does, and the rest never begins.
            wait([call.future for call in calls if not call.future.cancel()])
            for call in calls:
                call.write_lines()

    def close(self) -> None:
        self._pool.shutdown()


class _Call(Generic[R]):
    """One item in the pool, in a copy of the caller's context, and the lines it has logged."""

    def __init__(self, pool: ThreadPoolExecutor, function: Callable[[T], R], item: T) -> None:
        self._lines: list[tuple[logging.Handler, logging.LogRecord]] = []
        context = contextvars.copy_context()
        self.future: Future[R] = pool.submit(self._run, lambda: context.run(function, item))

    def result(self) -> R:
        wait([self.future])
        self.write_lines()
        return self.future.result()

    def write_lines(self) -> None:
        """By the calling thread. Each handler gets the lines it would have got, once."""
        lines, self._lines = self._lines, []
        for handler, record in lines:
            handler.handle(record)

    def _run(self, work: Callable[[], R]) -> R:
        outer, _kept.lines = _kept.lines, self._lines
        try:
            return work()
        finally:
            _kept.lines = outer


class _Kept(threading.local):
    """Where the lines of this thread go for now; None writes them at once."""

    lines: list[tuple[logging.Handler, logging.LogRecord]] | None = None


_kept = _Kept()
_watching = threading.Lock()


class _KeepLines(logging.Filter):
    """On a handler: keeps the lines that a thread of the pool logs, instead of letting it write them."""

    def __init__(self, handler: logging.Handler) -> None:
        super().__init__()
        self._handler = handler

    def filter(self, record: logging.LogRecord) -> bool:
        if _kept.lines is None:
            return True
        _kept.lines.append((self._handler, record))
        return False


def _watch_handlers() -> None:
    """Those of the root logger, where the worker has its own; it adds them after the app is loaded."""
    with _watching:
        for handler in logging.getLogger().handlers:
            if not any(isinstance(each, _KeepLines) for each in handler.filters):
                # Before filters that ask for the invocation, as this thread has none.
                handler.filters.insert(0, _KeepLines(handler))
