"""A step that did not come to its end: what happened, and what to do next."""

from __future__ import annotations

from cli.exit_codes import FAILED


class StepFailedError(RuntimeError):
    """The message says what happened, `do` what to do next, and `exit_code` ends the command.

    Repeating the command repeats no step that is done.
    """

    def __init__(self, message: str, *, do: str, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.do = do
        self.exit_code = exit_code
