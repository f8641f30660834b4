"""A small client of the app's own HTTP functions, as a user would call them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from azurite_process.processes import wait_until

ENDED = frozenset({"succeeded", "refused", "failed", "cancelled"})


class ApiError(RuntimeError):
    """The app answered with a problem; the message is its detail."""


class Api:
    """The functions below /api, with one key: the master key opens all of them, a function key those that read."""

    def __init__(self, url: str, key: str) -> None:
        self._http = httpx.Client(base_url=url, headers={"x-functions-key": key}, timeout=60)

    def close(self) -> None:
        self._http.close()

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON answer; raises ApiError with the problem's detail."""
        answer = self._http.request(method, path, json=body) if body is not None else self._http.request(method, path)
        content = answer.json()
        if answer.is_error:
            problems = "".join(f"\n  {each['place']}: {each['what']}" for each in content.get("problems", [])[:20])
            raise ApiError(
                f"{method} {path}: {answer.status_code} {content.get('title')}: {content.get('detail')}{problems}"
            )
        return content

    def follow(
        self, operation: str, *, on_change: Callable[[dict[str, Any]], None] = lambda _: None, seconds: float = 300
    ) -> dict[str, Any]:
        """Poll an operation's address until it has ended; returns its record."""
        records: list[dict[str, Any]] = []

        def has_ended() -> bool:
            records.append(self.call("GET", operation))
            on_change(records[-1])
            return records[-1]["state"] in ENDED

        wait_until(has_ended, seconds=seconds, what=f"operation {operation}", poll_seconds=0.3)
        return records[-1]
