"""A step that did not come to its end: what happened, and what to do next."""

from __future__ import annotations


class StepFailedError(RuntimeError):
    """The message says what happened, `do` what to do next. Repeating the command repeats no step that is done."""

    def __init__(self, message: str, *, do: str) -> None:
        super().__init__(message)
        self.do = do
