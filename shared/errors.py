"""Every error Pigeonhole raises on purpose, in four branches a caller can act on. A test compares tree and code.

PigeonholeError
├── RetryableError                 the same step may succeed later: the message is sent again with a delay
│   ├── NoModelError                   no model is in use, the service refuses it, or a publication holds submissions
│   ├── LanguageBusyError              409 on a call that starts work: the service is busy in that project
│   ├── RateLimitedError               our own limit of requests a minute
│   ├── LanguageThrottledError         429
│   ├── LanguageUnavailableError       5xx, no connection, or no answer in time
│   ├── AnswerLostError                a POST was sent and its answer never came: it may have taken effect
│   ├── LanguageAccessError            401 or 403: a key was rotated, or a role is missing
│   ├── StorageUnavailableError        storage refuses us, throttles, or does not answer
│   └── StateUnreadableError           a blob of the app's own is damaged, or of a newer release
├── PermanentError                 repeating changes nothing: it is recorded, and the work goes on without it
│   ├── LanguageRefusedError           any other 4xx of the Language service
│   │   ├── LanguageNotFoundError          404
│   │   └── LanguageConflictError          409: the thing exists already, or is in use
│   ├── MalformedAnswerError           an answer that does not have the documented shape
│   ├── DocumentRejectedError          this document can never be classified as it is
│   ├── LabelsMissingError             a retraining found no labels file
│   ├── LabelsFaultyError              a retraining found a labels file with problems
│   ├── UnsupportedOperationError      the API version in use has no such operation
│   └── SettingsError                  missing or wrong app settings
├── UserInputError                 a request that cannot be carried out as asked; nothing was changed
│   ├── BadRequestError                it cannot be read
│   ├── BodyTooLargeError              its body has more bytes than the function takes
│   ├── ProjectUnknownError            the service has no such project
│   ├── ProjectUnchangeableError       the service lets a project's description change, nothing else
│   ├── ContainerNotAllowedError       a project may not keep its labelled documents in that container
│   ├── LabelsRefusedError             the labels file has problems
│   ├── ModelExistsError               the project has a model of that name
│   ├── ModelUnknownError              the project has no trained model of that name
│   ├── ModelInUseError                the model is in use or deployed, so it is not deleted
│   ├── OperationRunningError          the project has an operation under way
│   ├── NotCancellableError            the operation has ended, or can no longer be stopped
│   ├── ConfirmationNeededError        it would cost more than is done without confirmation
│   ├── ReviewUnknownError             nothing waits for review under that id, and nothing was decided
│   ├── ReviewOutdatedError            the document was overwritten, deleted or classified anew since
│   └── ReviewDecidedError             another has decided on this version, and something else
└── ConflictError                  storage does not hold what was expected
    ├── BlobNotFoundError              no blob of that name
    ├── VersionChangedError            the blob is not at the expected ETag, or exists where it should not
    ├── PlaceLostError                 a listing cannot be gone on with where it was left
    ├── BlobUnreadableError            the blob is there, and storage does not give its content for a reason of its own
    └── RaceLostError                  another message changed the record first and goes on with it

Anything else is a bug. It propagates, the host delivers the message again, and at last it becomes a dead letter.
Messages say what happened, to what, and what to do next. They never hold document text, keys or tokens.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

# Of a value that a message quotes, and of the problems that one message names.
QUOTED_CHARACTERS = 100
NAMED_PROBLEMS = 5


def quoted(value: Any) -> str:
    """A value from outside as messages show it: at most 100 characters, and nothing of a list or an object."""
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    text = repr(value[:QUOTED_CHARACTERS] if isinstance(value, str) else value)
    if isinstance(value, str) and len(value) > QUOTED_CHARACTERS:
        return f"{text[:QUOTED_CHARACTERS]}…"
    return text if len(text) <= QUOTED_CHARACTERS else f"{text[:QUOTED_CHARACTERS]}…"


class PigeonholeError(Exception):
    """Base of every error raised on purpose."""


class RetryableError(PigeonholeError):
    """The same step may succeed later; `retry_after` is the delay the service asked for, if it did."""

    def __init__(self, message: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after

    @property
    def code(self) -> str:
        """The class as a word for records, metadata and answers: LanguageThrottledError is `language_throttled`."""
        name = type(self).__name__.removesuffix("Error")
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


class NoModelError(RetryableError):
    """No model can be used: none is published, the service refuses every request to it, or submissions are held."""


class LanguageBusyError(RetryableError):
    """The service does one thing at a time in a project and answered 409 to a call that starts another."""


class RateLimitedError(RetryableError):
    """Our own limit of requests a minute (LANGUAGE_*_PER_MINUTE) is used up; nothing was sent."""


class LanguageThrottledError(RetryableError):
    """The Language service answered 429."""


class LanguageUnavailableError(RetryableError):
    """The Language service answered 5xx, could not be reached, or did not answer in time."""


class AnswerLostError(RetryableError):
    """A POST was sent and its answer never came. Repeating it may do the work twice."""


class LanguageAccessError(RetryableError):
    """The Language service refused our credential (401) or its rights (403)."""

    def __init__(self, message: str, *, status_code: int, retry_after: timedelta | None = None) -> None:
        super().__init__(message, retry_after=retry_after)
        self.status_code = status_code


class StorageUnavailableError(RetryableError):
    """Storage answers everybody alike with 401, 403, 408, 429 or 5xx, or does not answer, or a container is missing."""


class StateUnreadableError(RetryableError):
    """A blob of the app's own cannot be read or replaced. It is left as it is; a person repairs or deletes it."""


