"""The adapter to blob storage: one container, small blobs, conditional writes. Nothing else writes blobs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from html import escape
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import (
    DecodeError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.core.pipeline import PipelineResponse
from azure.storage.blob import BlobProperties, ContainerClient, ContentSettings

from shared.errors import BlobNotFoundError, BlobUnreadableError, PlaceLostError, VersionChangedError
from shared.storage.listing_xml import quoted, read_page
from shared.storage.outages import Outages, Place, error_code
from shared.storage.ports import Blob, BlobInfo, Page, is_addressable

_JSON = ContentSettings(content_type="application/json; charset=utf-8")
_TEXT = ContentSettings(content_type="text/plain; charset=utf-8")

# What storage says about one blob for that blob's own sake: the code of its answer, and what to do about it.
# 403 is never among them: it speaks of our access to storage, not of the blob. Sources:
# https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes
# https://learn.microsoft.com/azure/storage/blobs/archive-rehydrate-overview (archive tier)
# https://learn.microsoft.com/azure/storage/blobs/encryption-customer-provided-keys (409 without the key, HEAD as well)
# https://learn.microsoft.com/dotnet/api/azure.storage.blobs.models.bloberrorcode (names)
ABOUT_ONE_BLOB = {
    "BlobArchived": "it is in the archive tier; move it to an online tier, or upload it again",
    "BlobBeingRehydrated": "it is on its way out of the archive tier, which takes hours; send it again afterwards",
    "BlobUsesCustomerSpecifiedEncryption": "it is encrypted with a key of its uploader's; upload it without",
    "BlobCustomerSpecifiedEncryptionMismatch": "it is encrypted with a key of its uploader's; upload it without",
    "BlobImmutableDueToPolicy": "an immutability policy keeps it as it is",
    "BlobImmutableDueToLegalHold": "a legal hold keeps it as it is",
    "InvalidBlobType": "it is an append or page blob; upload it as a block blob",
    "InvalidRange": "its bytes cannot be read in ranges; upload it again",
    "LeaseIdMissing": "another writer holds a lease on it; end the lease",
    "OperationNotAllowedOnIncrementalCopyBlob": "it is an incremental copy of a snapshot; upload it as a block blob",
    "PendingCopyOperation": "a copy into it is still under way; send it again afterwards",
}


class AzureBlobStore:
    """One container of Azure Storage or Azurite; implements the BlobStore port."""

    def __init__(self, container: ContainerClient, outages: Outages | None = None) -> None:
        self._container = container
        self._place = Place(f"container {container.container_name}", outages or Outages(lambda: datetime.now(UTC)))

    def read(self, name: str, *, etag: str | None = None) -> Blob:
        if not is_addressable(name):
            raise BlobNotFoundError(name)
        with self._place.calling("read"):
            return self._read(name, etag=etag)

    def _read(self, name: str, *, etag: str | None) -> Blob:
        try:
            # What the uploader calls gzip may be anything; the SDK would fail on it, or unpack it without a limit.
            stream = self._container.download_blob(name, decompress=False, **_if_match(etag))
            data = stream.readall()
        except ResourceNotFoundError as error:
            _raise_without_container(error)
            raise BlobNotFoundError(name) from error
        except ResourceModifiedError as error:
            # Whether a condition on a blob that is gone gives 404 or 412 differs between services.
            raise (VersionChangedError if self.find(name) else BlobNotFoundError)(name) from error
        except HttpResponseError as error:
            if error.status_code == 416:
                return self._without_range(name, error, etag=etag)
            _raise_about_the_blob(name, error)
            raise
        claims = stream.properties.content_settings
        return Blob(data, str(stream.properties.etag), claims.content_type, claims.content_encoding)

    def _without_range(self, name: str, error: HttpResponseError, *, etag: str | None) -> Blob:
        """An empty blob has no byte range; the SDK recovers, Azurite may answer 416 all the same."""
        info = self.find(name)
        if info is None:
            raise BlobNotFoundError(name) from error
        if etag not in (None, info.etag):
            raise VersionChangedError(name) from error
        if info.size:
            _raise_about_the_blob(name, error)
        return Blob(b"", info.etag)

    def find(self, name: str) -> BlobInfo | None:
        if not is_addressable(name):
            return None
        with self._place.calling("find"):
            return self._find(name)

    def _find(self, name: str) -> BlobInfo | None:
        try:
            return _info(self._container.get_blob_client(name).get_blob_properties())
        except ResourceNotFoundError as error:
            _raise_without_container(error)
            return None
        except HttpResponseError as error:
            if error_code(error) not in ABOUT_ONE_BLOB:
                raise
            # The HEAD of a blob with its uploader's key is refused too; the listing shows it.
            return next((info for info in self.list(name, metadata=True) if info.name == name), None)

    def create(self, name: str, data: bytes, *, metadata: Mapping[str, str] | None = None) -> str:
        return self._write(name, data, metadata, overwrite=False)

    def replace(self, name: str, data: bytes, *, etag: str, metadata: Mapping[str, str] | None = None) -> str:
        return self._write(name, data, metadata, overwrite=True, **_if_match(etag))

    def put(self, name: str, data: bytes, *, metadata: Mapping[str, str] | None = None) -> str:
        return self._write(name, data, metadata, overwrite=True)

    def _write(self, name: str, data: bytes, metadata: Mapping[str, str] | None, **condition: Any) -> str:
        if not is_addressable(name):
            raise ValueError(f"no blob can be called {name!r}")
        with self._place.calling("write"):
            return self._put(name, data, metadata, **condition)

    def _put(self, name: str, data: bytes, metadata: Mapping[str, str] | None, **condition: Any) -> str:
        try:
            answer = self._container.get_blob_client(name).upload_blob(
                data,
                length=len(data),
                metadata=dict(metadata or {}),
                content_settings=_TEXT if name.endswith(".txt") else _JSON,
                **condition,
            )
        except (ResourceExistsError, ResourceModifiedError, ResourceNotFoundError) as error:
            _raise_without_container(error)
            _raise_about_the_blob(name, error)
            raise VersionChangedError(name) from error
        except HttpResponseError as error:
            _raise_about_the_blob(name, error)
            raise
        return str(answer["etag"])

    def delete(self, name: str, *, etag: str | None = None) -> bool:
        if not is_addressable(name):
            return False
        with self._place.calling("delete"):
            return self._delete(name, etag=etag)

    def _delete(self, name: str, *, etag: str | None) -> bool:
        try:
            self._container.get_blob_client(name).delete_blob(**_if_match(etag))
        except (ResourceNotFoundError, ResourceModifiedError) as error:
            _raise_without_container(error)
            return False
        except HttpResponseError as error:
            if error_code(error) in ABOUT_ONE_BLOB:
                return False
            raise
        return True

    def list(self, prefix: str = "", *, metadata: bool = False) -> Iterator[BlobInfo]:
        token: str | None = None
        while True:
            # Not around the yield: what the caller does with a blob is no call of ours.
            page = self.list_page(prefix, token=token, metadata=metadata)
            yield from page.infos
            token = page.token
            if token is None:
                return

    def list_page(
        self, prefix: str = "", *, token: str | None = None, metadata: bool = True, limit: int | None = None
    ) -> Page:
        answers: list[Page | DecodeError] = []
        pages = self._container.list_blobs(
            name_starts_with=prefix or None,
            include=["metadata"] if metadata else None,
            results_per_page=limit,
            raw_response_hook=partial(_read_listing, answers),
        ).by_page(continuation_token=token)
        with self._place.calling("list"):
            try:
                next(pages)
            except HttpResponseError as error:
                if error.status_code == 400 and token is not None:
                    place = f"the listing of {self._container.container_name}"
                    raise PlaceLostError(f"storage does not go on with {place} where it was left") from error
                raise
            page = answers[-1]
            if isinstance(page, DecodeError):
                raise page
        return page

    def ensure(self) -> None:
        with self._place.calling("ensure"):
            try:
                self._container.create_container()
            except ResourceExistsError as error:
                _raise_without_container(error)


def _raise_without_container(error: HttpResponseError) -> None:
    """A missing container is no answer about a blob: taken for one, acknowledged documents would be dropped."""
    if error_code(error) in ("ContainerNotFound", "ContainerBeingDeleted"):
        raise error


def _raise_about_the_blob(name: str, error: HttpResponseError) -> None:
    code = error_code(error)
    if code in ABOUT_ONE_BLOB:
        raise BlobUnreadableError(
            f"storage does not give the blob {name!r} ({code}): {ABOUT_ONE_BLOB[code]}"
        ) from error


def _if_match(etag: str | None) -> dict[str, Any]:
    return {} if etag is None else {"etag": etag, "match_condition": MatchConditions.IfNotModified}


@dataclass
class _WithoutBlobs:
    """A response to List Blobs that has been read: the same, but there is nothing left for the SDK to unpack.

    Not frozen: the SDK notes on a response where it came from.
    """

    response: Any
    token: str | None

    def text(self, encoding: str | None = None) -> str:  # noqa: ARG002 - the SDK asks for one
        return f"<EnumerationResults><Blobs/><NextMarker>{escape(self.token or '')}</NextMarker></EnumerationResults>"

    def body(self) -> bytes:
        return self.text().encode()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.response, name)


def _read_listing(answers: list[Page | DecodeError], received: PipelineResponse[Any, Any]) -> None:
    """A hook of the SDK's on each answer to List Blobs, before it unpacks it: keeps the page, or why it is none."""
    response = received.http_response
    if response.status_code != 200:
        return
    try:
        answers.append(read_page(response.body()))
    except ValueError as error:
        answers.append(DecodeError(str(error), response=response))
    received.http_response = _WithoutBlobs(response, answers[-1].token if isinstance(answers[-1], Page) else None)


def _info(properties: BlobProperties) -> BlobInfo:
    return BlobInfo(
        name=str(properties.name),
        etag=quoted(str(properties.etag)),
        last_modified=properties.last_modified,
        size=int(properties.size or 0),
        # A listing gives None for an empty value, a HEAD the empty string.
        metadata={key.lower(): value or "" for key, value in (properties.metadata or {}).items()},
    )
