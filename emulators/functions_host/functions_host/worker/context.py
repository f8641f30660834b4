"""One invocation, and the `context` parameter that a handler may ask for."""

from __future__ import annotations

import threading
import uuid
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import azure.functions as func
from azure.functions._abc import RetryContext, RpcException, TraceContext


@dataclass(frozen=True)
class Invocation:
    function_name: str
    folder: Path
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


CURRENT_INVOCATION: ContextVar[Invocation | None] = ContextVar("current_invocation", default=None)
_thread_local = threading.local()
_live: WeakValueDictionary[str, Invocation] = WeakValueDictionary()


def current_invocation() -> Invocation | None:
    """The invocation that the calling code runs in, also from a thread that the app started and marked as documented
    (`context.thread_local_storage.invocation_id = context.invocation_id`)."""
    return CURRENT_INVOCATION.get() or _invocation_of_thread()


def _invocation_of_thread() -> Invocation | None:
    invocation_id = getattr(_thread_local, "invocation_id", None)
    return _live.get(invocation_id) if invocation_id else None


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
        _live[invocation.id] = invocation

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
