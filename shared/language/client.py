"""Sends a Call to the Language service and turns failures into our errors. Only services/adapters.py uses httpx too.

Redirects are never followed, and answers are capped. Within one call only a GET, or a request that never got a
connection, is tried again: the service takes no idempotency key, so a POST is never repeated blindly.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

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
    RetryableError,
)
from shared.language.apis.base import Api, Call, RequestSpec, WireResponse
from shared.language.apis.wire import parse_refusal
from shared.language.circuit_breaker import PAUSE_AFTER_REFUSAL, CircuitBreaker
from shared.language.credentials import Credential
from shared.language.rate_limiter import RateLimits
from shared.language.values import Page, ServiceError
from shared.language.waits import LanguageWaits
from shared.redaction import MAX_CODE, REPEATED, clean, repeats

if TYPE_CHECKING:
    from shared.language.authoring_values import Listing

T = TypeVar("T")

log = logging.getLogger("pigeonhole.language")

MAX_ANSWER_BYTES = 8 * 1024 * 1024
# The read timeout starts anew with every byte received; this bounds the whole answer.
MAX_ANSWER_SECONDS = 40.0
MAX_TRIES = 3
# A project has 100,000 documents at most. A list longer than this, in items or in pages, has broken next links.
MAX_ITEMS = 150_000
MAX_PAGES = 10_000
# The service may ask for days: a free tier that is used up answers 403 with 15 of them. Whoever waits that long stays
# silent after the cause is gone, so the app asks again after these at the latest.
MAX_RETRY_AFTER = timedelta(hours=1)
MAX_PAUSE_AFTER_REFUSAL = timedelta(minutes=5)
# A call that has taken this long is not tried again, so that `send` never lasts more than a minute.
RETRY_WITHIN_SECONDS = 20.0


class Http(Protocol):
    """What is needed of httpx.Client."""

    def stream(
        self,
        method: str,
        *,
        url: str,
        params: Any,
        content: bytes | None,
        headers: dict[str, str],
        follow_redirects: bool,
    ) -> AbstractContextManager[httpx.Response]: ...


class HttpWhenNeeded:
    """An httpx.Client that is made for its first request: most processes that start never speak to the service."""

    def __init__(self, make: Callable[[], httpx.Client]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._client: httpx.Client | None = None

    def stream(self, method: str, **options: Any) -> AbstractContextManager[httpx.Response]:
        with self._lock:
            if self._client is None:
                self._client = self._make()
        return self._client.stream(method, **options)

    def close(self) -> None:
        if self._client is not None:
            self._client.close()


class LanguageClient:
    """One Language resource. Safe to share between threads."""

    def __init__(
        self,
        endpoint: str,
        credential: Credential,
        http: Http,
        *,
        rate_limits: RateLimits | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._credential = credential
        self._http = http
        self._rate_limits = rate_limits or RateLimits()
        self._sleep = sleep
        self._clock = clock
        self._circuit_breaker = CircuitBreaker(clock)
        self.waits = LanguageWaits(now)

    def send(self, call: Call[T]) -> T:
        """Send the request and read its answer.

        Raises a RetryableError (rate-limited, throttled, unavailable, answer lost, no access) or a PermanentError
        (refused, malformed answer).
        """
        response = self._send_retrying(call.request)
        try:
            return call.read(response)
        except MalformedAnswerError as error:
            raise MalformedAnswerError(f"{call.request.name}: {error}") from error

    def send_pages(self, call: Callable[[Page | None], Call[Listing[T]]]) -> list[T]:
        """Send the call for every page of a list, and return all items. Raises as `send` does."""
        items: list[T] = []
        page: Page | None = None
        for _ in range(MAX_PAGES):
            listing = self.send(call(page))
            items += listing.items
            following = listing.next_page
            if following is None:
                return items
            if len(items) > MAX_ITEMS or (page is not None and following.skip <= page.skip):
                break
            page = following
        raise MalformedAnswerError("the next links of a list go in circles")

    def _send_retrying(self, request: RequestSpec) -> WireResponse:
        started = self._clock()
        for attempt in range(1, MAX_TRIES + 1):
            try:
                return self._send_noted(request)
            except LanguageUnavailableError as error:
                repeatable = request.method == "GET" or isinstance(error.__cause__, httpx.ConnectError)
                late = self._clock() - started > RETRY_WITHIN_SECONDS
                if attempt == MAX_TRIES or late or not repeatable or error.retry_after is not None:
                    raise
                self._sleep(0.2 * 2**attempt)
        raise AssertionError("unreachable")

    def _send_noted(self, request: RequestSpec) -> WireResponse:
        """As `_send_once`; what has to be waited for is noted for health and status."""
        try:
            response = self._send_once(request)
        except RetryableError as error:
            self.waits.record(request.api, error)
            raise
        except PigeonholeError:  # an answer, if not a welcome one
            self.waits.record(request.api, None)
            raise
        self.waits.record(request.api, None)
        return response

    def _send_once(self, request: RequestSpec) -> WireResponse:
        if request.api is Api.PREDICTION:
            self._circuit_breaker.check()
        self._rate_limits.acquire(request)
        try:
            status, headers, content = self._exchange(request)
        except httpx.HTTPError as failure:
            raise _transport_error(request, failure) from failure
        headers_lower = {key.lower(): value for key, value in headers.items()}
        body = _parse_body(request, status, headers_lower, content)
        error = None if 200 <= status < 300 else self._status_error(request, status, headers_lower, body)
        if request.api is Api.PREDICTION:
            self._circuit_breaker.record(error)
        if error is not None:
            raise error
        return WireResponse(self._endpoint + request.path, status, headers_lower, body)

    def _status_error(
        self, request: RequestSpec, status: int, headers: dict[str, str], body: object
    ) -> PigeonholeError:
        # The header is "Bearer TOKEN", or the key alone.
        secrets = [value.rpartition(" ")[2] for value in self._credential.headers(request.api).values()]
        return _status_error(request, status, headers, _service_error(request, headers, body, secrets))

    def _exchange(self, request: RequestSpec) -> tuple[int, httpx.Headers, bytes]:
        content = None
        # An encoded answer of a few kilobytes can be gigabytes of JSON; none is asked for, and none is accepted.
        headers = self._credential.headers(request.api) | {"Accept": "application/json", "Accept-Encoding": "identity"}
        if request.body is not None:
            # Real UTF-8, not \u escapes: three times smaller for scripts outside ASCII, and the body limit is 1 MB.
            content = json.dumps(request.body, ensure_ascii=False, separators=(",", ":")).encode()
            headers["Content-Type"] = request.content_type
        url = self._endpoint + request.path
        with self._http.stream(
            request.method,
            url=url,
            params=dict(request.query),
            content=content,
            headers=headers,
            follow_redirects=False,
        ) as response:
            return response.status_code, response.headers, self._read_capped(request, response)

    def _read_capped(self, request: RequestSpec, response: httpx.Response) -> bytes:
        encoding = response.headers.get("content-encoding", "identity")
        if encoding.lower() != "identity":
            raise MalformedAnswerError(
                f"{request.name}: the answer is encoded ({clean(encoding, limit=MAX_CODE)}), which was not asked for"
            )
        content = bytearray()
        started = self._clock()
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > MAX_ANSWER_BYTES:
                raise MalformedAnswerError(f"{request.name}: the answer is larger than {MAX_ANSWER_BYTES} bytes")
            if self._clock() - started > MAX_ANSWER_SECONDS:
                raise httpx.ReadTimeout(f"the answer took more than {MAX_ANSWER_SECONDS:.0f} s")
        return bytes(content)


def _transport_error(request: RequestSpec, error: httpx.HTTPError) -> PigeonholeError:
    what = f"{request.name}: {type(error).__name__} while calling the Language service"
    is_unsent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
    if request.method == "GET" or is_unsent:
        return LanguageUnavailableError(f"{what}; check LANGUAGE_ENDPOINT and the network if it lasts")
    return AnswerLostError(f"{what} after the request was sent; it may have taken effect")


def _parse_body(request: RequestSpec, status: int, headers: dict[str, str], content: bytes) -> object:
    if not content:
        return None
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        if status >= 300:  # a gateway's HTML page: the status says enough
            return None
        kind = clean(headers.get("content-type", "no content type"), limit=MAX_CODE)
        raise MalformedAnswerError(f"{request.name}: {status} with a body that is not JSON ({kind})") from error


def _status_error(request: RequestSpec, status: int, headers: dict[str, str], refusal: ServiceError) -> PigeonholeError:
    what = f"{request.name}: {status} {refusal}"
    limit = MAX_PAUSE_AFTER_REFUSAL if status in (401, 403) else MAX_RETRY_AFTER
    retry_after = _bounded_retry_after(request, headers, limit)
    if status in (401, 403):
        hint = "check LANGUAGE_CREDENTIAL, the key or the role assignment"
        pause = retry_after or PAUSE_AFTER_REFUSAL
        return LanguageAccessError(f"{what}; {hint}", status_code=status, retry_after=pause)
    if status == 429:
        return LanguageThrottledError(what, retry_after=retry_after)
    if 300 <= status < 400:
        # The endpoint is wrong, not what was sent: nothing is given up because of it.
        return LanguageUnavailableError(
            f"{request.name}: {status}, a redirect, is never followed; check LANGUAGE_ENDPOINT",
            retry_after=PAUSE_AFTER_REFUSAL,
        )
    if status == 408 or status >= 500:
        return LanguageUnavailableError(what, retry_after=retry_after)
    kind = {404: LanguageNotFoundError, 409: LanguageConflictError}.get(status, LanguageRefusedError)
    error = kind(what, status_code=status, error_code=refusal.code, target=refusal.target)
    if not error.is_version_unknown:
        return error
    hint = "the service does not answer this API version; set LANGUAGE_API to one that it does"
    return kind(f"{what}; {hint}", status_code=status, error_code=refusal.code, target=refusal.target)


def _service_error(request: RequestSpec, headers: dict[str, str], body: object, secrets: Sequence[str]) -> ServiceError:
    """The error in the body; where that gives no code, the dated API gives one in a header.

    What goes into logs and records from here never holds the credential or a document: some gateways echo the request.
    """
    texts = _document_texts(request)

    def fit(words: str, limit: int) -> str:
        return REPEATED if repeats(words, texts) else clean(words, limit=limit, known_secrets=secrets)

    refusal = parse_refusal(body, fit)
    if refusal.code != "unknown" or "x-ms-error-code" not in headers:
        return refusal
    return replace(refusal, code=fit(headers["x-ms-error-code"], MAX_CODE) or "unknown")


def _document_texts(request: RequestSpec) -> list[str]:
    documents = (request.body or {}).get("analysisInput", {}).get("documents", [])
    return [each["text"] for each in documents]


def _bounded_retry_after(request: RequestSpec, headers: dict[str, str], limit: timedelta) -> timedelta | None:
    """What the service asks to wait, up to `limit`; what was cut is logged."""
    asked = parse_retry_after(headers.get("retry-after"), now=datetime.now(UTC))
    if asked is None or asked <= limit:
        return asked
    log.warning(
        "retry_after_cut request=%s asked_seconds=%.0f seconds=%.0f",
        request.name,
        asked.total_seconds(),
        limit.total_seconds(),
    )
    return limit


def parse_retry_after(value: str | None, *, now: datetime) -> timedelta | None:
    """Retry-After, in seconds or as an HTTP date; None if absent or unreadable; never negative."""
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
