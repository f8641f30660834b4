"""Why a hook failed and what to do about it, and the values that azd passes."""

from __future__ import annotations

import os


class HookError(Exception):
    """Ends the hook. `cause` says what is wrong, `mend` what to do; neither holds a key."""

    def __init__(self, *, cause: str, mend: str) -> None:
        super().__init__(cause)
        self.cause = cause
        self.mend = mend


def required(name: str) -> str:
    """A value of the azd environment. Raises HookError when it is missing or empty."""
    value = os.environ.get(name, "")
    if not value:
        raise HookError(
            cause=f"the value {name} is missing",
            mend="run `azd provision`, whose outputs are the values; by hand: azd hooks run postdeploy",
        )
    return value


def retry_seconds() -> float:
    """The pause between two tries; tests shorten it."""
    return float(os.environ.get("PIGEONHOLE_HOOK_SECONDS", "10"))
