"""A document's identity and names, and the limits of what is sent. Pure.

A document is one uploaded .txt blob at one ETag. Its terminal record has the same name plus `.json`.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict

# Service limits of one analyze request, both API versions:
# https://learn.microsoft.com/azure/ai-services/language-service/custom-text-classification/service-limits
MAX_DOCUMENTS_PER_JOB = 25
MAX_CHARACTERS_PER_JOB = 125_000
MAX_REQUEST_BYTES = 1_000_000

MAX_BLOB_NAME = 1024
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


class DocumentRef(BaseModel):
    """One version of one uploaded document. `etag` keeps its quotes; `size` is in bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    etag: str
    last_modified: AwareDatetime
    size: int


def is_document_name(name: str) -> bool:
    """True for `.txt` in any case: Event Grid's suffix filter and the blob path are stricter than people."""
    return name.lower().endswith(".txt")


def record_name(document_name: str) -> str:
    """The blob name of a document's terminal record; names too long for the suffix are cut and end in a hash."""
    if len(document_name) + len(RECORD_SUFFIX) <= MAX_BLOB_NAME:
        return document_name + RECORD_SUFFIX
    digest = hashlib.sha256(document_name.encode()).hexdigest()[:32]
    return f"{document_name[:KEPT_OF_LONG_NAMES]}~{digest}{RECORD_SUFFIX}"
