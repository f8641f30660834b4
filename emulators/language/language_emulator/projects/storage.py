"""The projects' containers: of a storage account, or the sub-folders of a local folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient, LinearRetry

from language_emulator import errors

READERS = 8


class ProjectStorage(Protocol):
    """Where the containers are. Every failure comes out as the error the service would answer."""

    def close(self) -> None: ...

    def check_container(self, container: str, /) -> None:
        """Raise unless the container exists and can be read."""

    def find(self, container: str, name: str, /) -> bytes | None:
        """The blob's bytes, or None when there is no such blob."""


class NoStorage:
    """Of an emulator that was given none: projects cannot be made, the rest works."""

    def close(self) -> None:
        """There is nothing to close."""

    def check_container(self, _container: str) -> None:
        raise errors.storage_unreachable("the emulator was started without --storage or --storage-folder")

    def find(self, container: str, _name: str) -> bytes | None:
        self.check_container(container)
        return None


class FolderStorage:
    """A local folder; its sub-folders are the containers, the files below them the blobs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def close(self) -> None:
        """There is nothing to close."""

    def check_container(self, container: str) -> None:
        self._container(container)

    def find(self, container: str, name: str) -> bytes | None:
        folder = self._container(container)
        path = _below(folder, name)
        if path is None or not path.is_file():
            return None
        try:
            return path.read_bytes()
        except OSError as error:
            raise errors.storage_denied(container) from error

    def _container(self, name: str) -> Path:
        folder = _below(self._folder, name)
        if folder is None or folder.parent != self._folder or not folder.is_dir():
            raise errors.container_missing(name)
        return folder


def _below(folder: Path, name: str) -> Path | None:
    """None for a name that leaves the folder, by `..` or by a link, or that no file can have."""
    try:
        path = (folder / name).resolve()
    except (OSError, ValueError):
        return None
    return path if path.is_relative_to(folder) else None


class BlobStorage:
    """A storage account, read as the Language resource's identity would read it."""

    def __init__(self, connection_string: str) -> None:
        # The SDK's default waits 15 s before its first retry; the storage beside an emulator is near.
        retry = LinearRetry(backoff=1, retry_total=1, random_jitter_range=0)
        self._account = BlobServiceClient.from_connection_string(connection_string, retry_policy=retry)

    def close(self) -> None:
        self._account.close()

    def check_container(self, container: str) -> None:
        with _translated(container):
            exists = self._account.get_container_client(container).exists()
        if not exists:
            raise errors.container_missing(container)

    def find(self, container: str, name: str) -> bytes | None:
        with _translated(container):
            try:
                return self._account.get_container_client(container).download_blob(name).readall()
            except ResourceNotFoundError:
                return None


def open_storage(connection_string: str | None, folder: Path | None) -> ProjectStorage:
    if folder is not None:
        return FolderStorage(folder)
    return BlobStorage(connection_string) if connection_string else NoStorage()


def read_texts(storage: ProjectStorage, container: str, names: Sequence[str], *, longest: int) -> list[str]:
    """The documents' texts in the order of `names`, each cut to `longest` characters."""
    with ThreadPoolExecutor(READERS, thread_name_prefix="read-documents") as pool:
        contents = list(pool.map(lambda name: storage.find(container, name), names))
    missing = [name for name, content in zip(names, contents, strict=True) if content is None]
    if missing:
        raise errors.documents_missing(missing)
    return [decode(content)[:longest] for content in contents if content is not None]


def decode(content: bytes) -> str:
    """UTF-8 with or without a byte order mark, UTF-16 with one; anything else is read as Windows-1252, loss allowed."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


@contextmanager
def _translated(container: str) -> Iterator[None]:
    try:
        yield
    except HttpResponseError as error:
        if error.status_code in (401, 403):
            raise errors.storage_denied(container) from error
        # 400 is an impossible container name; to the caller there is no such container.
        if error.status_code in (400, 404):
            raise errors.container_missing(container) from error
        raise errors.storage_unreachable(type(error).__name__) from error
    except (AzureError, ValueError) as error:
        raise errors.storage_unreachable(type(error).__name__) from error
