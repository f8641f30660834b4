"""Which versions of which blobs were handed to the internal queue, so that neither a scan nor a restart repeats them.

They are kept in memory and in append blobs of `azure-webjobs-hosts`: `blobreceipts/<hostId>/<functionId>/<run>`, one
JSON line per receipt. (The real host keeps a blob per receipt; a journal costs one request per batch.) Deleting the
journals makes every blob new. A receipt is written after its message is queued: a crash in between queues a blob twice,
never not at all.
"""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient

CONTAINER = "azure-webjobs-hosts"

Receipt = tuple[str, str, str]
"""Container, blob, ETag without quotes."""


class Receipts:
    """The receipts of one function, those of other hosts on its storage too. Only the scanner's thread uses them."""

    def __init__(self, service: BlobServiceClient, host_id: str, function_id: str) -> None:
        self._container = service.get_container_client(CONTAINER)
        self._prefix = f"blobreceipts/{host_id}/{function_id}/"
        self._journal = self._container.get_blob_client(
            self._prefix + datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f") + f"-{uuid.uuid4().hex[:8]}"
        )
        self._known: set[Receipt] = set()
        self._has_journal = False
        self._is_loaded = False
        self._read_up_to: dict[str, int] = {}

    def load(self) -> None:
        """Read the journals of earlier runs; only the first call does anything."""
        if not self._is_loaded:
            self.refresh()
            self._is_loaded = True

    def refresh(self) -> None:
        """Read what other hosts have written since."""
        try:
            journals = list(self._container.list_blobs(name_starts_with=self._prefix))
        except ResourceNotFoundError:
            return
        for journal in journals:
            start = self._read_up_to.get(journal.name, 0)
            if journal.name == self._journal.blob_name or journal.size <= start:
                continue
            # Appended to by whole lines.
            lines = self._container.get_blob_client(journal.name).download_blob(offset=start).readall()
            self._known.update(_parse(line) for line in lines.splitlines() if line)
            self._read_up_to[journal.name] = start + len(lines)

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
