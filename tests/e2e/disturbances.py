"""What a test does to an operation: crashes after a chosen write, and delays that are remembered, not waited for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from shared.messages import Message

Hook = Callable[[str, Callable[[], Any]], Any]


class Crash(BaseException):
    """The process is gone. Not an Exception, so that no handler can survive it."""


WRITES = ("state.create", "state.replace", "state.put", "state.delete", "queue.send", "language.P")


class CrashAfter:
    """A hook that ends the process after the write of that number."""

    def __init__(self, number: int | None) -> None:
        self.number = number
        self.writes: list[str] = []

    def __call__(self, name: str, effect: Callable[[], Any]) -> Any:
        answer = effect()
        if name.startswith(WRITES):
            self.writes.append(name)
            if len(self.writes) - 1 == self.number:
                raise Crash
        return answer


class Hooked:
    """Anything, with every method call handed to a hook first."""

    def __init__(self, inner: Any, name: str, hook: Hook) -> None:
        self._inner, self._name, self._hook = inner, name, hook

    def __getattr__(self, method: str) -> Any:
        found = getattr(self._inner, method)

        def call(*given: Any, **named: Any) -> Any:
            request = getattr(given[0], "request", None) if given else None
            told = f"{request.method} {request.name}" if request else method
            return self._hook(f"{self._name}.{told}", lambda: found(*given, **named))

        return call


class ImpatientQueue:
    """Sends at once what should come later, and remembers the delays that were asked for."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.delays: list[timedelta] = []
        self.owed = timedelta(0)

    def send(self, message: Message, *, delay: timedelta = timedelta(0)) -> None:
        self.delays.append(delay)
        self.owed = delay
        self.inner.send(message)
