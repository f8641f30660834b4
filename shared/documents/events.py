"""Upload events as Event Grid puts them into a queue: Event Grid's own schema or CloudEvents, one event or an array.

Pure. An event names a blob and the ETag it had; the rest of a version's facts (last-modified) is not in it and costs
one HEAD when the upload is accepted.

The name is the one in `subject`, which is never encoded. The address (`data.url`) was seen with a raw `#` or `?`, with
`%` left as it is, and with broken emoji; it serves where the subject names no blob.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import from_json

from shared.documents.ref import BlobName, ETag

BLOB_CREATED = "Microsoft.Storage.BlobCreated"
_SUBJECT = re.compile(r"/blobServices/default/containers/([^/]+)/blobs/(.+)", re.DOTALL)


class Upload(BaseModel):
    """A blob that was created or overwritten. `etag` has its quotes, which events lack."""

    model_config = ConfigDict(defer_build=True, frozen=True)

    container: Annotated[str, Field(min_length=1)]
    name: BlobName
    etag: ETag


class _BlobFacts(BaseModel):
    """`data` of a BlobCreated event; only the fields used here."""

    model_config = ConfigDict(defer_build=True, extra="ignore")

    url: str = ""
    etag: Annotated[str, Field(alias="eTag", min_length=1)]


@dataclass(frozen=True)
class Events:
    """What a message holds: uploads, and how many events cannot be read. Events of other types are left out."""

    uploads: list[Upload]
    unreadable: int


def parse_events(body: bytes) -> Events:
    """The events of a message, each on its own. Raises ValueError when the body is not JSON."""
    # Not the standard library's reader, which ends nested brackets in a RecursionError.
    content = from_json(body)
    uploads: list[Upload] = []
    unreadable = 0
    for event in content if isinstance(content, list) else [content]:
        try:
            if _is_upload(event):
                uploads.append(_upload(event))
        except ValueError:
            unreadable += 1
    return Events(uploads, unreadable)


def _is_upload(event: Any) -> bool:
    if not isinstance(event, dict):
        raise ValueError(f"an event is an object, not {type(event).__name__}")
    # eventType is Event Grid's schema, type is CloudEvents 1.0.
    return event.get("eventType", event.get("type")) == BLOB_CREATED


def _upload(event: dict[str, Any]) -> Upload:
    facts = _BlobFacts.model_validate(event.get("data"))
    subject = event.get("subject")
    named = _SUBJECT.fullmatch(subject) if isinstance(subject, str) else None
    container, name = (named[1], named[2]) if named else _split_address(facts.url)
    etag = facts.etag if facts.etag.startswith('"') else f'"{facts.etag}"'
    return Upload(container=container, name=name, etag=etag)


def _split_address(url: str) -> tuple[str, str]:
    """Names are percent-encoded there; whatever follows "?" (a version, a snapshot) is not part of the name."""
    container, _, name = urlsplit(url).path.lstrip("/").partition("/")
    return unquote(container), unquote(name)
