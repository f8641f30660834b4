"""Several storage calls at a time, from a bounded pool of threads that the process shares."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

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
        return list(self._pool.map(function, items))

    def close(self) -> None:
        self._pool.shutdown()
