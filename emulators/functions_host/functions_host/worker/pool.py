"""Where handlers run: `def` in a thread pool, `async def` on one event loop of its own, as in the Python worker.

The loop is not the HTTP server's: a handler that blocks it stalls the other async handlers, as in Azure, not this host.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from functions_host.worker.context import Invocation, running_in_task, running_in_thread


class WorkerPool:
    def __init__(self, threads: int | None) -> None:
        """`threads` None is Python's default, cores + 4, at most 32: what the real worker has used since Python 3.9."""
        self._thread_count = threads
        self._threads = self._new_threads()
        self._loop = asyncio.new_event_loop()
        self._loop_thread = threading.Thread(target=self._run_loop, name="worker-loop", daemon=True)
        self._loop_thread.start()
        self._unfinished = 0
        self._lock = threading.Lock()

    @property
    def is_idle(self) -> bool:
        """False while any handler runs, one that was timed out and left to itself included."""
        return self._unfinished == 0

    def submit(self, invocation: Invocation, handler: Callable[..., Any], arguments: Mapping[str, Any]) -> Future[Any]:
        with self._lock:
            self._unfinished += 1
            future = self._start(invocation, handler, arguments)
        future.add_done_callback(self._finish)
        return future

    def replace_threads(self) -> None:
        """New invocations get fresh threads; those that hang in the old ones are left to themselves.

        The real host ends the worker process on a timeout. A thread cannot be ended: its side effects may still come.
        """
        with self._lock:
            self._threads.shutdown(wait=False)
            self._threads = self._new_threads()

    def _start(self, invocation: Invocation, handler: Callable[..., Any], arguments: Mapping[str, Any]) -> Future[Any]:
        if asyncio.iscoroutinefunction(handler):
            coroutine: Coroutine[Any, Any, Any] = _in_task(invocation, handler, arguments)
            return asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        return self._threads.submit(_in_thread, invocation, handler, arguments)

    def _finish(self, _: Future[Any]) -> None:
        with self._lock:
            self._unfinished -= 1

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._loop_thread.join(timeout=1)

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.close()

    def _new_threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._thread_count, thread_name_prefix="worker")


def _in_thread(invocation: Invocation, handler: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    with running_in_thread(invocation):
        return handler(**arguments)


async def _in_task(invocation: Invocation, handler: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    with running_in_task(invocation):
        return await handler(**arguments)
