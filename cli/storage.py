"""The containers as whoever uploads sees them: by connection string, or signed in to Azure."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
    ServiceRequestError,
)
from azure.storage.blob import BlobServiceClient, ContainerClient, ContentSettings

from cli.exit_codes import FAILED, UNREACHABLE
from cli.steps import StepFailedError

THREADS = 8


@dataclass(frozen=True)
class Uploads:
    """The ETag of each blob that is there now, and how many were there already with the same content."""

    etags: Mapping[str, str]
    kept: int


@dataclass(frozen=True)
class ListedBlob:
    """A line of a listing. The ETag has no quotes there (which the records' ETags have)."""

    name: str
    etag: str
    metadata: Mapping[str, str]


class UserStorage:
    """The blob storage of a running app. Its errors are StepFailedErrors."""

    def __init__(self, storage: str) -> None:
        self._credential: Any = None
        if urlsplit(storage).scheme in ("https", "http"):
            # Imported only here: with a connection string nobody waits for it.
            from azure.identity import DefaultAzureCredential

            # It lists each way of signing in that failed as a warning; `failures_explained` says what to do.
            logging.getLogger("azure.identity").setLevel(logging.ERROR)
            self._credential = DefaultAzureCredential()
            self._service = BlobServiceClient(storage, credential=self._credential)
        else:
            self._service = BlobServiceClient.from_connection_string(storage)

    def close(self) -> None:
        self._service.close()
        if self._credential is not None:
            self._credential.close()

    def upload(
        self, container: str, files: Mapping[str, Path | bytes], *, on_each: Callable[[], object] = lambda: None
    ) -> Uploads:
        """Upload each file, or content, under its name; what is there with the same content is left as it is."""
        client = self._service.get_container_client(container)

        def put(entry: tuple[str, Path | bytes]) -> tuple[str, bool]:
            name, source = entry
            etag, changed = _put(client, name, source.read_bytes() if isinstance(source, Path) else source)
            on_each()
            return etag, changed

        with failures_explained(f"uploading to the container {container!r}"), ThreadPoolExecutor(THREADS) as pool:
            answers = list(pool.map(put, files.items()))
        etags = {name: etag for name, (etag, _) in zip(files, answers, strict=True)}
        return Uploads(etags, kept=sum(not changed for _, changed in answers))

    def put(self, container: str, name: str, data: bytes) -> None:
        with failures_explained(f"uploading to the container {container!r}"):
            self._service.get_blob_client(container, name).upload_blob(data, overwrite=True)

    def read_json(self, container: str, name: str) -> Any:
        """The blob's content; None while there is no such blob, or none that is JSON."""
        with failures_explained(f"reading {name!r} in the container {container!r}"):
            try:
                return json.loads(self._service.get_blob_client(container, name).download_blob().readall())
            except (ResourceNotFoundError, ValueError):
                return None

    def read(self, container: str, name: str) -> bytes | None:
        """The blob's content; None when there is no such blob."""
        with failures_explained(f"reading {name!r} in the container {container!r}"):
            try:
                return self._service.get_blob_client(container, name).download_blob().readall()
            except ResourceNotFoundError:
                return None

    def list_blobs(self, container: str, prefix: str = "", *, metadata: bool = False) -> Iterator[ListedBlob]:
        """Each blob as the listing comes, in the order of names."""
        with failures_explained(f"listing the container {container!r}"):
            client = self._service.get_container_client(container)
            include = ["metadata"] if metadata else []
            for blob in client.list_blobs(name_starts_with=prefix or None, include=include):
                yield ListedBlob(str(blob.name), str(blob.etag), dict(blob.metadata or {}))

    def list_names(self, container: str, prefix: str = "") -> list[str]:
        with failures_explained(f"listing the container {container!r}"):
            names: Iterable[str] = self._service.get_container_client(container).list_blob_names(
                name_starts_with=prefix or None
            )
            return list(names)


def _put(client: ContainerClient, name: str, data: bytes) -> tuple[str, bool]:
    """The blob's ETag, and whether it was written. An upload of the same content would only be classified again."""
    md5 = hashlib.md5(data, usedforsecurity=False).digest()
    blob = client.get_blob_client(name)
    try:
        there = blob.get_blob_properties()
    except ResourceNotFoundError:
        there = None
    if there is not None and bytes(there.content_settings.content_md5 or b"") == md5:
        return str(there.etag), False
    settings = ContentSettings(content_type="text/plain", content_md5=bytearray(md5))
    return str(blob.upload_blob(data, overwrite=True, content_settings=settings)["etag"]), True


@contextmanager
def failures_explained(doing: str) -> Iterator[None]:
    """Raises StepFailedError for what storage or the sign-in refuse, with what to do."""
    try:
        yield
    except ClientAuthenticationError as error:
        raise StepFailedError(
            f"{doing}: not signed in ({_first_line(error)})",
            do="sign in: az login (or: azd auth login)",
            exit_code=UNREACHABLE,
        ) from error
    except ServiceRequestError as error:
        raise StepFailedError(
            f"{doing}: storage cannot be reached ({_first_line(error)})",
            do="check the network; the storage of a private network is reached only from within it",
            exit_code=UNREACHABLE,
        ) from error
    except HttpResponseError as error:
        what = f"{doing}: {error.status_code} {_code(error) or error.reason}"
        code = UNREACHABLE if error.status_code in (401, 403) else FAILED
        raise StepFailedError(what, do=_what_to_do(error), exit_code=code) from error
    except AzureError as error:
        raise StepFailedError(f"{doing}: {_first_line(error)}", do="try again") from error


def _what_to_do(error: HttpResponseError) -> str:
    if error.status_code == 403 and _code(error) == "AuthorizationFailure":
        return "the storage's firewall refuses this network: run it from within the virtual network"
    if error.status_code == 403:
        return (
            "it takes the role Storage Blob Data Contributor on the data storage; azd up gives it to whoever runs it, "
            "and it takes effect within five minutes: wait, then run this again"
        )
    if error.status_code == 404:
        return "the container is missing: azd provision creates it"
    return "try again"


def _code(error: HttpResponseError) -> str:
    """Storage's own, which the SDK adds to the error."""
    return str(getattr(error, "error_code", None) or "").removeprefix("StorageErrorCode.")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]
