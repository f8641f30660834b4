"""The stores of the contract tests: the fake, and the adapter on real Azurite."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from azure.storage.blob import BlobServiceClient

from azurite_process.azurite import Azurite
from shared.storage.blobs import AzureBlobStore
from shared.storage.ports import BlobStore
from tests.fakes import FakeBlobStore, VirtualClock


@pytest.fixture(scope="module")
def service(request: pytest.FixtureRequest) -> BlobServiceClient:
    azurite: Azurite = request.getfixturevalue("azurite")
    return BlobServiceClient.from_connection_string(azurite.connection_string)


@pytest.fixture(params=["fake", "azurite"])
def store(request: pytest.FixtureRequest) -> Iterator[BlobStore]:
    if request.param == "fake":
        yield FakeBlobStore("documents", VirtualClock(datetime.now(UTC)))
        return
    service: BlobServiceClient = request.getfixturevalue("service")
    container = service.get_container_client(f"contract-{uuid.uuid4().hex}")
    found = AzureBlobStore(container)
    found.ensure()
    yield found
    container.delete_container()
