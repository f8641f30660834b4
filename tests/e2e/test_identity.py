"""The staged package with a deployment's settings: identities only, TLS everywhere, uploads by the events queue.

Azurite requires https for tokens and knows no key that the app has; the emulator takes tokens of its own issuer only,
with the rights of the Language roles the templates assign.
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
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from azurite_process.azurite import ACCOUNT, Azurite, start_azurite
from cli.api import Api
from language_emulator.http.certificates import write_certificate
from language_emulator.http.tokens import AUDIENCE, Role
from language_emulator.server import RunningEmulator, running_emulator
from language_emulator.settings import EmulatorSettings
from local.hosts import HostStarter, MicrosoftHost, StandIn, find_start_script
from tests.e2e.conftest import POLLING, QUICK
from tests.e2e.identity_endpoint import STORAGE, IdentityEndpoint, running_identity_endpoint, storage_token
from tests.e2e.real_host import STAND_IN
from tests.infra.deployed import MAIN_TEMPLATE, OUTPUTS, deployed_settings
from tools.package import ROOT, stage

pytestmark = pytest.mark.e2e

APP, AUTHORING = OUTPUTS["appClientId"], OUTPUTS["authoringClientId"]
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

    api: Api
    url: str
    master_key: str
    certificates: Path
    identity: IdentityEndpoint
    blobs: BlobServiceClient
    queues: QueueServiceClient

    @contextmanager
    def event_grid(self) -> Iterator[None]:
        """Event Grid, as event-queue.bicep sets it up: an event into the queue for every upload of a document."""
        ended, told = threading.Event(), set[tuple[str, str]]()

        def watch() -> None:
            documents = self.blobs.get_container_client(CONTAINERS["documents"])
            while not ended.wait(0.2):
                for blob in documents.list_blobs():
                    version = (str(blob.name), str(blob.etag))
                    if version not in told:
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
        """A CloudEvent, in base64."""
        event = json.loads((ROOT / "tests" / "events" / "cloud_events.json").read_text(encoding="utf-8"))
        event["subject"] = f"/blobServices/default/containers/{CONTAINERS['documents']}/blobs/{name}"
        event["data"] |= {
            "url": f"https://stdata.blob.core.windows.net/{CONTAINERS['documents']}/{name}",
            "eTag": etag.strip('"'),
        }
        body = base64.b64encode(json.dumps(event).encode()).decode()
        self.queues.get_queue_client(QUEUES["events"]).send_message(body)

    def record(self, name: str) -> Any:
        blob = self.blobs.get_blob_client(CONTAINERS["classifications"], f"{name}.json")
        return json.loads(blob.download_blob().readall())

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
def environment(folder: Path) -> Iterator[pytest.MonkeyPatch]:
    """Certificates that this process and the app trust, and a storage key nobody is told."""
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
def deployment(folder: Path, azurite: Azurite, emulator: RunningEmulator, host_kind: str) -> Iterator[Deployment]:
    blobs = BlobServiceClient(azurite.blob_url, credential=TestToken())
    queues = QueueServiceClient(azurite.queue_url, credential=TestToken())
    for name in CONTAINERS.values():
        blobs.create_container(name)
    for name in QUEUES.values():
        queues.create_queue(name)
    with running_identity_endpoint(lambda client_id: _language_token(emulator, client_id)) as identity:
        settings = _settings(folder, azurite, emulator, identity)
        # Not below ROOT: a Python file written there restarts a Microsoft host that another test runs from it.
        package = folder / "package"
        stage(ROOT, package)
        starter: HostStarter = StandIn(QUICK) if host_kind == STAND_IN else MicrosoftHost(find_start_script(), blobs)
        host = starter.start(package, settings, folder=folder / "host")
        try:
            api = Api(host.url, host.master_key)
            bundle = folder / "bundle.pem"
            yield Deployment(api, host.url, host.master_key, bundle, identity, blobs, queues)
            api.close()
        finally:
            host.stop()
    blobs.close()
    queues.close()


def _language_token(emulator: RunningEmulator, client_id: str) -> str:
    token, _ = emulator.service.tokens.mint(ROLES[client_id], audience=AUDIENCE, life=timedelta(hours=1))
    return token


def _settings(folder: Path, azurite: Azurite, emulator: RunningEmulator, identity: IdentityEndpoint) -> dict[str, str]:
    bundle = folder / "bundle.pem"
    assert emulator.certificate is not None
    bundle.write_bytes((folder / "azurite" / "certificate.pem").read_bytes() + emulator.certificate.read_bytes())
    return {
        **deployed_settings(
            blobEndpoint=azurite.blob_url, queueEndpoint=azurite.queue_url, languageEndpoint=emulator.url
        ),
        # In Azure by account name; Azurite's address has another form.
        "AzureWebJobsStorage__blobServiceUri": azurite.blob_url,
        "AzureWebJobsStorage__queueServiceUri": azurite.queue_url,
        "AzureWebJobsStorage__credential": "managedidentity",
        "AzureWebJobsStorage__clientId": APP,
        # Whom to trust: requests (the storage SDKs) reads the first, httpx (the Language client) the second.
        "REQUESTS_CA_BUNDLE": str(bundle),
        "SSL_CERT_FILE": str(bundle),
        **identity.environment,
        **IMPATIENT,
    }


def test_every_part_answers_to_the_identities(deployment: Deployment) -> None:
    health = deployment.api.call("GET", "/api/health")
    assert health["healthy"], health


def test_the_first_run_ends_with_classified_documents_without_any_key_of_storage_or_service(
    deployment: Deployment,
) -> None:
    with deployment.event_grid():
        first = deployment.run_command("first-run")
    assert first.returncode == 0, first.stdout + first.stderr
    assert "30 of 30 documents" in first.stdout
    assert deployment.master_key not in first.stdout + first.stderr
    assert deployment.record("first-run/mail-2207.txt")["classes"]
    # Each identity asked for what its roles allow, and for nothing else.
    assert set(deployment.identity.asked) == {
        (APP, STORAGE),
        (APP, AUDIENCE),
        (AUTHORING, AUDIENCE),
        (PERSON, STORAGE),
    }

    # Nothing is left to do: no training, no upload, and so no event.
    again = deployment.run_command("first-run")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "nothing is trained" in again.stdout
    assert "30 of them were there already" in again.stdout
    operations = deployment.api.call("GET", f"/api/projects/{PROJECT}/operations")["operations"]
    assert len(operations) == 1
