"""Sends a Call to the Language service and maps faults to errors. The only user of httpx beside services.py.

Redirects are never followed and bodies are capped. Inside one call only GETs, and connections that failed before a body
was sent, are tried again: the API takes no idempotency key, so a POST is never blindly repeated.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TypeVar

import httpx

from shared.errors import (
    AnswerLostError,
    LanguageAccessError,
    LanguageConflictError,
    LanguageNotFoundError,
    LanguageRefusedError,
    LanguageThrottledError,
    LanguageUnavailableError,
    MalformedAnswerError,
    PigeonholeError,
)
from shared.language.credentials import Credential
from shared.language.dialects.base import Call, RequestSpec, WireResponse, parse_error
from shared.language.models import Listing, Page, ServiceError
from shared.language.pace import RequestPace
from shared.language.refusals import PAUSE, Refusals

T = TypeVar("T")

log = logging.getLogger("pigeonhole.language")

MAX_ANSWER_BYTES = 8 * 1024 * 1024
# A drip of bytes resets the read limit with each of them; this bounds the whole answer.
MAX_ANSWER_SECONDS = 40.0
MAX_TRIES = 3
# The service holds 100,000 documents of a project at most; a longer list has a broken next link.
MAX_ITEMS = 150_000
# A call that has lasted this long is not tried again in this visit, so that no visit outlasts a minute.
TRY_AGAIN_WITHIN_SECONDS = 20.0


class LanguageClient:
    """One Language resource. Safe to share between threads."""

    def __init__(
        self,
        endpoint: str,
        credential: Credential,
        http: httpx.Client,
        *,
        pace: RequestPace | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._credential = credential
        self._http = http
        self._pace = pace
        self._sleep = sleep
        self._clock = clock
        self._refusals = Refusals(clock)

    def send(self, call: Call[T]) -> T:
        """Send the call and read its answer.

        Raises a RetryableError (throttled, unavailable, answer lost, access) or a PermanentError (refused, malformed).
        """
        response = self._send_retrying(call.request)
        try:
            return call.read(response)
        except MalformedAnswerError as error:
            raise MalformedAnswerError(f"{call.request.operation}: {error}") from error
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            # The readers check what they use; what still slips through is the answer's shape, not our state.
            raise MalformedAnswerError(
                f"{call.request.operation}: the answer does not have the documented shape ({type(error).__name__})"
            ) from error

    def send_pages(self, call: Callable[[Page | None], Call[Listing[T]]]) -> list[T]:
        """Every item of a list: `call` builds the request of one page. Raises as `send` does."""
        listing = self.send(call(None))
        items = list(listing.items)
        while (page := listing.next_page) is not None:
            listing = self.send(call(page))
            items += listing.items
            is_stuck = listing.next_page is not None and listing.next_page.skip <= page.skip
            if is_stuck or len(items) > MAX_ITEMS:
                raise MalformedAnswerError("the next link of a list goes in circles")
        return items

    def _send_retrying(self, request: RequestSpec) -> WireResponse:
        started = self._clock()
        for attempt in range(1, MAX_TRIES + 1):
            try:
                return self._send_once(request)
            except LanguageUnavailableError as error:
                repeatable = request.method == "GET" or isinstance(error.__cause__, httpx.ConnectError)
                late = self._clock() - started > TRY_AGAIN_WITHIN_SECONDS
                if attempt == MAX_TRIES or late or not repeatable or error.retry_after is not None:
                    raise
                self._sleep(0.2 * 2**attempt)
        raise AssertionError("unreachable")

    def _send_once(self, request: RequestSpec) -> WireResponse:
        self._refusals.mind(request.half)
        if self._pace:
            self._pace.take(request)
        try:
            status, headers, content = self._exchange(request)
        except httpx.HTTPError as error:
            raise _transport_error(request, error) from error
        headers_lower = {key.lower(): value for key, value in headers.items()}
        body = _parse_body(request, status, headers_lower, content)
        fault = None if 200 <= status < 300 else _status_error(request, status, headers_lower, body)
        self._refusals.note(request.half, fault)
        if fault:
            raise fault
        return WireResponse(self._endpoint + request.path, status, headers_lower, body)

    def _exchange(self, request: RequestSpec) -> tuple[int, httpx.Headers, bytes]:
        content = None
        headers = self._credential.headers(request.half) | {"Accept": "application/json"}
        if request.body is not None:
            # Real UTF-8, not \u escapes: three times smaller for scripts outside ASCII, and the body limit is 1 MB.
            content = json.dumps(request.body, ensure_ascii=False, separators=(",", ":")).encode()
            headers["Content-Type"] = request.content_type
        url = self._endpoint + request.path
        with self._http.stream(
            request.method, url, params=dict(request.query), content=content, headers=headers, follow_redirects=False
        ) as response:
            return response.status_code, response.headers, self._read_capped(request, response)

    def _read_capped(self, request: RequestSpec, response: httpx.Response) -> bytes:
        content = bytearray()
        started = self._clock()
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > MAX_ANSWER_BYTES:
                raise MalformedAnswerError(f"{request.operation}: the answer is larger than {MAX_ANSWER_BYTES} bytes")
            if self._clock() - started > MAX_ANSWER_SECONDS:
                raise httpx.ReadTimeout(f"the answer took more than {MAX_ANSWER_SECONDS:.0f} s")
        return bytes(content)


def _transport_error(request: RequestSpec, error: httpx.HTTPError) -> PigeonholeError:
    what = f"{request.operation}: {type(error).__name__} while calling the Language service"
    before_body = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
    if request.method == "GET" or before_body:
        return LanguageUnavailableError(f"{what}; check LANGUAGE_ENDPOINT and the network if it lasts")
    return AnswerLostError(f"{what} after the request was sent; it may have taken effect")


def _parse_body(request: RequestSpec, status: int, headers: dict[str, str], content: bytes) -> object:
    if not content:
        return None
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        if status >= 300:  # a gateway's HTML page; the status says enough
            return None
        kind = headers.get("content-type", "no content type")
        raise MalformedAnswerError(f"{request.operation}: {status} with a body that is not JSON ({kind})") from error


def _status_error(request: RequestSpec, status: int, headers: dict[str, str], body: object) -> PigeonholeError:
    fault = _fault(body, headers)
    what = f"{request.operation}: {status} {fault.code}: {fault.message}"
    retry_after = parse_retry_after(headers.get("retry-after"), now=datetime.now(UTC))
    if status in (401, 403):
        hint = "check LANGUAGE_CREDENTIAL, the key or the role assignment"
        return LanguageAccessError(f"{what}; {hint}", status_code=status, retry_after=retry_after or PAUSE)
    if status == 429:
        return LanguageThrottledError(what, retry_after=retry_after)
    if 300 <= status < 400:
        # A wrong endpoint, not a fault of what was sent: nothing is given up for it.
        return LanguageUnavailableError(
            f"{request.operation}: {status}, a redirect, is never followed; check LANGUAGE_ENDPOINT", retry_after=PAUSE
        )
    if status == 408 or status >= 500:
        return LanguageUnavailableError(what, retry_after=retry_after)
    kind = {404: LanguageNotFoundError, 409: LanguageConflictError}.get(status, LanguageRefusedError)
    return kind(what, status_code=status, error_code=fault.code, target=fault.target)


def _fault(body: object, headers: dict[str, str]) -> ServiceError:
    """The error of the body, with the dated API's header for the code where the body has none."""
    fault = parse_error(body.get("error") if isinstance(body, dict) else None)
    code = headers.get("x-ms-error-code", fault.code) if fault.code == "unknown" else fault.code
    return ServiceError(code[:100], fault.message[:500], fault.target)


def parse_retry_after(value: str | None, *, now: datetime) -> timedelta | None:
    """Retry-After as seconds or as an HTTP date; None when absent or unreadable; never negative."""
    if value is None:
        return None
    try:
        return max(timedelta(0), timedelta(seconds=float(value)))
    except (ValueError, OverflowError):
        pass
    try:
        return max(timedelta(0), parsedate_to_datetime(value).astimezone(UTC) - now)
    except (ValueError, OverflowError):
        return None
