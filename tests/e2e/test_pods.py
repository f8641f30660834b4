"""The pods of infra/kubernetes, each a host with the environment that its manifest gives it, on one storage.

Only where things are differs: the image's folders, and storage by connection string. What decides is the host's.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from azurite_process.azurite import Azurite, running_azurite
from azurite_process.processes import ManagedProcess, wait_until
from functions_host.platform_settings import MACHINE
from local.hosts import MicrosoftHost, find_start_script
from tests.e2e.real_host import STAND_IN
from tests.infra.pods import API, PODS, TIMERS, VALUES, WORKERS, environment, image_environment, running_functions
from tools.package import ROOT, stage

pytestmark = pytest.mark.e2e

HOST_ID = "pigeonhole"
_FOUND = re.compile(r"Found the following functions:\s+((?:Host\.Functions\.\w+\s+)+)")
_DISABLED = re.compile(r"Function 'Functions\.(\w+)' is disabled")
_READY = re.compile(r"^Host started: (?P<url>\S+) ", re.MULTILINE)
_LOCK = re.compile(r"locks/[^/]+/Host\.Functions\.(\w+)\.Listener")


@dataclass(frozen=True)
class Pod:
    deployment: str
    url: str
    process: ManagedProcess

    def functions(self) -> set[str]:
        """What the host has started, by its own words."""
        text = self.process.log_text()
        found = _FOUND.search(text)
        assert found, text
        return {name.removeprefix("Host.Functions.") for name in found[1].split()} - set(_DISABLED.findall(text))

    def status(self, path: str, key: str) -> int:
        return httpx.get(self.url + path, headers={"x-functions-key": key}, timeout=60).status_code


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Without wheels: test_identity.py runs those, and these packages are compiled already."""
    folder = tmp_path_factory.mktemp("image") / "wwwroot"
    stage(ROOT, folder)
    return folder


@pytest.fixture(scope="module")
def azurite() -> Iterator[Azurite]:
    """Of its own: the containers have the names of a deployment."""
    with running_azurite() as running:
        yield running


@pytest.fixture(scope="module")
def storage(azurite: Azurite) -> Iterator[BlobServiceClient]:
    settings = environment(API, VALUES)
    with (
        BlobServiceClient.from_connection_string(azurite.connection_string) as blobs,
        QueueServiceClient.from_connection_string(azurite.connection_string) as queues,
    ):
        for name, value in settings.items():
            if name.endswith("_CONTAINER"):
                blobs.create_container(value)
            elif name.endswith("_QUEUE"):
                queues.create_queue(value)
        yield blobs


@pytest.fixture(scope="module")
def pods(
    package: Path,
    azurite: Azurite,
    storage: BlobServiceClient,
    host_kind: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[list[Pod]]:
    started: list[Pod] = []
    try:
        for deployment, name in PODS:
            folder = tmp_path_factory.mktemp(name)
            settings = _settings(deployment, name, package, azurite, folder)
            start = _start_stand_in if host_kind == STAND_IN else _start_microsofts
            started.append(start(deployment, package, settings, folder))
        yield started
    finally:
        for pod in started:
            pod.process.stop()


def _settings(deployment: str, name: str, package: Path, azurite: Azurite, folder: Path) -> dict[str, str]:
    own_places = ("AzureWebJobsStorage__", "DATA_STORAGE__", "HOME")
    app = image_environment()["AzureWebJobsScriptRoot"]
    found = {
        key: value.replace(app, str(package))
        for key, value in environment(deployment, VALUES).items()
        if not key.startswith(own_places)
    }
    secrets = found["FUNCTIONS_SECRETS_PATH"].lstrip("/")
    return {
        **found,
        "AzureWebJobsStorage": azurite.connection_string,
        "DATA_STORAGE": azurite.connection_string,
        "FUNCTIONS_SECRETS_PATH": str(folder / secrets),
        MACHINE: name,
    }


def _start_stand_in(deployment: str, package: Path, settings: dict[str, str], folder: Path) -> Pod:
    # Without keys of its own, as local.hosts would give it: where they come from is the question.
    argv = [sys.executable, "-m", "functions_host", "--app", str(package), "--port", "0"]
    argv += ["--data", str(folder / "data"), "--settings", str(folder / "local.settings.json")]
    variables = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1", **settings}
    process = ManagedProcess("pod", argv, folder / "pod.log", variables).start()
    process.wait_ready(lambda: _READY.search(process.log_text()) is not None)
    ready = _READY.search(process.log_text())
    assert ready
    return Pod(deployment, ready["url"], process)


def _start_microsofts(deployment: str, package: Path, settings: dict[str, str], folder: Path) -> Pod:
    settings = {**settings, "FUNCTIONS_HOST_EMULATE_EVENT_GRID": "0"}
    host = MicrosoftHost(find_start_script()).start(package, settings, folder=folder)
    return Pod(deployment, host.url, host.process)


@pytest.fixture(scope="module")
def keys(pods: list[Pod], storage: BlobServiceClient) -> dict[str, str]:
    """As docs/kubernetes.md reads them."""
    blob = storage.get_blob_client("azure-webjobs-secrets", f"{HOST_ID}/host.json")
    content = json.loads(blob.download_blob().readall())
    return {"function": content["functionKeys"][0]["value"], "master": content["masterKey"]["value"]}


def test_each_pod_runs_the_functions_that_the_rules_give_it(pods: list[Pod]) -> None:
    assert {pod.deployment for pod in pods} == {API, WORKERS}
    for pod in pods:
        assert pod.functions() == running_functions(environment(pod.deployment)), pod.deployment


def test_one_key_opens_every_replica(pods: list[Pod], keys: dict[str, str]) -> None:
    replicas = [pod for pod in pods if pod.deployment == API]
    assert len(replicas) > 1
    for pod in replicas:
        assert [pod.status("/api/batches", key) for key in (keys["function"], keys["master"], "x")] == [200, 200, 401]


def test_every_pod_is_the_same_host(pods: list[Pod], keys: dict[str, str]) -> None:
    for pod in pods:
        headers = {"x-functions-key": keys["master"]}
        assert httpx.get(f"{pod.url}/admin/host/status", headers=headers, timeout=60).json()["id"] == HOST_ID


def test_a_timer_runs_on_one_replica(pods: list[Pod], storage: BlobServiceClient, host_kind: str) -> None:
    replicas = [pod for pod in pods if pod.deployment == API]

    def held() -> list[str]:
        locks = storage.get_container_client("azure-webjobs-hosts").list_blobs(name_starts_with="locks/")
        matches = [_LOCK.fullmatch(each.name) for each in locks if each.lease.state == "leased"]
        return sorted(match[1] for match in matches if match and match[1] in TIMERS)

    def refused() -> int:
        return sum(pod.process.log_text().count("is another host's") for pod in replicas)

    # Only the stand-in says so when it finds a timer taken.
    expected = len(TIMERS) * (len(replicas) if host_kind == STAND_IN else 1)
    wait_until(lambda: len(held()) + refused() >= expected, seconds=60, what="a lock, or a refusal, for every timer")
    assert held() == sorted(TIMERS)
