"""Every error Pigeonhole raises on purpose, in three branches a handler can act on.

PigeonholeError
├── RetryableError             the same step may succeed later: enqueue it again with a delay, finish as success
│   ├── LanguageThrottledError     429, or our own pace
│   ├── LanguageUnavailableError   5xx, no connection, or no answer in time
│   ├── AnswerLostError            a POST was sent and its answer never came: it may have taken effect
│   └── LanguageAccessError        401 or 403: key rotated or role missing; pause, burn no retries
├── PermanentError             repeating changes nothing: record it and go on
│   ├── LanguageRefusedError       any other 4xx of the Language service
│   │   ├── LanguageNotFoundError      404
│   │   └── LanguageConflictError      409
│   ├── MalformedAnswerError       an answer that does not have the documented shape
│   ├── DocumentRejectedError      this document can never be classified
│   ├── UnsupportedOperationError  the API version in use has no such operation
│   └── SettingsError              missing or wrong app settings
└── (anything else is a bug: it propagates, the host retries, and at last the poison function records it)

Messages say what happened, to what, and what to do next. They never hold document text, keys or tokens.
"""

from __future__ import annotations

from datetime import timedelta


class PigeonholeError(Exception):
    """Base of every error raised on purpose."""


class RetryableError(PigeonholeError):
    """The same step may succeed later. `retry_after` is what the service told, if it told."""

    def __init__(self, message: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class LanguageThrottledError(RetryableError):
    """The Language service answered 429, or our own pace would exceed its limit."""


class LanguageUnavailableError(RetryableError):
    """The Language service answered 5xx, or could not be reached, or did not answer in time."""


class AnswerLostError(RetryableError):
    """A POST was sent and its answer never came. Repeating it may do the work twice."""


class LanguageAccessError(RetryableError):
    """The Language service refused our credential (401) or its rights (403)."""

    def __init__(self, message: str, *, status_code: int, retry_after: timedelta | None = None) -> None:
        super().__init__(message, retry_after=retry_after)
        self.status_code = status_code


class PermanentError(PigeonholeError):
    """Repeating changes nothing."""


class LanguageRefusedError(PermanentError):
    """A 4xx of the Language service; `error_code` is the innermost code of its body, `target` what it points at."""

    def __init__(self, message: str, *, status_code: int, error_code: str, target: str | None = None) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.error_code = error_code
        self.target = target


class LanguageNotFoundError(LanguageRefusedError):
    """404: the project, model or job is unknown to the service."""


class LanguageConflictError(LanguageRefusedError):
    """409: another operation is under way, or the thing exists already."""


class MalformedAnswerError(PermanentError):
    """An answer that does not have the documented shape."""


class DocumentRejectedError(PermanentError):
    """This document can never be classified as it is; `code` is one of `FailureCode`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class UnsupportedOperationError(PermanentError):
    """The API version in use has no such operation."""


class SettingsError(PermanentError):
    """Missing or wrong app settings, all of them listed at once."""
