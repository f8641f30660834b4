"""Child processes of a local run: started in their own group, awaited by a condition, always stopped.

A process writes to a log file, never to a pipe nobody reads, so it cannot block on its own output.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

R = TypeVar("R")

READY_SECONDS = 60.0
# What Python, Node and .NET say.
_TAKEN = ("address already in use", "eaddrinuse")
STOP_SECONDS = 15.0


class ProcessFailedError(RuntimeError):
    """A child process ended, or was not ready in time; the message carries the end of its log."""


def free_port() -> int:
    """A TCP port of the loopback address that was free a moment ago, and may be taken by the time it is used.

    Only for a server that cannot be told to take port 0: see `start_on_free_port`.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start_on_free_port(start: Callable[[int], R], *, port: int = 0, tries: int = 5) -> R:
    """`start(port)` with a given port, or with free ones until it is not taken from us before the server has it.

    `start` raises ProcessFailedError with the end of the server's log when the server ends.
    """
    if port:
        return start(port)
    for _ in range(tries - 1):
        try:
            return start(free_port())
        except ProcessFailedError as error:
            if not any(words in str(error).lower() for words in _TAKEN):
                raise
    return start(free_port())


def wait_until(condition: Callable[[], bool], *, seconds: float, what: str, poll_seconds: float = 0.05) -> None:
    """Return as soon as `condition` holds; raise TimeoutError naming `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {seconds:g} s still waiting for {what}")
        time.sleep(poll_seconds)


@dataclass
class ManagedProcess:
    """One child process in a process group of its own."""

    name: str
    argv: Sequence[str]
    log_path: Path
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    cwd: Path | None = None
    pass_fds: Sequence[int] = ()
    """Descriptors that the child holds too."""
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> ManagedProcess:
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - what to start is the caller's business
                list(self.argv),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(self.env),
                cwd=self.cwd,
                start_new_session=True,
                pass_fds=tuple(self.pass_fds),
            )
        return self

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError(f"{self.name} has not been started")
        return self._process.pid

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def wait_ready(self, is_ready: Callable[[], bool], *, seconds: float = READY_SECONDS) -> None:
        """Wait for `is_ready`; raise ProcessFailedError when the process ends first or time runs out."""

        def ready_or_ended() -> bool:
            return not self.is_running() or is_ready()

        try:
            wait_until(ready_or_ended, seconds=seconds, what=self.name)
        except TimeoutError as error:
            raise ProcessFailedError(f"{error}; end of {self.log_path}:\n{self.log_tail()}") from error
        if not self.is_running():
            raise ProcessFailedError(f"{self.name} ended while starting; end of {self.log_path}:\n{self.log_tail()}")

    def log_text(self) -> str:
        return self.log_path.read_text(encoding="utf-8", errors="replace") if self.log_path.exists() else ""

    def log_tail(self, lines: int = 30) -> str:
        return "\n".join(self.log_text().splitlines()[-lines:])

    def kill(self) -> None:
        """SIGKILL the whole group, as a crash would."""
        self._signal(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM the group and wait; SIGKILL what has not ended after STOP_SECONDS."""
        if self._process is None:
            return
        self._signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
        if number == signal.SIGKILL:
            self._process.wait()


def port_answers(port: int) -> bool:
    """True when something on loopback accepts a connection on `port`."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0
