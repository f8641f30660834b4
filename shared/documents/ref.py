"""A document's identity and names, and the limits of what is sent. Pure.

A document is one uploaded .txt blob at one ETag. Its terminal record has the same name plus `.json`.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

# Service limits of one analyze request, both API versions:
# https://learn.microsoft.com/azure/ai-services/language-service/custom-text-classification/service-limits
MAX_DOCUMENTS_PER_JOB = 25
MAX_CHARACTERS_PER_JOB = 125_000
MAX_REQUEST_BYTES = 1_000_000

MAX_BLOB_NAME = 1024
# Storage gives every name back in XML, which has no such control characters.
_NAME = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f]+$"
# A block blob has at most 190.7 TiB; any other size is forged, and may have more digits than can be written down.
_MAX_SIZE = 1 << 50
# Some writers create a blob empty and fill it a moment later, as two versions.
FILLED_WITHIN = timedelta(minutes=1)
RECORD_SUFFIX = ".json"
KEPT_OF_LONG_NAMES = 950


class FailureCode(StrEnum):
    """Why a document has a failure record instead of a classification."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    BINARY = "binary"
    UNREADABLE = "unreadable"
    REFUSED = "refused"
    DOCUMENT_ERROR = "document_error"
    JOB_FAILED = "job_failed"
    JOB_EXPIRED = "job_expired"
    NO_RESULT = "no_result"
    MALFORMED_ANSWER = "malformed_answer"
    POISONED = "poisoned"


# An ETag becomes a header of the request that reads its version. Azure and Azurite give strong ones only.
ETag = Annotated[str, Field(pattern=r'^"[\x21\x23-\x7e]{1,200}"$')]
BlobName = Annotated[str, Field(min_length=1, max_length=MAX_BLOB_NAME, pattern=_NAME)]
# Storage repeats it in its answer. What XML cannot hold makes Azurite answer 500, which is tried again for 40 s.
NamePrefix = Annotated[str, Field(max_length=MAX_BLOB_NAME, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]*$")]
# Times are reckoned with: not so close to the ends of the calendar that this overflows.
Moment = Annotated[AwareDatetime, Field(ge=datetime(2000, 1, 1, tzinfo=UTC), lt=datetime(2200, 1, 1, tzinfo=UTC))]


class DocumentRef(BaseModel):
    """One version of one uploaded document. `etag` keeps its quotes; `size` is in bytes.

    Messages carry it, and a message may be forged: what no blob can have is refused here.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    name: BlobName
    etag: ETag
    last_modified: Moment
    size: Annotated[int, Field(ge=0, le=_MAX_SIZE)]

    def may_be_filled_yet(self, now: datetime) -> bool:
        """True while an empty version is so young that its text may be on its way."""
        return now - self.last_modified < FILLED_WITHIN


def is_document_name(name: str) -> bool:
    """True for `.txt` in any case (Event Grid's suffix filter and the blob path are stricter than people), in a name
    that a blob can have."""
    return name.lower().endswith(".txt") and _is_blob_name(name)


def _is_blob_name(name: str) -> bool:
    is_text = name.isascii() or not any("\ud800" <= character <= "\udfff" for character in name)
    return is_text and len(name) <= MAX_BLOB_NAME and re.match(_NAME, name) is not None


def record_name(document_name: str) -> str:
    """The blob name of a document's terminal record; names too long for the suffix are cut and end in a hash."""
    if len(document_name) + len(RECORD_SUFFIX) <= MAX_BLOB_NAME:
        return document_name + RECORD_SUFFIX
    digest = hashlib.sha256(document_name.encode()).hexdigest()[:32]
    return f"{document_name[:KEPT_OF_LONG_NAMES]}~{digest}{RECORD_SUFFIX}"