# What services of Azure call an api-version that they do not have.
_VERSION_CODES = frozenset({"UnsupportedApiVersion", "UnsupportedApiVersionValue", "InvalidApiVersionParameter"})


class PermanentError(PigeonholeError):
    """Repeating changes nothing."""


class LanguageRefusedError(PermanentError):
    """A 4xx of the Language service; `error_code` is the innermost code of its body, `target` what it points at."""

    def __init__(self, message: str, *, status_code: int, error_code: str, target: str | None = None) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.error_code = error_code
        self.target = target

    @property
    def is_quota_exceeded(self) -> bool:
        """One more of something than the service holds, or than the pricing tier allows."""
        return self.error_code == "QuotaExceeded"

    @property
    def is_version_unknown(self) -> bool:
        """The service does not answer this API version: it says so, or its gateway knows no such address."""
        says_so = self.error_code in _VERSION_CODES or (self.target or "").lower() == "api-version"
        return says_so or (self.status_code == 404 and self.error_code == "404")


class LanguageNotFoundError(LanguageRefusedError):
    """404: the project, model or job is unknown to the service."""


class LanguageConflictError(LanguageRefusedError):
    """409: another change is under way at the service, or the thing exists already."""


class MalformedAnswerError(PermanentError):
    """An answer that does not have the documented shape."""


class DocumentRejectedError(PermanentError):
    """This document can never be classified as it is; `code` is one of `FailureCode`."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class LabelsMissingError(PermanentError):
    """The project's container has no labels file that could be read."""


class LabelsFaultyError(PermanentError):
    """The labels file has problems; it was put into the container without the check that PUT labels makes."""


class UnsupportedOperationError(PermanentError):
    """The API version in use has no such operation."""


class SettingsError(PermanentError):
    """Missing or wrong app settings, all of them listed at once."""


class UserInputError(PigeonholeError):
    """A request that cannot be carried out as asked. Nothing was changed; asking for something else may help."""


@dataclass(frozen=True)
class InputProblem:
    """What is wrong with a request or a labels file, and where, as `documents[3].intents[1]`."""

    place: str
    what: str


