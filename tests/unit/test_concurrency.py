"""The pool of threads: results in order, the first error, and log lines that stay with their invocation."""

from __future__ import annotations

import contextvars
import logging
import threading
from collections.abc import Iterator

import pytest

from shared.concurrency import ThreadFanOut

log = logging.getLogger("pigeonhole.test")
# What marks an invocation, by the generations of the Python worker: a thread-local (4.x, Python 3.11 and 3.12), a
# context variable (azure-functions-runtime, from Python 3.13 on).
by_thread = threading.local()
by_context: contextvars.ContextVar[str] = contextvars.ContextVar("by_context", default="")


class Worker(logging.Handler):
    """Looks up the invocation while a line is emitted, as the worker's own handler does."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[tuple[str, str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append((getattr(by_thread, "invocation", ""), by_context.get(), record.getMessage()))

    def messages(self) -> list[str]:
        return [message for _, _, message in self.lines]


@pytest.fixture
def worker() -> Iterator[Worker]:
    """On the root logger, where the worker's is."""
    handler = Worker()
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


@pytest.fixture
def fan_out() -> Iterator[ThreadFanOut]:
    pool = ThreadFanOut(4)
    yield pool
    pool.close()


def invoke(name: str, fan_out: ThreadFanOut, items: int = 8) -> None:
    """A handler that the worker has marked, in a thread of its own."""

    def handle() -> None:
        by_thread.invocation = name
        by_context.set(name)
        fan_out(lambda number: log.warning("%s wrote %d", name, number), range(items))

    thread = threading.Thread(target=lambda: contextvars.copy_context().run(handle))
    thread.start()
    thread.join()


def test_a_line_of_the_pool_is_emitted_under_the_invocation_that_asked(fan_out: ThreadFanOut, worker: Worker) -> None:
    for name in ("first", "second"):
        invoke(name, fan_out)
    assert worker.lines == [
        (name, name, f"{name} wrote {number}") for name in ("first", "second") for number in range(8)
    ]


def test_lines_of_invocations_at_once_are_not_mixed_up(fan_out: ThreadFanOut, worker: Worker) -> None:
    names = [f"invocation {number}" for number in range(6)]
    threads = [threading.Thread(target=invoke, args=(name, fan_out)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(worker.lines) == 48
    assert [line for line in worker.lines if not line[0] == line[1] == line[2].partition(" wrote")[0]] == []


def test_a_line_of_a_library_is_kept_too(fan_out: ThreadFanOut, worker: Worker) -> None:
    library = logging.getLogger("azure.core.pipeline")

    def handle() -> None:
        by_thread.invocation = "the handler's"
        fan_out(lambda _: library.warning("a retry"), [1])

    thread = threading.Thread(target=handle)
    thread.start()
    thread.join()
    assert worker.lines == [("the handler's", "", "a retry")]


def test_a_line_below_the_level_stays_unwritten(fan_out: ThreadFanOut, worker: Worker) -> None:
    worker.setLevel(logging.ERROR)
    fan_out(lambda _: log.warning("not that bad"), [1])
    assert worker.lines == []


def test_what_the_pool_logged_before_an_error_is_not_lost(fan_out: ThreadFanOut, worker: Worker) -> None:
    def act(number: int) -> None:
        log.warning("at %d", number)
        if number == 2:
            raise ValueError("the third")

    with pytest.raises(ValueError, match="the third"):
        fan_out(act, range(4))
    assert worker.messages()[:3] == ["at 0", "at 1", "at 2"]


def test_an_error_waits_for_what_still_runs(fan_out: ThreadFanOut, worker: Worker) -> None:
    """Else it would run on after its invocation has ended, beside the next try of the same message."""
    started, failed = threading.Event(), threading.Event()

    def act(number: int) -> None:
        if number == 0:
            started.wait(10)
            failed.set()
            raise ValueError("the first")
        started.set()
        failed.wait(10)
        log.warning("finished")

    with pytest.raises(ValueError, match="the first"):
        fan_out(act, range(2))
    assert worker.messages() == ["finished"]


def test_results_come_in_the_order_of_the_items(fan_out: ThreadFanOut) -> None:
    assert fan_out(lambda number: number * number, range(50)) == [number * number for number in range(50)]


def test_the_caller_s_context_is_carried_into_the_pool(fan_out: ThreadFanOut) -> None:
    def handle() -> list[str]:
        by_context.set("carried")
        return fan_out(lambda _: by_context.get(), range(3))

    assert contextvars.copy_context().run(handle) == ["carried"] * 3
