"""From the `connection` of a binding to pooled storage clients, one pair per account.

The rules (Azure docs, functions-storage-blob-connections): the exact setting X, else AzureWebJobsX, else the settings
X__*, which name service addresses and an identity instead of a key. An empty name means AzureWebJobsStorage.
"""

from __future__ import annotations

import os
import threading
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import requests
from azure.core.pipeline.transport import RequestsTransport
from azure.storage.blob import BlobServiceClient, LinearRetry
from azure.storage.queue import LinearRetry as QueueLinearRetry
from azure.storage.queue import QueueClient, QueueServiceClient
from requests.adapters import HTTPAdapter

from functions_host.settings import AppSettings, SettingError

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

# Threads of several listeners share a client; the default pool of ten would drop their connections.
_POOL_SIZE = 64
# What requests reads in the environment, besides proxies.
_TRUSTED = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC")
_TIMEOUTS = {"connection_timeout": 5, "read_timeout": 30}
HOST_STORAGE = "AzureWebJobsStorage"
Service = Literal["blob", "queue"]

# Azurite's published account and ports: https://learn.microsoft.com/azure/storage/common/storage-use-azurite
_DEVELOPMENT_STORAGE = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
    "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1;"
)


@dataclass(frozen=True)
class ConnectionString:
    value: str


@dataclass(frozen=True)
class IdentityEndpoint:
    """An address, and who we are there."""

    url: str
    client_id: str | None = None
    is_managed_identity: bool = False


Endpoint = ConnectionString | IdentityEndpoint
_Client = TypeVar("_Client", BlobServiceClient, QueueServiceClient)


def find_endpoint(settings: AppSettings, connection: str, service: Service) -> Endpoint:
    """Raises SettingError, naming every setting that was looked for."""
    name = connection or HOST_STORAGE
    candidates = [name, "AzureWebJobs" + name]
    for candidate in candidates:
        value = settings.find(candidate)
        if value:
            return ConnectionString(_expand(value))
    for candidate in candidates:
        endpoint = _identity_endpoint(settings.under(candidate), service)
        if endpoint is not None:
            return endpoint
    raise SettingError(
        f"connection {name!r} has no {service} service: set {' or '.join(candidates)}, or {name}__{service}ServiceUri"
    )


def _identity_endpoint(values: dict[str, str], service: Service) -> IdentityEndpoint | None:
    account = values.get("accountname")
    from_account = f"https://{account}.{service}.core.windows.net" if account else None
    url = values.get(f"{service}serviceuri") or values.get("serviceuri") or from_account
    if url is None:
        return None
    is_managed = values.get("credential", "").lower() == "managedidentity"
    return IdentityEndpoint(url, client_id=values.get("clientid"), is_managed_identity=is_managed)


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
        self._blob_clients: dict[Endpoint, BlobServiceClient] = {}
        self._queue_clients: dict[Endpoint, QueueServiceClient] = {}
        self._sessions: list[requests.Session] = []

    def blobs(self, connection: str) -> BlobServiceClient:
        endpoint = find_endpoint(self._settings, connection, "blob")
        with self._lock:
            if endpoint not in self._blob_clients:
                # The default policy sleeps 15 s before its first retry; the listeners have their own back-off.
                retry = LinearRetry(backoff=1, retry_total=1, random_jitter_range=0)
                self._blob_clients[endpoint] = self._build(BlobServiceClient, endpoint, retry)
            return self._blob_clients[endpoint]

    def queues(self, connection: str) -> QueueServiceClient:
        endpoint = find_endpoint(self._settings, connection, "queue")
        with self._lock:
            if endpoint not in self._queue_clients:
                retry = QueueLinearRetry(backoff=1, retry_total=1, random_jitter_range=0)
                self._queue_clients[endpoint] = self._build(QueueServiceClient, endpoint, retry)
            return self._queue_clients[endpoint]

    def queue(self, connection: str, name: str) -> QueueClient:
        return self.queues(connection).get_queue_client(name)

    def poison_queues(self, connection: str) -> QueueServiceClient:
        """The queue service for the poison messages of a blob trigger on `connection`."""
        return self.queues(connection if has_own_queue_service(self._settings, connection) else HOST_STORAGE)

    def close(self) -> None:
        for session in self._sessions:
            session.close()

    def _build(self, client_type: type[_Client], endpoint: Endpoint, retry: object) -> _Client:
        session = requests.Session()
        # Else requests asks the environment before every call, which is a third of the call's CPU.
        session.trust_env = any(name in os.environ for name in _TRUSTED) or bool(urllib.request.getproxies())
        for scheme in ("http://", "https://"):
            session.mount(scheme, HTTPAdapter(pool_maxsize=_POOL_SIZE))
        self._sessions.append(session)
        transport = RequestsTransport(session=session, session_owner=False)
        options: dict[str, Any] = {"transport": transport, "retry_policy": retry, **_TIMEOUTS}
        if isinstance(endpoint, ConnectionString):
            return client_type.from_connection_string(endpoint.value, **options)
        return client_type(endpoint.url, credential=_credential(endpoint), **options)


def _credential(endpoint: IdentityEndpoint) -> TokenCredential:
    # Imported here: a local run against Azurite needs no identity, and this import is slow.
    from azure.identity import DefaultAzureCredential, ManagedIdentityCredential

    if endpoint.is_managed_identity:
        return ManagedIdentityCredential(client_id=endpoint.client_id)
    return DefaultAzureCredential(managed_identity_client_id=endpoint.client_id)


def _expand(connection_string: str) -> str:
    return _DEVELOPMENT_STORAGE if "usedevelopmentstorage=true" in connection_string.lower() else connection_string
