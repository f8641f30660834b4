"""Upload events as Event Grid puts them into a queue: Event Grid's own schema or CloudEvents, one event or an array.

Pure. An event names a blob and the ETag it had; the rest of a version's facts (last-modified) is not in it and costs
one HEAD when the upload is accepted.
"""

from __future__ import annotations

import json
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field

BLOB_CREATED = "Microsoft.Storage.BlobCreated"


class Upload(BaseModel):
    """A blob that was created or overwritten. `etag` has its quotes, which events lack."""

    model_config = ConfigDict(frozen=True)

    container: Annotated[str, Field(min_length=1)]
    name: Annotated[str, Field(min_length=1)]
    etag: str


class _BlobFacts(BaseModel):
    """`data` of a BlobCreated event; only the fields used here."""

    model_config = ConfigDict(extra="ignore")

    url: str
    etag: Annotated[str, Field(alias="eTag", min_length=1)]


def parse_events(body: bytes) -> list[Upload]:
    """The uploads of a message; events of other types are left out.

    Raises ValueError when the body is not JSON, or an upload event lacks its address or ETag.
    """
    events = json.loads(body)
    return [_upload(event) for event in (events if isinstance(events, list) else [events]) if _is_upload(event)]


def _is_upload(event: Any) -> bool:
    if not isinstance(event, dict):
        raise ValueError(f"an event is an object, not {type(event).__name__}")
    # eventType is Event Grid's schema, type is CloudEvents 1.0.
    return event.get("eventType", event.get("type")) == BLOB_CREATED


def _upload(event: dict[str, Any]) -> Upload:
    facts = _BlobFacts.model_validate(event.get("data"))
    # Names are percent-encoded in the address; whatever follows "?" (a version, a snapshot) is not part of the name.
    container, _, name = urlsplit(facts.url).path.lstrip("/").partition("/")
    etag = facts.etag if facts.etag.startswith('"') else f'"{facts.etag}"'
    return Upload(container=unquote(container), name=unquote(name), etag=etag)
