"""A client of the app's own HTTP functions, as a user would call them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx

from cli.exit_codes import FAILED, NOT_FOUND, REFUSED, UNREACHABLE, USAGE

ENDED = frozenset({"succeeded", "refused", "failed", "cancelled"})
# A step on the service takes minutes to hours; nobody wants to read of each poll that a restart made fail.
SILENCE_SECONDS = 120.0
LISTED_PROBLEMS = 20


def answers(url: str) -> bool:
    """Whether anything answers at that address, whatever it says."""
    try:
        httpx.get(url, timeout=5)
    except httpx.HTTPError:
        return False
    return True


class ApiError(RuntimeError):
    """The app answered with a problem, or not at all: then `status` is None.

    The message is the problem's detail; `body` is the JSON that came, if any did.
    """

    def __init__(self, message: str, *, status: int | None, body: Any = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = body if isinstance(body, dict) else {}

    @property
    def may_pass(self) -> bool:
        """No answer, throttled, or unavailable: asking again later may help."""
        return self.status is None or self.status in (408, 429) or self.status >= 500


def code_of(error: ApiError) -> int:
    """The exit code that it ends a command with."""
    by_status = {400: USAGE, 409: REFUSED, 413: USAGE, 422: REFUSED, 500: FAILED}
    if error.status in by_status:
        return by_status[error.status]
    if error.may_pass or error.status in (401, 403):
        return UNREACHABLE
    # The host's own 404, without a body: the app has no such function.
    return NOT_FOUND if error.status == 404 and error.body else FAILED


class Api:
    """The functions below /api, with one key: the master key opens all of them, a function key those that read."""

    def __init__(self, url: str, key: str, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sleep = sleep
        self._http = httpx.Client(base_url=url, headers={"x-functions-key": key}, timeout=60)

    def close(self) -> None:
        self._http.close()

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON answer; raises ApiError."""
        what = f"{method} {path}"
        try:
            answer = self._http.request(method, path) if body is None else self._http.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise ApiError(f"{what}: no answer from {self._http.base_url} ({error})", status=None) from error
        try:
            content = answer.json()
        except ValueError:  # the Functions host itself answers 401, 404 and 503 without a body
            content = None
        if answer.is_error or content is None:
            raise ApiError(f"{what}: {_describe(answer, content)}", status=answer.status_code, body=content)
        return content

    def call_patiently(
        self, method: str, path: str, body: Any = None, *, seconds: float, poll_seconds: float = 5
    ) -> Any:
        """As `call`, repeated for so long while the error is one that may pass. For calls that may be repeated."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                return self.call(method, path, body)
            except ApiError as error:
                if not error.may_pass or time.monotonic() >= deadline:
                    raise
            self._sleep(poll_seconds)

    def follow(
        self, operation: str, *, on_change: Callable[[dict[str, Any]], None] = lambda _: None, seconds: float = 300
    ) -> dict[str, Any]:
        """Poll an operation's address until it has ended; returns its record. Raises TimeoutError, ApiError."""
        deadline, poll_seconds = time.monotonic() + seconds, 0.3
        while time.monotonic() < deadline:
            record: dict[str, Any] = self.call_patiently("GET", operation, seconds=min(seconds, SILENCE_SECONDS))
            on_change(record)
            if record["state"] in ENDED:
                return record
            self._sleep(poll_seconds)
            poll_seconds = min(poll_seconds * 1.1, 5.0)
        raise TimeoutError(f"operation {operation} has not ended after {seconds:.0f} s")


def _describe(answer: httpx.Response, content: Any) -> str:
    if not isinstance(content, dict) or "detail" not in content:
        return f"{answer.status_code} {answer.reason_phrase}"
    listed = content.get("problems") or []
    unsaid = [each for each in listed if each["what"] not in content["detail"]]
    problems = "".join(f"\n  {each['place']}: {each['what']}" for each in unsaid[:LISTED_PROBLEMS])
    return f"{answer.status_code} {content.get('title')}: {content['detail']}{problems}"
