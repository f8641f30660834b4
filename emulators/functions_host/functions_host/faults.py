"""Faults on request, for the tests of an app: a crash at a named point or line, and messages delivered twice.

FUNCTIONS_HOST_CRASH      `<point>:<function>:<n>`: end the process, as SIGKILL would, when <function> reaches <point>
                          for the n-th time. Points: see CrashPoint. Several are separated by commas.
FUNCTIONS_HOST_CRASH_LINE `<n>:<text>`: end the process likewise when the n-th line of log that holds <text> has been
                          written: in the middle of a function, where the app tells what it has just done.
FUNCTIONS_HOST_DUPLICATES `<probability>[:<seed>]`: a message whose function succeeded is, with this probability and
                          once in its life, made visible again instead of deleted.
"""

from __future__ import annotations

import logging
import os
import random
import threading
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum

CRASH_VARIABLE = "FUNCTIONS_HOST_CRASH"
LINE_VARIABLE = "FUNCTIONS_HOST_CRASH_LINE"
DUPLICATES_VARIABLE = "FUNCTIONS_HOST_DUPLICATES"
CRASH_EXIT_CODE = 137
"""What a shell reports for a process that was killed."""


class CrashPoint(StrEnum):
    BEFORE_FUNCTION = "before-function"
    """The message is received, the function not yet called."""
    AFTER_FUNCTION = "after-function"
    """The function has returned; the message is not yet deleted."""
    AFTER_DELETE = "after-delete"
    """The message is deleted."""


class Faults:
    def __init__(
        self, crashes: Mapping[tuple[CrashPoint, str], int], duplicate_probability: float, seed: int | None
    ) -> None:
        self._crashes = dict(crashes)
        self._reached: Counter[tuple[CrashPoint, str]] = Counter()
        self._lock = threading.Lock()
        self._probability = duplicate_probability
        self._random = random.Random(seed)  # noqa: S311 - chooses faults, guards nothing

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Faults:
        probability, _, seed = environment.get(DUPLICATES_VARIABLE, "0").partition(":")
        entries = [entry for entry in environment.get(CRASH_VARIABLE, "").split(",") if entry]
        return cls(dict(map(_parse_crash, entries)), float(probability), int(seed) if seed else None)

    def reached(self, point: CrashPoint, function_name: str) -> None:
        """Does not return when this is the moment to crash."""
        key = (point, function_name)
        with self._lock:
            if key not in self._crashes:
                return
            self._reached[key] += 1
            if self._reached[key] < self._crashes[key]:
                return
        _crash(f"{point} of {function_name}")

    def wants_duplicate(self, dequeue_count: int) -> bool:
        # Only the first delivery: a duplicate must not use up the tries of a message.
        with self._lock:
            return dequeue_count == 1 and self._random.random() < self._probability


def _parse_crash(entry: str) -> tuple[tuple[CrashPoint, str], int]:
    point, function_name, count = entry.strip().split(":")
    return (CrashPoint(point), function_name), int(count)


class CrashOnLine(logging.Handler):
    """To be added after the handler that writes the lines."""

    def __init__(self, text: str, count: int) -> None:
        super().__init__()
        self._text, self._left = text, count

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> CrashOnLine | None:
        count, _, text = environment.get(LINE_VARIABLE, "").partition(":")
        return cls(text, int(count)) if text else None

    def emit(self, record: logging.LogRecord) -> None:
        # Called with the handler's lock held.
        if self._text in record.getMessage():
            self._left -= 1
            if self._left == 0:
                _crash(f"the line with {self._text!r}")


def _crash(where: str) -> None:
    print(f"crash requested: {where}", flush=True)
    os._exit(CRASH_EXIT_CODE)
