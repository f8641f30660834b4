"""Blob trigger: an uploaded document is accepted."""

from __future__ import annotations

import azure.functions as func
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from shared.documents import DocumentRef
from shared.pipeline.accept import accept_document
from shared.services import Services


class BlobProperties(BaseModel):
    """The trigger's `Properties`: the blob's facts without its content."""

    model_config = ConfigDict(extra="ignore")

    etag: str = Field(alias="ETag", min_length=1)
    last_modified: AwareDatetime = Field(alias="LastModified")


def blueprint(services: Services) -> func.Blueprint:
    bp = func.Blueprint()

    @bp.function_name("accept_document")
    @bp.blob_trigger(
        arg_name="blob",
        path="%DOCUMENTS_CONTAINER%/{name}",
        connection="DATA_STORAGE",
        source=func.BlobSource.EVENT_GRID,
    )
    def accept(blob: func.InputStream) -> None:
        container, _, name = (blob.name or "").partition("/")
        document = _document(services, blob, name)
        if document is not None:
            accept_document(services.pipeline, container, document)

    return bp


def _document(services: Services, blob: func.InputStream, name: str) -> DocumentRef | None:
    """The version the event is about, from the trigger's metadata; the content is never read.

    Hosts differ in how they write the ETag there; where it is not a plain string, one HEAD tells it.
    """
    try:
        properties = BlobProperties.model_validate(getattr(blob, "blob_properties", None))
    except ValidationError:
        info = services.pipeline.documents.find(name)
        if info is None:
            return None
        return DocumentRef(name=name, etag=info.etag, last_modified=info.last_modified, size=info.size)
    etag = properties.etag if properties.etag.startswith('"') else f'"{properties.etag}"'
    return DocumentRef(name=name, etag=etag, last_modified=properties.last_modified, size=blob.length or 0)
