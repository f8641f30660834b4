"""The adapter to blob storage: one container, small blobs, conditional writes. Nothing else writes blobs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.storage.blob import BlobProperties, ContainerClient, ContentSettings

from shared.errors import BlobNotFoundError, VersionChangedError
from shared.storage.ports import Blob, BlobInfo, Page, is_addressable

_JSON = ContentSettings(content_type="application/json; charset=utf-8")


class AzureBlobStore:
    """One container of Azure Storage or Azurite; implements the BlobStore port."""

    def __init__(self, container: ContainerClient) -> None:
        self._container = container

    def read(self, name: str, *, etag: str | None = None) -> Blob:
        if not is_addressable(name):
            raise BlobNotFoundError(name)
        try:
            stream = self._container.download_blob(name, **_if_match(etag))
            data = stream.readall()
        except ResourceNotFoundError as error:
            _raise_without_container(error)
            raise BlobNotFoundError(name) from error
        except ResourceModifiedError as error:
            # Whether a condition on a blob that is gone gives 404 or 412 differs between services.
            raise (VersionChangedError if self.find(name) else BlobNotFoundError)(name) from error
        except HttpResponseError as error:
            # An empty blob has no byte range; the SDK recovers, Azurite may answer 416 all the same.
            if error.status_code == 416:
                return Blob(b"", etag or "")
            raise
        return Blob(data, str(stream.properties.etag))

    def find(self, name: str) -> BlobInfo | None:
        if not is_addressable(name):
            return None
        try:
            return _info(self._container.get_blob_client(name).get_blob_properties())
        except ResourceNotFoundError as error:
            _raise_without_container(error)
            return None

    def create(self, name: str, data: bytes, *, metadata: Mapping[str, str] | None = None) -> str:
        return self._write(name, data, metadata, overwrite=False)

    def replace(self, name: str, data: bytes, *, etag: str, metadata: Mapping[str, str] | None = None) -> str:
        return self._write(name, data, metadata, overwrite=True, **_if_match(etag))

    def put(self, name: str, data: bytes, *, metadata: Mapping[str, str] | None = None) -> str:
        return self._write(name, data, metadata, overwrite=True)

    def _write(self, name: str, data: bytes, metadata: Mapping[str, str] | None, **condition: Any) -> str:
        if not is_addressable(name):
            raise ValueError(f"no blob can be called {name!r}")
        try:
            answer = self._container.get_blob_client(name).upload_blob(
                data, length=len(data), metadata=dict(metadata or {}), content_settings=_JSON, **condition
            )
        except (ResourceExistsError, ResourceModifiedError, ResourceNotFoundError) as error:
            _raise_without_container(error)
            raise VersionChangedError(name) from error
        return str(answer["etag"])

    def delete(self, name: str, *, etag: str | None = None) -> bool:
        if not is_addressable(name):
            return False
        try:
            self._container.get_blob_client(name).delete_blob(**_if_match(etag))
        except (ResourceNotFoundError, ResourceModifiedError) as error:
            _raise_without_container(error)
            return False
        return True

    def list(self, prefix: str = "", *, metadata: bool = False) -> Iterator[BlobInfo]:
        include = ["metadata"] if metadata else None
        for properties in self._container.list_blobs(name_starts_with=prefix or None, include=include):
            yield _info(properties)

    def list_page(self, prefix: str = "", *, token: str | None = None) -> Page:
        listing = self._container.list_blobs(name_starts_with=prefix or None, include=["metadata"])
        pages = listing.by_page(continuation_token=token)
        infos = [_info(properties) for properties in next(pages, ())]
        return Page(infos, getattr(pages, "continuation_token", None) or None)

    def ensure(self) -> None:
        try:
            self._container.create_container()
        except ResourceExistsError:
            return


def _raise_without_container(error: HttpResponseError) -> None:
    """A missing container is no answer about a blob: taken for one, acknowledged documents would be dropped."""
    code = getattr(error, "error_code", None)
    if getattr(code, "value", code) in ("ContainerNotFound", "ContainerBeingDeleted"):
        raise error


def _if_match(etag: str | None) -> dict[str, Any]:
    return {} if etag is None else {"etag": etag, "match_condition": MatchConditions.IfNotModified}


def _quoted(etag: str) -> str:
    # Listings give the ETag without its quotes, every other call with them.
    return etag if etag.startswith(('"', "W/")) else f'"{etag}"'


def _info(properties: BlobProperties) -> BlobInfo:
    return BlobInfo(
        name=str(properties.name),
        etag=_quoted(str(properties.etag)),
        last_modified=properties.last_modified,
        size=int(properties.size or 0),
        # A listing gives None for an empty value, a HEAD the empty string.
        metadata={key.lower(): value or "" for key, value in (properties.metadata or {}).items()},
    )
