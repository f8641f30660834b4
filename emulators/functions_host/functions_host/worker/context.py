"""One invocation, and the `context` parameter that a handler may ask for."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import azure.functions as func
from azure.functions._abc import RetryContext, RpcException, TraceContext


@dataclass(frozen=True)
class Invocation:
    function_name: str
    folder: Path
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


# As in the real worker, version 4 (dispatcher.py: get_current_invocation_id): the task knows the invocation of an
# `async def` handler and of the tasks it starts, the thread that of a `def` handler. No other thread does.
_of_task: ContextVar[Invocation | None] = ContextVar("invocation_of_task", default=None)
_thread_local = threading.local()
_running: dict[str, Invocation] = {}


@contextmanager
def running_in_thread(invocation: Invocation) -> Iterator[None]:
    """Around a `def` handler: this thread is the invocation's."""
    _running[invocation.id] = invocation
    _thread_local.invocation_id = invocation.id
    try:
        yield
    finally:
        _thread_local.invocation_id = None
        del _running[invocation.id]


@contextmanager
def running_in_task(invocation: Invocation) -> Iterator[None]:
    """Around an `async def` handler, inside its task."""
    _running[invocation.id] = invocation
    _of_task.set(invocation)
    try:
        yield
    finally:
        del _running[invocation.id]


def current_invocation() -> Invocation | None:
    """The invocation that the calling code runs in, also from a thread that the app started and marked as documented
    (`context.thread_local_storage.invocation_id = context.invocation_id`). One that has ended is none."""
    invocation = _of_task.get() if _is_in_event_loop() else None
    invocation_id = invocation.id if invocation else getattr(_thread_local, "invocation_id", None)
    return _running.get(invocation_id) if invocation_id else None


def _is_in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


class NoTrace(TraceContext):
    """No distributed tracing here, so its fields are empty, as they are in Azure without Application Insights."""

    @property
    def trace_state(self) -> str:
        return ""

    @property
    def trace_parent(self) -> str:
        return ""

    @property
    def attributes(self) -> dict[str, str]:
        return {}


class NoRetry(RetryContext):
    """Retry policies are not honoured here: every invocation is the first."""

    @property
    def retry_count(self) -> int:
        return 0

    @property
    def max_retry_count(self) -> int:
        return 0

    @property
    def exception(self) -> RpcException:
        return None  # type: ignore[return-value] # as the real worker does on a first try


class InvocationContext(func.Context):
    def __init__(self, invocation: Invocation) -> None:
        self._invocation = invocation

    @property
    def invocation_id(self) -> str:
        return self._invocation.id

    @property
    def thread_local_storage(self) -> Any:
        return _thread_local

    @property
    def function_name(self) -> str:
        return self._invocation.function_name

    @property
    def function_directory(self) -> str:
        return str(self._invocation.folder)

    @property
    def trace_context(self) -> TraceContext:
        return NoTrace()

    @property
    def retry_context(self) -> RetryContext:
        return NoRetry()
