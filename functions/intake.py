"""An uploaded document is accepted: by the blob trigger, or by its event where Event Grid delivers to a queue."""

from __future__ import annotations

import azure.functions as func
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from functions.messages import keep
from shared.documents.events import parse_events
from shared.documents.inbox import Inbox
from shared.documents.ref import DocumentRef
from shared.services import Services


class BlobProperties(BaseModel):
    """The trigger's `Properties`: the blob's facts without its content."""

    model_config = ConfigDict(defer_build=True, extra="ignore")

    etag: str = Field(alias="ETag", min_length=1)
    last_modified: AwareDatetime = Field(alias="LastModified")


def blueprint(services: Services) -> func.Blueprint:
    bp = func.Blueprint()
    inbox, intake, queue = services.inbox, services.intake, services.settings.events_queue

    @bp.function_name("accept_document")
    @bp.blob_trigger(
        arg_name="blob",
        path="%DOCUMENTS_CONTAINER%/{name}",
        connection="DATA_STORAGE",
        source=func.BlobSource.EVENT_GRID,
    )
    def accept(blob: func.InputStream) -> None:
        container, _, name = (blob.name or "").partition("/")
        document = _document(inbox, blob, name)
        if document is not None:
            intake.accept(container, document)

    @bp.function_name("accept_event")
    @bp.queue_trigger(arg_name="message", queue_name="%EVENTS_QUEUE%", connection="DATA_STORAGE")
    def accept_event(message: func.QueueMessage) -> None:
        try:
            events = parse_events(message.get_body())
        except ValueError:
            keep(services.dead_letters, message, queue=queue, reason="not JSON")
            return
        if events.unreadable:
            reason = f"{events.unreadable} of its events cannot be read"
            keep(services.dead_letters, message, queue=queue, reason=reason)
        intake.accept_uploads(events.uploads)

    return bp


def _document(inbox: Inbox, blob: func.InputStream, name: str) -> DocumentRef | None:
    """The version the event is about, from the trigger's metadata; the content is never read.

    Hosts differ in how they write the ETag there; where it is not a plain string, or the length is missing, one HEAD
    finds it.
    """
    try:
        properties = BlobProperties.model_validate(getattr(blob, "blob_properties", None))
        if blob.length is None:
            return inbox.find_document(name)
        etag = properties.etag if properties.etag.startswith('"') else f'"{properties.etag}"'
        return DocumentRef(name=name, etag=etag, last_modified=properties.last_modified, size=blob.length)
    except ValidationError:
        return inbox.find_document(name)
