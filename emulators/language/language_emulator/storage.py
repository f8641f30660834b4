"""The projects' containers, read as the Language resource's identity would read them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient, ContainerClient, LinearRetry

from language_emulator import errors

READERS = 8


class ProjectStorage:
    """One storage account. Every failure comes out as the error the service would answer."""

    def __init__(self, connection_string: str | None) -> None:
        # The SDK's default waits 15 s before its first retry; the storage beside an emulator is near.
        retry = LinearRetry(backoff=1, retry_total=1, random_jitter_range=0)
        self._account = (
            BlobServiceClient.from_connection_string(connection_string, retry_policy=retry)
            if connection_string
            else None
        )

    def close(self) -> None:
        if self._account is not None:
            self._account.close()

    def check_container(self, container: str) -> None:
        """Raise unless the container exists and can be read."""
        with _translated(container):
            exists = self._container(container).exists()
        if not exists:
            raise errors.container_missing(container)

    def find(self, container: str, name: str) -> bytes | None:
        """The blob's bytes, or None when there is no such blob."""
        with _translated(container):
            try:
                return self._container(container).download_blob(name).readall()
            except ResourceNotFoundError:
                return None

    def read_texts(self, container: str, names: Sequence[str], *, longest: int) -> list[str]:
        """The documents' texts in the order of `names`, each cut to `longest` characters."""
        with ThreadPoolExecutor(READERS, thread_name_prefix="read-documents") as pool:
            contents = list(pool.map(lambda name: self.find(container, name), names))
        missing = [name for name, content in zip(names, contents, strict=True) if content is None]
        if missing:
            raise errors.documents_missing(missing)
        return [decode(content)[:longest] for content in contents if content is not None]

    def _container(self, name: str) -> ContainerClient:
        if self._account is None:
            raise errors.storage_unreachable("the emulator was started without --storage")
        return self._account.get_container_client(name)


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
