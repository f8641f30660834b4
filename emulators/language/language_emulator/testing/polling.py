"""Wait for the end of a job, as a client does."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

SECONDS = 60.0
INTERVAL = 0.05


def poll_job(read: Callable[[], dict[str, Any]], active: set[str]) -> dict[str, Any]:
    """Read until the body's `status` is none of `active`; TimeoutError after a minute."""
    deadline = time.monotonic() + SECONDS
    while (body := read())["status"] in active:
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {SECONDS:g} s the job is still {body['status']}")
        time.sleep(INTERVAL)
    return body
