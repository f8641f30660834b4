"""The staged package with the app settings that Microsoft's Bicep evaluates: identities only, TLS everywhere.

Uploads come the way the template sets up for each delivery: by the events queue, or to the blob trigger's webhook.
Azurite requires https for tokens and knows no key that the app has; the emulator takes tokens of its own issuer only,
with the rights of the Language roles the templates assign. The package runs on its own wheels. PACKAGE_PYTHON=3.13
takes another Python than the one that runs the tests, on Microsoft's host only: the stand-in shares its packages with
the app (`make test-package`).
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.core.credentials import AccessToken
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from azurite_process.azurite import ACCOUNT, Azurite, start_azurite
from azurite_process.processes import wait_until
from cli.api import Api
from language_emulator.http.certificates import write_certificate
from language_emulator.http.tokens import AUDIENCE, Role
from language_emulator.server import RunningEmulator, running_emulator
from language_emulator.settings import EmulatorSettings
from local.hosts import Host, HostStarter, MicrosoftHost, StandIn, find_start_script
from tests.e2e.conftest import POLLING, QUICK
from tests.e2e.identity_endpoint import STORAGE, IdentityEndpoint, running_identity_endpoint, storage_token
from tests.e2e.real_host import STAND_IN
from tests.infra.deployed import APP_CLIENT_ID, AUTHORING_CLIENT_ID, MAIN_TEMPLATE, deployed_settings, resolved
from tests.infra.evaluated import evaluated
from tests.infra.interpreters import RUNNING, find_python
from tools.package import PACKAGES, ROOT, stage

pytestmark = pytest.mark.e2e

APP, AUTHORING = APP_CLIENT_ID, AUTHORING_CLIENT_ID
# Who runs the command: signed in, with a data role on the storage and no role on the Language account.
PERSON = "33333333-3333-3333-3333-333333333333"
# The Language roles of infra/app/roles.bicep.
ROLES = {APP: Role.READER, AUTHORING: Role.OWNER}
CONTAINERS = MAIN_TEMPLATE.parameters["containers"].default
QUEUES = MAIN_TEMPLATE.parameters["queues"].default
PROJECT = MAIN_TEMPLATE.parameters["languageProject"].default
IMPATIENT = {
    "PIPELINE_LINGER_SECONDS": "1",
    "PIPELINE_POLL_SECONDS": "1",
    "PIPELINE_MODEL_CACHE_SECONDS": "0",
    "LANGUAGE_AUTHORING_POSTS_PER_MINUTE": "0",
    "LANGUAGE_AUTHORING_GETS_PER_MINUTE": "0",
    "FUNCTIONS_HOST_EMULATE_EVENT_GRID": "0",
    **POLLING,
}


class TestToken:
    """The credential of the person at the keyboard."""

    __test__ = False

    def get_token(self, *_: str, **__: Any) -> AccessToken:
        return AccessToken(storage_token(), int(time.time()) + 3600)


@dataclass
class Deployment:
    """The app as it runs, and the storage a user sees."""

    delivery: str
    host: Host
    api: Api
    url: str
    master_key: str
    certificates: Path
    identity: IdentityEndpoint
    blobs: BlobServiceClient
    queues: QueueServiceClient
    settings: dict[str, str] = field(repr=False)

    @contextmanager
    def event_grid(self) -> Iterator[None]:
        """Event Grid, as the templates set it up: an event for every document that is uploaded from now on."""
        documents = self.blobs.get_container_client(CONTAINERS["documents"])

        def versions() -> set[tuple[str, str]]:
            return {(str(blob.name), str(blob.etag)) for blob in documents.list_blobs()}

        ended, told = threading.Event(), versions()

        def watch() -> None:
            while not ended.wait(0.2):
                for version in versions() - told:
                    told.add(version)
                    self._tell(*version)

        thread = threading.Thread(target=watch, name="event-grid")
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _tell(self, name: str, etag: str) -> None:
        event_file = {"queue": "cloud_events.json", "webhook": "event_grid.json"}[self.delivery]
        event = json.loads((ROOT / "tests" / "events" / event_file).read_text(encoding="utf-8"))
        event["subject"] = f"/blobServices/default/containers/{CONTAINERS['documents']}/blobs/{name}"
        event["data"] |= {
            "url": f"{self.blobs.url.rstrip('/')}/{CONTAINERS['documents']}/{name}",
            "eTag": etag.strip('"'),
        }
        if self.delivery == "queue":
            body = base64.b64encode(json.dumps(event).encode()).decode()
            self.queues.get_queue_client(self._events_queue()).send_message(body)
        else:
            self._post("Notification", event).raise_for_status()

    def _events_queue(self) -> str:
        subscription = evaluated("queue").one("Microsoft.EventGrid/systemTopics/eventSubscriptions")["properties"]
        return str(subscription["deliveryWithResourceIdentity"]["destination"]["properties"]["queueName"])

    def shake_hands(self) -> None:
        """What Event Grid asks an address before it sends it anything."""
        asked = {
            "id": "1",
            "topic": "",
            "subject": "",
            "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
            "eventTime": "2026-03-01T12:00:00Z",
            "dataVersion": "1",
            "data": {"validationCode": "a code"},
        }
        assert self._post("SubscriptionValidation", asked).json() == {"validationResponse": "a code"}

    def _post(self, event_type: str, event: dict[str, Any]) -> httpx.Response:
        """To the address of event-webhook.bicep. Its key is the host's own, which Azure reads inside the deployment."""
        subscription = evaluated("event-webhook").one("Microsoft.EventGrid/systemTopics/eventSubscriptions")
        known = {
            ("func-test", "defaultHostName"): self.host.url.removeprefix("http://"),
            ("default", "systemKeys.blobs_extension"): self.host.blobs_key,
        }
        url = resolved(subscription["properties"]["destination"]["properties"]["endpointUrl"], known)
        headers = {"aeg-event-type": event_type}
        return httpx.post(url.replace("https://", "http://"), json=[event], headers=headers, timeout=30)

    def record(self, name: str) -> Any:
        blob = self.blobs.get_blob_client(CONTAINERS["classifications"], f"{name}.json")
        return json.loads(blob.download_blob().readall())

    def is_classified(self, name: str) -> bool:
        return self.blobs.get_blob_client(CONTAINERS["classifications"], f"{name}.json").exists()

    def run_command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`python -m cli`, as the person at the keyboard runs it: signed in, knowing the app's key."""
        environment = {
            "PATH": os.environ["PATH"],
            "PIGEONHOLE_KEY": self.master_key,
            "PIGEONHOLE_STORAGE": self.blobs.url,
            "REQUESTS_CA_BUNDLE": str(self.certificates),
            "AZURE_CLIENT_ID": PERSON,
            "COLUMNS": "200",
            **self.identity.environment,
        }
        command = [sys.executable, "-m", "cli", *arguments, "--url", self.url]
        return subprocess.run(
            command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False
        )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("identity")


