"""What reaches outside the process: storage, the Language service, threads, the clock. Connecting makes no call."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from azure.storage.blob import BlobServiceClient
from azure.storage.blob import ExponentialRetry as BlobRetry
from azure.storage.queue import ExponentialRetry as QueueRetry
from azure.storage.queue import QueueServiceClient

from shared.concurrency import FanOut, ThreadFanOut
from shared.config import CredentialKind, Settings
from shared.language.client import HttpWhenNeeded, LanguageClient
from shared.language.credentials import Credential, IdentityCredential, KeyCredential
from shared.language.rate_limiter import RateLimiter, RateLimits
from shared.storage.blobs import AzureBlobStore
from shared.storage.outages import Outages
from shared.storage.ports import BlobStore, MessageQueue
from shared.storage.queues import AzureMessageQueue
from shared.storage.transport import PooledTransport


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Adapters:
    """Everything that reaches outside the process, and its clock and randomness."""

    open_container: Callable[[str], BlobStore]
    open_queue: Callable[[str], MessageQueue]
    language: LanguageClient
    fan_out: FanOut
    clock: Callable[[], datetime]
    jitter: Callable[[], float]
    wait: Callable[[timedelta], None] = lambda delay: time.sleep(delay.total_seconds())
    outages: Outages = field(default_factory=lambda: Outages(utc_now))


def connect(settings: Settings, *, transport: httpx.BaseTransport | None = None) -> tuple[Adapters, Callable[[], None]]:
    """Azure, or Azurite and the emulator, and what closes the connections and threads.

    `transport` replaces the network below the Language client, for tests.
    """
    storage = PooledTransport()
    http = HttpWhenNeeded(lambda: _http_client(settings, transport))
    fan_out = ThreadFanOut(settings.pipeline_threads)
    blobs, queues = _blob_service(settings, storage), _queue_service(settings, storage)
    outages = Outages(utc_now)

    def close() -> None:
        http.close()
        storage.close()
        fan_out.close()

    adapters = Adapters(
        open_container=lambda name: AzureBlobStore(blobs.get_container_client(name), outages),
        open_queue=lambda name: AzureMessageQueue(queues.get_queue_client(name), outages),
        language=_language(settings, http),
        fan_out=fan_out,
        clock=utc_now,
        jitter=random.random,
        outages=outages,
    )
    return adapters, close


def _http_client(settings: Settings, transport: httpx.BaseTransport | None) -> httpx.Client:
    timeout = httpx.Timeout(settings.language_read_seconds, connect=settings.language_connect_seconds)
    # httpx loses speed beyond 16 connections at once on one process.
    limits = httpx.Limits(max_connections=16, max_keepalive_connections=16)
    return httpx.Client(timeout=timeout, limits=limits, follow_redirects=False, transport=transport)


def _language(settings: Settings, http: HttpWhenNeeded) -> LanguageClient:
    rate_limits = RateLimits(
        analyze=_rate_limiter(settings.analyze_requests_per_minute),
        authoring_posts=_rate_limiter(settings.language_authoring_posts_per_minute),
        authoring_gets=_rate_limiter(settings.language_authoring_gets_per_minute),
    )
    credential = _language_credential(settings)
    return LanguageClient(settings.language_endpoint, credential, http, rate_limits=rate_limits)


def _rate_limiter(requests_per_minute: int) -> RateLimiter | None:
    return RateLimiter(requests_per_minute) if requests_per_minute else None


def _language_credential(settings: Settings) -> Credential:
    if settings.language_credential is CredentialKind.KEY and settings.language_key is not None:
        return KeyCredential(settings.language_key.get_secret_value())
    authoring = settings.language_authoring_client_id
    return IdentityCredential(_identity(settings.language_client_id), _identity(authoring) if authoring else None)


# After 1, 4, 10 and 28 s. The SDK's own first wait, at every connection that was closed on us, is 15 s.
_STORAGE_RETRY: dict[str, Any] = {"initial_backoff": 1, "increment_base": 3, "retry_total": 4, "random_jitter_range": 1}


def _blob_service(settings: Settings, transport: PooledTransport) -> BlobServiceClient:
    options: dict[str, Any] = {"transport": transport, "retry_policy": BlobRetry(**_STORAGE_RETRY)}
    if settings.data_storage is not None:
        return BlobServiceClient.from_connection_string(settings.data_storage.get_secret_value(), **options)
    address = str(settings.data_storage__blobserviceuri)
    return BlobServiceClient(address, credential=_identity(settings.data_storage__clientid), **options)


def _queue_service(settings: Settings, transport: PooledTransport) -> QueueServiceClient:
    options: dict[str, Any] = {"transport": transport, "retry_policy": QueueRetry(**_STORAGE_RETRY)}
    if settings.data_storage is not None:
        return QueueServiceClient.from_connection_string(settings.data_storage.get_secret_value(), **options)
    address = str(settings.data_storage__queueserviceuri)
    return QueueServiceClient(address, credential=_identity(settings.data_storage__clientid), **options)


def _identity(client_id: str | None) -> Any:
    """A user-assigned identity by its client id; without one, whoever runs the process (a developer's sign-in too)."""
    # Imported only when a setting asks for it: azure-identity costs a cold start a good part of a second.
    from azure.identity import DefaultAzureCredential, ManagedIdentityCredential

    return ManagedIdentityCredential(client_id=client_id) if client_id else DefaultAzureCredential()
