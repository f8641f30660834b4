"""Wires clients and stores, once per process. Building makes no network call."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx
import requests
from azure.core.pipeline.transport import RequestsTransport
from azure.storage.blob import BlobServiceClient
from azure.storage.blob import ExponentialRetry as BlobRetry
from azure.storage.queue import ExponentialRetry as QueueRetry
from azure.storage.queue import QueueServiceClient
from requests.adapters import HTTPAdapter

from shared.config import CredentialKind, Settings
from shared.language.client import LanguageClient
from shared.language.credentials import Credential, IdentityCredential, KeyCredential
from shared.language.pace import Pace, RequestPace
from shared.pipeline.context import Pipeline
from shared.pipeline.wake import WakeDebounce
from shared.storage.blobs import AzureBlobStore
from shared.storage.queues import AzureMessageQueue
from shared.training.active_model import StoredActiveModel
from shared.training.context import Training

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Services:
    """What the functions are given."""

    settings: Settings
    pipeline: Pipeline
    training: Training
    close: Callable[[], None]
    """Closes connections and threads; a function app never does, tests and short programs do."""


class ThreadFanOut:
    """A bounded pool of threads shared by the process; storage clients are safe to share between them."""

    def __init__(self, threads: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="fan-out")

    def __call__(self, function: Callable[[T], R], items: Iterable[T], /) -> list[R]:
        return list(self._pool.map(function, items))

    def close(self) -> None:
        self._pool.shutdown()


def utc_now() -> datetime:
    return datetime.now(UTC)


def build_services(settings: Settings, *, transport: httpx.BaseTransport | None = None) -> Services:
    """Everything the functions need. `transport` replaces the network below the Language client, for tests."""
    session = _storage_session()
    storage = RequestsTransport(session=session, session_owner=False)
    http = _http_client(settings, transport)
    fan_out = ThreadFanOut(settings.pipeline_threads)
    blobs = _blob_service(settings, storage)
    queues = _queue_service(settings, storage)

    def container(name: str) -> AzureBlobStore:
        return AzureBlobStore(blobs.get_container_client(name))

    def queue(name: str) -> AzureMessageQueue:
        return AzureMessageQueue(queues.get_queue_client(name))

    state = container(settings.pipeline_container)
    active_model = StoredActiveModel(state, settings, utc_now)
    pipeline = Pipeline(
        settings=settings,
        documents=container(settings.documents_container),
        classifications=container(settings.classifications_container),
        failures=container(settings.failures_container),
        state=state,
        documents_queue=queue(settings.documents_queue),
        collect_queue=queue(settings.collect_queue),
        jobs_queue=queue(settings.jobs_queue),
        language=_language(settings, http),
        active_model=active_model,
        wake_debounce=WakeDebounce(),
        fan_out=fan_out,
        clock=utc_now,
        jitter=random.random,
    )
    training = Training(pipeline, queue(settings.operations_queue), active_model, container)

    def close() -> None:
        http.close()
        session.close()
        fan_out.close()

    return Services(settings, pipeline, training, close)


def _http_client(settings: Settings, transport: httpx.BaseTransport | None) -> httpx.Client:
    timeout = httpx.Timeout(settings.language_read_seconds, connect=settings.language_connect_seconds)
    # httpx loses speed beyond 16 connections at once on one process.
    limits = httpx.Limits(max_connections=16, max_keepalive_connections=16)
    return httpx.Client(timeout=timeout, limits=limits, follow_redirects=False, transport=transport)


def _language(settings: Settings, http: httpx.Client) -> LanguageClient:
    pace = RequestPace(
        analyze=_pace(settings.analyze_requests_per_minute),
        authoring_posts=_pace(settings.language_authoring_posts_per_minute),
        authoring_gets=_pace(settings.language_authoring_gets_per_minute),
    )
    return LanguageClient(settings.language_endpoint, _language_credential(settings), http, pace=pace)


def _pace(requests_per_minute: int) -> Pace | None:
    return Pace(requests_per_minute) if requests_per_minute else None


def _language_credential(settings: Settings) -> Credential:
    if settings.language_credential is CredentialKind.KEY and settings.language_key is not None:
        return KeyCredential(settings.language_key.get_secret_value())
    authoring = settings.language_authoring_client_id
    return IdentityCredential(_identity(settings.language_client_id), _identity(authoring) if authoring else None)


# After 1, 4, 10 and 28 s. The SDK's own first wait, at every connection that was closed on us, is 15 s.
_STORAGE_RETRY: dict[str, Any] = {"initial_backoff": 1, "increment_base": 3, "retry_total": 4, "random_jitter_range": 1}


def _blob_service(settings: Settings, transport: RequestsTransport) -> BlobServiceClient:
    options: dict[str, Any] = {"transport": transport, "retry_policy": BlobRetry(**_STORAGE_RETRY)}
    if settings.data_storage is not None:
        return BlobServiceClient.from_connection_string(settings.data_storage.get_secret_value(), **options)
    address = str(settings.data_storage__blobserviceuri)
    return BlobServiceClient(address, credential=_identity(settings.data_storage__clientid), **options)


def _queue_service(settings: Settings, transport: RequestsTransport) -> QueueServiceClient:
    options: dict[str, Any] = {"transport": transport, "retry_policy": QueueRetry(**_STORAGE_RETRY)}
    if settings.data_storage is not None:
        return QueueServiceClient.from_connection_string(settings.data_storage.get_secret_value(), **options)
    address = str(settings.data_storage__queueserviceuri)
    return QueueServiceClient(address, credential=_identity(settings.data_storage__clientid), **options)


def _storage_session() -> requests.Session:
    """One pool of connections for blobs and queues, as large as handlers and fan-out together can use."""
    session = requests.Session()
    adapter = HTTPAdapter(pool_connections=4, pool_maxsize=64)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _identity(client_id: str | None) -> Any:
    """A user-assigned identity by its client id; without one, whoever runs the process (a developer's sign-in too)."""
    # Imported only when a setting asks for it: azure-identity costs a cold start a good part of a second.
    from azure.identity import DefaultAzureCredential, ManagedIdentityCredential

    return ManagedIdentityCredential(client_id=client_id) if client_id else DefaultAzureCredential()
