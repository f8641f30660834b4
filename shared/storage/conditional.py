"""A conditional write that recognises itself: the SDK repeats a write whose answer was lost."""

from __future__ import annotations

from collections.abc import Mapping

from shared.errors import BlobNotFoundError, VersionChangedError
from shared.storage.ports import BlobStore


def replace_own(store: BlobStore, name: str, data: bytes, *, etag: str, metadata: Mapping[str, str]) -> str:
    """Replace a blob at `etag`; returns the new ETag. Raises VersionChangedError when another writer changed it.

    A conflict with the very bytes to be written is the SDK's repeat meeting its own first try, which is no race.
    """
    try:
        return store.replace(name, data, etag=etag, metadata=metadata)
    except VersionChangedError:
        try:
            current = store.read(name)
        except BlobNotFoundError:
            raise VersionChangedError(name) from None
        if current.data != data:
            raise
        return current.etag