class BadRequestError(UserInputError):
    """The body or the address of a request cannot be read; `problems` never quote the value, which may be anything."""

    def __init__(self, problems: Sequence[InputProblem]) -> None:
        named = "; ".join(
            f"{each.place}: {each.what}" if each.place else each.what for each in problems[:NAMED_PROBLEMS]
        )
        more = len(problems) - NAMED_PROBLEMS
        super().__init__(f"{named}; and {more} more" if more > 0 else named)
        self.problems = tuple(problems)


class BodyTooLargeError(UserInputError):
    """The request's body has more bytes than the function takes; it was not read."""

    def __init__(self, size: int, *, limit: int) -> None:
        super().__init__(f"the body has {size} bytes; this function takes {limit} at most")


class ProjectUnknownError(UserInputError):
    """The Language service has no project of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"project {name!r} does not exist; create it with PUT /api/projects/{name}")


class ProjectUnchangeableError(UserInputError):
    """The service lets a project's description change, and nothing else."""


class ContainerNotAllowedError(UserInputError):
    """The container is none of TRAINING_CONTAINER and TRAINING_CONTAINERS, whose labels the app reads and writes."""

    def __init__(self, container: str, *, allowed: Sequence[str]) -> None:
        super().__init__(
            f"a project may not use container {container!r}, only {', '.join(allowed)}; "
            "the setting TRAINING_CONTAINERS names further ones"
        )


class LabelsRefusedError(UserInputError):
    """The labels file has problems; `problems` lists all of them. Nothing was replaced."""

    def __init__(self, problems: Sequence[InputProblem]) -> None:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__(f"the labels file has {count}; nothing was replaced")
        self.problems = tuple(problems)


class ModelExistsError(UserInputError):
    """The project has a model of that name; training it again would overwrite it."""


class ModelUnknownError(UserInputError):
    """The project has no trained model of that name."""


class ModelInUseError(UserInputError):
    """The model is in use, or a deployment holds it, so it is not deleted."""


class OperationRunningError(UserInputError):
    """The project has an operation under way; it does one at a time."""

    def __init__(self, operation_id: str) -> None:
        super().__init__(f"operation {operation_id} is running; wait for it or cancel it")
        self.operation_id = operation_id


class NotCancellableError(UserInputError):
    """The operation has ended, or the service can no longer be stopped."""


class ConfirmationNeededError(UserInputError):
    """More documents than RECLASSIFY_LIMIT would be sent, and the request does not confirm it."""

    def __init__(self, count: int, *, limit: int) -> None:
        super().__init__(
            f"{count} documents would be classified again, more than RECLASSIFY_LIMIT ({limit}); "
            'each costs a classification; send "confirm": true to go on'
        )
        self.count = count


class ReviewUnknownError(UserInputError):
    """Nothing waits for review under that id, and nothing was decided."""

    def __init__(self, review_id: str) -> None:
        super().__init__(f"no review {quoted(review_id)}; GET /api/reviews lists what waits")


class ReviewOutdatedError(UserInputError):
    """The version that waited for review is not the document's current one any more; `name` is the document's."""

    def __init__(self, name: str, *, what: str) -> None:
        super().__init__(f"{quoted(name)} {what}; go on with the next review")
        self.name = name


class ReviewDecidedError(UserInputError):
    """Another has decided on this version; `name` is the document's."""

    def __init__(self, name: str, *, what: str) -> None:
        super().__init__(f"{quoted(name)} was {what}; undo that first, or go on with the next review")
        self.name = name


class ConflictError(PigeonholeError):
    """Storage does not hold what was expected."""


class BlobNotFoundError(ConflictError):
    """No blob of that name."""


class VersionChangedError(ConflictError):
    """The blob exists, but not at the expected ETag; or exists where it should not."""


class BlobUnreadableError(ConflictError):
    """Storage answers for a reason that lies in this one blob: its tier, its keys, its state. Others can be read."""


class PlaceLostError(ConflictError):
    """Storage does not go on with a listing where it was left: it must be begun again."""


class RaceLostError(ConflictError):
    """Another message changed the record since it was read. Its step goes on, ours ends quietly."""
