"""A blob as the handler sees it, read from storage only when the handler reads it.

The real host loads the whole blob and ships it to the worker before the handler starts. Here nothing is downloaded
until the first `read`, so a handler that only looks at name, length or properties costs no transfer.
"""

from __future__ import annotations

import io
from collections.abc import Callable

from azure.functions.blob import InputStream


class LazyInputStream(InputStream):
    def __init__(self, load: Callable[[], bytes], described: InputStream) -> None:
        """`described` gives everything but the content."""
        super().__init__(
            data=b"",
            name=described.name,
            uri=described.uri,
            length=described.length,
            blob_properties=described.blob_properties,
            metadata=described.metadata,
        )
        self._load = load
        self._content: io.BytesIO | None = None

    def read(self, size: int | None = -1) -> bytes:
        if self._content is None:
            self._content = io.BytesIO(self._load())
        return self._content.read(size)

    read1 = read