@pytest.fixture(scope="module")
def environment(package: Path) -> Iterator[pytest.MonkeyPatch]:
    """Certificates that this process and the app trust, and a storage key nobody is told.

    The package is staged before: pip would trust these certificates, and not those of its index.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AZURITE_ACCOUNTS", f"{ACCOUNT}:{base64.b64encode(secrets.token_bytes(32)).decode()}")
        yield patch


@pytest.fixture(scope="module")
def azurite(folder: Path, environment: pytest.MonkeyPatch) -> Iterator[Azurite]:
    certificate, key = write_certificate(folder / "azurite")
    environment.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    options = ["--oauth", "basic", "--cert", str(certificate), "--key", str(key)]
    running = start_azurite(folder / "azurite", extra=options, scheme="https")
    try:
        yield running
    finally:
        running.process.stop()


@pytest.fixture(scope="module")
def emulator(azurite: Azurite) -> Iterator[RunningEmulator]:
    key = os.environ["AZURITE_ACCOUNTS"].partition(":")[2]
    storage = (
        f"DefaultEndpointsProtocol=https;AccountName={ACCOUNT};AccountKey={key};"
        f"BlobEndpoint={azurite.blob_url};QueueEndpoint={azurite.queue_url};"
    )
    with running_emulator(EmulatorSettings(storage=storage, tls=True, require_token=True)) as running:
        yield running


@pytest.fixture(scope="module")
def storage(azurite: Azurite) -> Iterator[tuple[BlobServiceClient, QueueServiceClient]]:
    """The containers and queues that the template creates in the data account, and no others."""
    blobs = BlobServiceClient(azurite.blob_url, credential=TestToken())
    queues = QueueServiceClient(azurite.queue_url, credential=TestToken())
    created = evaluated("webhook")
    for name in created.names("Microsoft.Storage/storageAccounts/blobServices/containers", "stdata"):
        blobs.create_container(name)
    for name in created.names("Microsoft.Storage/storageAccounts/queueServices/queues", "stdata"):
        queues.create_queue(name)
    yield blobs, queues
    blobs.close()
    queues.close()


@pytest.fixture(scope="module")
def interpreter(host_kind: str) -> tuple[str, Path]:
    """The version to stage for, and what runs it."""
    version = os.environ.get("PACKAGE_PYTHON", RUNNING)
    python = find_python(version)
    if python is None:
        pytest.skip(f"no Python {version} is at hand")
    if host_kind == STAND_IN and version != RUNNING:
        pytest.skip(f"the stand-in runs on Python {RUNNING}, whose packages it shares with the app")
    return version, python


@pytest.fixture(scope="module")
def package(folder: Path, interpreter: tuple[str, Path]) -> Path:
    # Not below ROOT: a Python file written there restarts a Microsoft host that another test runs from it.
    place = folder / "package"
    stage(ROOT, place, python=interpreter[0])
    return place


@pytest.fixture(scope="module", params=["queue", "webhook"])
def deployment(
    request: pytest.FixtureRequest,
    folder: Path,
    azurite: Azurite,
    emulator: RunningEmulator,
    storage: tuple[BlobServiceClient, QueueServiceClient],
    package: Path,
    interpreter: tuple[str, Path],
    host_kind: str,
) -> Iterator[Deployment]:
    delivery = str(request.param)
    blobs, queues = storage
    with running_identity_endpoint(lambda client_id: _language_token(emulator, client_id)) as identity:
        _, python = interpreter
        settings = _settings(delivery, folder, azurite, emulator, identity)
        # As the worker has it on Azure (azure-functions-python-worker, prodV4/worker.py).
        settings["PYTHONPATH"] = str(package / PACKAGES)
        starter: HostStarter = StandIn(QUICK)
        if host_kind != STAND_IN:
            starter = MicrosoftHost(find_start_script(), blobs, python)
        host = starter.start(package, settings, folder=folder / f"host-{delivery}")
        try:
            api = Api(host.url, host.master_key)
            bundle = folder / "bundle.pem"
            yield Deployment(delivery, host, api, host.url, host.master_key, bundle, identity, blobs, queues, settings)
            api.close()
        finally:
            host.stop()


def _language_token(emulator: RunningEmulator, client_id: str) -> str:
    token, _ = emulator.service.tokens.mint(ROLES[client_id], audience=AUDIENCE, life=timedelta(hours=1))
    return token


def _settings(
    delivery: str, folder: Path, azurite: Azurite, emulator: RunningEmulator, identity: IdentityEndpoint
) -> dict[str, str]:
    """Every app setting as evaluated; what has another value or name is an address, or makes the test quicker."""
    bundle = folder / "bundle.pem"
    assert emulator.certificate is not None
    bundle.write_bytes((folder / "azurite" / "certificate.pem").read_bytes() + emulator.certificate.read_bytes())
    deployed = deployed_settings(
        delivery,
        {
            ("stdata<token>", "primaryEndpoints.blob"): azurite.blob_url,
            ("stdata<token>", "primaryEndpoints.queue"): azurite.queue_url,
            ("lang-<token>", "endpoint"): emulator.url,
        },
    )
    # In Azure the host finds its account by the name; Azurite's address has another form.
    del deployed["AzureWebJobsStorage__accountName"]
    return {
        **deployed,
        "AzureWebJobsStorage__blobServiceUri": azurite.blob_url,
        "AzureWebJobsStorage__queueServiceUri": azurite.queue_url,
        # Whom to trust: requests (the storage SDKs) reads the first, httpx (the Language client) the second.
        "REQUESTS_CA_BUNDLE": str(bundle),
        "SSL_CERT_FILE": str(bundle),
        **identity.environment,
        **IMPATIENT,
    }


def test_every_part_answers_to_the_identities(deployment: Deployment) -> None:
    health = deployment.api.call("GET", "/api/health")
    assert health["healthy"], health


def test_the_app_runs_with_every_evaluated_setting_and_no_key(deployment: Deployment) -> None:
    evaluated_names = set(evaluated(deployment.delivery).app_settings)
    assert evaluated_names - set(deployment.settings) == {"AzureWebJobsStorage__accountName"}
    key = os.environ["AZURITE_ACCOUNTS"].partition(":")[2]
    assert not [name for name, value in deployment.settings.items() if key in value or "AccountKey" in value]
    assert {"LANGUAGE_KEY", "DATA_STORAGE", "AzureWebJobsStorage"}.isdisjoint(deployment.settings)


def test_the_first_run_ends_with_classified_documents_without_any_key_of_storage_or_service(
    deployment: Deployment,
) -> None:
    if deployment.delivery == "webhook":
        deployment.shake_hands()
    with deployment.event_grid():
        first = deployment.run_command("first-run")
    assert first.returncode == 0, first.stdout + first.stderr
    assert "30 of 30 documents" in first.stdout
    assert deployment.master_key not in first.stdout + first.stderr
    assert deployment.record("first-run/mail-2207.txt")["classes"]

    results = deployment.run_command("results", "--format", "jsonl", "--prefix", "first-run/")
    assert results.returncode == 0, results.stderr
    assert len(results.stdout.splitlines()) == 30

    # Nothing is left to do: no training, no upload, and so no event.
    again = deployment.run_command("first-run")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "nothing is trained" in again.stdout
    assert "30 of them were there already" in again.stdout
    operations = deployment.api.call("GET", f"/api/projects/{PROJECT}/operations")["operations"]
    assert len(operations) == 1


def test_a_document_is_classified_and_each_identity_asks_only_for_what_its_roles_allow(deployment: Deployment) -> None:
    name = f"{deployment.delivery}.txt"
    with deployment.event_grid():
        deployment.blobs.get_blob_client(CONTAINERS["documents"], name).upload_blob(b"The invoice is too high.")
        wait_until(lambda: deployment.is_classified(name), seconds=60, what="the classification", poll_seconds=0.3)
    assert deployment.record(name)["classes"]
    assert set(deployment.identity.asked) == {
        (APP, STORAGE),
        (APP, AUDIENCE),
        (AUTHORING, AUDIENCE),
        (PERSON, STORAGE),
    }
