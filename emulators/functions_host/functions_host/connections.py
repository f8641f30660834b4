"""From the `connection` of a binding to pooled storage clients, one pair per account.

The rules (Azure docs, functions-storage-blob-connections): the exact setting X, else AzureWebJobsX, else the settings
X__*, which name service addresses and an identity instead of a key. An empty name means AzureWebJobsStorage.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from azure.storage.blob import BlobServiceClient, LinearRetry
from azure.storage.queue import LinearRetry as QueueLinearRetry
from azure.storage.queue import QueueClient, QueueServiceClient

from functions_host.settings import AppSettings, SettingError
from functions_host.transport import PooledTransport

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

HOST_STORAGE = "AzureWebJobsStorage"
Service = Literal["blob", "queue"]

# Azurite's published account and ports: https://learn.microsoft.com/azure/storage/common/storage-use-azurite
_DEVELOPMENT_STORAGE = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
    "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1;"
)


@dataclass(frozen=True)
class Endpoint:
    """Where a service of a connection is: a connection string, or an address and who we are there."""

    connection_string: str | None = None
    url: str | None = None
    client_id: str | None = None
    is_managed_identity: bool = False


def find_endpoint(settings: AppSettings, connection: str, service: Service) -> Endpoint:
    """Raises SettingError, naming every setting that was looked for."""
    name = connection or HOST_STORAGE
    candidates = [name, "AzureWebJobs" + name]
    for candidate in candidates:
        value = settings.find(candidate)
        if value:
            return Endpoint(connection_string=_expand(value))
    for candidate in candidates:
        endpoint = _identity_endpoint(settings.under(candidate), service)
        if endpoint is not None:
            return endpoint
    raise SettingError(
        f"connection {name!r} has no {service} service: set {' or '.join(candidates)}, or {name}__{service}ServiceUri"
    )


def _identity_endpoint(values: dict[str, str], service: Service) -> Endpoint | None:
    account = values.get("accountname")
    from_account = f"https://{account}.{service}.core.windows.net" if account else None
    url = values.get(f"{service}serviceuri") or values.get("serviceuri") or from_account
    if url is None:
        return None
    is_managed = values.get("credential", "").lower() == "managedidentity"
    return Endpoint(url=url, client_id=values.get("clientid"), is_managed_identity=is_managed)


def has_own_queue_service(settings: AppSettings, connection: str) -> bool:
    """False when only `__serviceUri` or `__blobServiceUri` is set: a blob trigger then uses the host's queues."""
    name = connection or HOST_STORAGE
    if any(settings.find(candidate) for candidate in (name, "AzureWebJobs" + name)):
        return True
    values = settings.under(name) or settings.under("AzureWebJobs" + name)
    return "queueserviceuri" in values or "accountname" in values


class Connections:
    """Clients by connection name, created once per account and safe for many threads."""

    def __init__(self, settings: AppSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._clients: dict[tuple[Service, Endpoint], Any] = {}
        self._transports: list[PooledTransport] = []

    def blobs(self, connection: str) -> BlobServiceClient:
        endpoint = find_endpoint(self._settings, connection, "blob")
        client = self._cached("blob", endpoint)
        assert isinstance(client, BlobServiceClient)
        return client

    def queues(self, connection: str) -> QueueServiceClient:
        endpoint = find_endpoint(self._settings, connection, "queue")
        client = self._cached("queue", endpoint)
        assert isinstance(client, QueueServiceClient)
        return client

    def queue(self, connection: str, name: str) -> QueueClient:
        return self.queues(connection).get_queue_client(name)

    def poison_queues(self, connection: str) -> QueueServiceClient:
        """The queue service for the poison messages of a blob trigger on `connection`."""
        return self.queues(connection if has_own_queue_service(self._settings, connection) else HOST_STORAGE)

    def close(self) -> None:
        for transport in self._transports:
            transport.close_all()

    def _cached(self, service: Service, endpoint: Endpoint) -> Any:
        with self._lock:
            key = (service, endpoint)
            if key not in self._clients:
                self._clients[key] = self._build(service, endpoint)
            return self._clients[key]

    def _build(self, service: Service, endpoint: Endpoint) -> BlobServiceClient | QueueServiceClient:
        client_type = BlobServiceClient if service == "blob" else QueueServiceClient
        # The default policy sleeps 15 s before its first retry; the listeners have their own back-off.
        retry_type = LinearRetry if service == "blob" else QueueLinearRetry
        retry = retry_type(backoff=1, retry_total=1, random_jitter_range=0)
        transport = PooledTransport()
        self._transports.append(transport)
        options: dict[str, Any] = {"transport": transport, "retry_policy": retry}
        if endpoint.connection_string is not None:
            return client_type.from_connection_string(endpoint.connection_string, **options)
        assert endpoint.url is not None
        return client_type(endpoint.url, credential=_credential(endpoint), **options)


def _credential(endpoint: Endpoint) -> TokenCredential:
    # Imported here: a local run against Azurite needs no identity, and this import is slow.
    from azure.identity import DefaultAzureCredential, ManagedIdentityCredential

    if endpoint.is_managed_identity:
        return ManagedIdentityCredential(client_id=endpoint.client_id)
    return DefaultAzureCredential(managed_identity_client_id=endpoint.client_id)


def _expand(connection_string: str) -> str:
    return _DEVELOPMENT_STORAGE if "usedevelopmentstorage=true" in connection_string.lower() else connection_string
