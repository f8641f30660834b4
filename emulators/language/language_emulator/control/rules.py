"""Injected faults: rules a test puts in place, each matching requests of an operation and disturbing them in one way.

A rule says where (`operation`, and optionally a pattern of the path and a text the request's body must contain), how
often (`skip` matching requests, then `count` times, each with `probability`) and what (`action`, see actions.py).
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from threading import Lock
from typing import Any, TypeVar

from pydantic import BaseModel, Field

from language_emulator.control.actions import Action, ControlBody

A = TypeVar("A", bound=BaseModel)


class FaultRule(ControlBody):
    """`operation` `*` is every operation; `count` None is for ever. `applied` counts, and is not for setting."""

    operation: str = "*"
    path: str | None = None
    text: str | None = None
    skip: int = Field(0, ge=0)
    count: int | None = Field(1, ge=1)
    probability: float = Field(1.0, gt=0, le=1)
    action: Action
    applied: int = 0

    def matches(self, operation: str, path: str, body: str) -> bool:
        return (
            self.operation in ("*", operation)
            and (self.path is None or re.search(self.path, path) is not None)
            and (self.text is None or self.text in body)
            and (self.count is None or self.applied < self.count)
        )


class Injected:
    """The actions that struck one request."""

    def __init__(self, actions: list[Any] | None = None) -> None:
        self._actions = actions or []

    def all(self, kind: type[A]) -> Iterator[A]:
        return (action for action in self._actions if isinstance(action, kind))

    def find(self, kind: type[A]) -> A | None:
        return next(self.all(kind), None)


class FaultRules:
    """The rules in place, in order; every rule that matches strikes."""

    def __init__(self, seed: int = 1) -> None:
        self._lock = Lock()
        self._rules: list[FaultRule] = []
        self._random = random.Random(seed)  # noqa: S311 - reproducible, not secret

    @property
    def rules(self) -> list[FaultRule]:
        with self._lock:
            return list(self._rules)

    def replace(self, rules: list[FaultRule]) -> None:
        with self._lock:
            self._rules = [rule.model_copy(update={"applied": 0}) for rule in rules]

    def strike(self, operation: str, path: str, body: str) -> Injected:
        with self._lock:
            return Injected([rule.action for rule in self._rules if self._strikes(rule, operation, path, body)])

    def _strikes(self, rule: FaultRule, operation: str, path: str, body: str) -> bool:
        if not rule.matches(operation, path, body):
            return False
        if rule.skip > 0:
            rule.skip -= 1
            return False
        if self._random.random() >= rule.probability:
            return False
        rule.applied += 1
        return True
