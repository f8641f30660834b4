"""The app as shared/services/ wires it, on real Azurite over HTTP, with a batch of 25 of which half are odd."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest
from azure.storage.blob import BlobServiceClient, ContainerClient, ContentSettings

from azurite_process.azurite import Azurite
from shared.documents.inbox import document_of
from shared.language.values import ProjectKind
from shared.messages import StepMessage
from shared.services import Services, build_services, utc_now
from tests.fake_language import FakeLanguageService
from tests.fakes import app_settings
from tests.unit.documents.odd_documents import GOOD, NEIGHBOURS, ODD

DEADLINE = 60


@pytest.fixture
def services(azurite: Azurite) -> Iterator[Services]:
    own = uuid.uuid4().hex[:8]
    names = {
        f"{name}_{kind}": f"{name}-{own}"
        for kind, of_kind in (
            ("container", ("documents", "classifications", "failures", "pipeline")),
            ("queue", ("documents", "collect", "batches", "operations", "events")),
        )
        for name in of_kind
    }
    settings = app_settings(
        data_storage=azurite.connection_string,
        language_api="2021-preview",
        language_model="model-1",
        language_project_kind=ProjectKind.MULTI,
        pipeline_poll_seconds=(0.1,),
        **names,
    )
    built = build_services(settings, transport=FakeLanguageService(utc_now).transport())
    open_container, open_queue = built.adapters.open_container, built.adapters.open_queue
    for name, value in names.items():
        (open_container if name.endswith("container") else open_queue)(value).ensure()
    yield built
    built.close()


@pytest.fixture
def documents(azurite: Azurite, services: Services) -> ContainerClient:
    service = BlobServiceClient.from_connection_string(azurite.connection_string)
    return service.get_container_client(services.settings.documents_container)


def classify_everything(services: Services) -> None:
    """Accept, collect and take every step, as the triggers would."""
    for info in services.records.documents.list():
        services.inbox.accept(services.settings.documents_container, document_of(info))
    services.collector.collect(utc_now() + timedelta(seconds=1))
    deadline = time.monotonic() + DEADLINE
    while list(services.batches.store.list_open()):
        assert time.monotonic() < deadline, "the batches did not end"
        for message in services.batches.queue.receive(1, visibility=timedelta(minutes=1)):
            services.batch_steps.advance(StepMessage.model_validate_json(message.text or ""))
            services.batches.queue.delete(message)


def test_each_odd_document_of_a_batch_of_25_has_its_own_end_on_real_storage(
    services: Services, documents: ContainerClient
) -> None:
    for name, odd in ODD.items():
        claims = ContentSettings(content_type=odd.content_type, content_encoding=odd.coding)
        blob = documents.upload_blob(f"{name}.txt", odd.data, content_settings=claims)
        if odd.is_archived:
            blob.set_standard_blob_tier("Archive")
    for name in NEIGHBOURS:
        documents.upload_blob(f"{name}.txt", GOOD)
    classify_everything(services)

    ends: dict[str, object] = {}
    for name in ODD:
        if (failure := services.records.read_failure(f"{name}.txt")) is not None:
            ends[name] = failure.code.value
        elif (classification := services.records.read_classification(f"{name}.txt")) is not None:
            ends[name] = tuple(warning.code for warning in classification.warnings)
    assert ends == {name: odd.ends for name, odd in ODD.items()}
    batches = set()
    for name in NEIGHBOURS:
        found = services.records.read_classification(f"{name}.txt")
        assert found is not None
        assert [each.name for each in found.classes] == ["billing"]
        batches.add(found.batch.id)
    assert len(batches) == 1


def test_a_record_that_others_spoiled_is_read_or_gives_way_on_real_storage(
    services: Services, documents: ContainerClient, azurite: Azurite
) -> None:
    documents.upload_blob("letter.txt", GOOD)
    classify_everything(services)
    service = BlobServiceClient.from_connection_string(azurite.connection_string)
    record = service.get_blob_client(services.settings.classifications_container, "letter.txt.json")
    # What a well-meaning tool does to it: the bytes stay, the header lies.
    told = record.download_blob().readall()
    info = record.get_blob_properties()
    record.upload_blob(
        told, overwrite=True, metadata=info.metadata, content_settings=ContentSettings(content_encoding="gzip")
    )
    status = services.document_report("letter.txt")
    assert status is not None
    assert status.classification is not None
    record.set_standard_blob_tier("Archive")
    status = services.document_report("letter.txt")
    assert status is not None
    assert (status.state, status.classification) == ("classified", None)

    documents.upload_blob("letter.txt", GOOD + b" and more", overwrite=True)
    classify_everything(services)
    status = services.document_report("letter.txt")
    assert status is not None
    assert status.classification is not None
    assert status.classification.document.etag == status.etag
