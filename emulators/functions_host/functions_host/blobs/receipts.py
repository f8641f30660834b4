"""Which versions of which blobs were handed to the internal queue, so that neither a scan nor a restart repeats them.

They are kept in memory and in append blobs of `azure-webjobs-hosts`: `blobreceipts/<hostId>/<functionId>/<run>`, one
JSON line per receipt. (The real host keeps a blob per receipt; a journal costs one request per batch.) Deleting the
journals makes every blob new. A receipt is written after its message is queued: a crash in between queues a blob twice,
never not at all.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient

CONTAINER = "azure-webjobs-hosts"

Receipt = tuple[str, str, str]
"""Container, blob, ETag without quotes."""


class Receipts:
    """The receipts of one function. Only the scanner's thread uses them."""

    def __init__(self, service: BlobServiceClient, host_id: str, function_id: str) -> None:
        self._container = service.get_container_client(CONTAINER)
        self._prefix = f"blobreceipts/{host_id}/{function_id}/"
        self._journal = self._container.get_blob_client(self._prefix + datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f"))
        self._known: set[Receipt] = set()
        self._has_journal = False
        self._is_loaded = False

    def load(self) -> None:
        """Read the journals of earlier runs; only the first call does anything."""
        if self._is_loaded:
            return
        try:
            for name in list(self._container.list_blob_names(name_starts_with=self._prefix)):
                journal = self._container.get_blob_client(name).download_blob().readall()
                self._known.update(_parse(line) for line in journal.splitlines() if line)
        except ResourceNotFoundError:
            pass
        self._is_loaded = True

    def __contains__(self, receipt: Receipt) -> bool:
        return receipt in self._known

    def add(self, receipts: Iterable[Receipt]) -> None:
        """Persist, then remember."""
        new = list(receipts)
        if not self._has_journal:
            self._create_journal()
        self._journal.append_block("".join(json.dumps(receipt) + "\n" for receipt in new).encode())
        self._known.update(new)

    def _create_journal(self) -> None:
        with contextlib.suppress(ResourceExistsError):
            self._container.create_container()
        self._journal.create_append_blob()
        self._has_journal = True


def _parse(line: bytes) -> Receipt:
    container, blob, etag = json.loads(line)
    return container, blob, etag
