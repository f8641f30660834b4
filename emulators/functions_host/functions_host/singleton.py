"""Work that one host of many does, as on the platform: a lease on a blob of the host's storage.

Blob `azure-webjobs-hosts/locks/<hostId>/<name>` (azure-webjobs-sdk, StorageBaseDistributedLockManager.cs). A host that
is killed holds it until the lease ends.
"""

from __future__ import annotations

import contextlib
import logging
import threading

from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobLeaseClient, BlobServiceClient

log = logging.getLogger("functions_host.singleton")

CONTAINER = "azure-webjobs-hosts"
_CONFLICT = 409


class Singleton:
    """Held, and renewed, from `acquire` to `release`."""

    def __init__(self, service: BlobServiceClient, host_id: str, name: str, *, lease_seconds: float) -> None:
        """`lease_seconds`: storage takes 15 to 60."""
        self._container = service.get_container_client(CONTAINER)
        self._blob = self._container.get_blob_client(f"locks/{host_id}/{name}")
        self._seconds = round(lease_seconds)
        self._released = threading.Event()
        self._renewal: threading.Thread | None = None
        self.is_held = False

    def acquire(self) -> bool:
        """False while another host holds it. Raises AzureError when storage cannot say."""
        lease = self._try()
        if lease is None:
            return False
        self.is_held = True
        self._released.clear()
        self._renewal = threading.Thread(target=self._renew, args=[lease], name="singleton", daemon=True)
        self._renewal.start()
        return True

    def release(self) -> None:
        self._released.set()
        if self._renewal is not None:
            self._renewal.join()
            self._renewal = None

    def _try(self) -> BlobLeaseClient | None:
        try:
            return self._blob.acquire_lease(lease_duration=self._seconds)
        except ResourceNotFoundError:
            with contextlib.suppress(ResourceExistsError):
                self._container.create_container()
            with contextlib.suppress(ResourceExistsError):
                self._blob.upload_blob(b"")
            return self._try()
        except HttpResponseError as error:
            if error.status_code != _CONFLICT:
                raise
            return None

    def _renew(self, held: BlobLeaseClient) -> None:
        lease: BlobLeaseClient | None = held
        while not self._released.wait(self._seconds / 2):
            try:
                if lease is not None:
                    lease.renew()
                else:
                    lease = self._try()
                self.is_held = lease is not None
            except AzureError as error:
                # It may be another's by now: no work until it is ours again.
                log.warning("Cannot renew the lock %s: %s", self._blob.blob_name, type(error).__name__)
                self.is_held, lease = False, None
        self.is_held = False
        if lease is not None:
            with contextlib.suppress(AzureError):
                lease.release()
