"""Containers and queues of a local run. In the cloud infra/ creates them; the app itself never does."""

from __future__ import annotations

from azure.storage.blob import BlobServiceClient

from shared.config import Settings
from shared.services import build_services
from shared.storage.blobs import AzureBlobStore

TRAINING_CONTAINER = "training"


def provision(settings: Settings) -> None:
    """Create what is missing; repeating it changes nothing."""
    services = build_services(settings)
    pipeline = services.pipeline
    for container in (pipeline.documents, pipeline.classifications, pipeline.failures, pipeline.state):
        container.ensure()
    for queue in (
        pipeline.documents_queue,
        pipeline.collect_queue,
        pipeline.jobs_queue,
        services.training.operations_queue,
    ):
        queue.ensure()
    open_container(settings, TRAINING_CONTAINER).ensure()


def open_container(settings: Settings, name: str) -> AzureBlobStore:
    """A container of the local data storage by its name."""
    if settings.data_storage is None:
        raise ValueError("a local run uses DATA_STORAGE with a connection string")
    service = BlobServiceClient.from_connection_string(settings.data_storage.get_secret_value())
    return AzureBlobStore(service.get_container_client(name))
