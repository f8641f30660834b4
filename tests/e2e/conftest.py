"""The whole local cloud as processes, started once for the end-to-end tests, with a model trained from the samples."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from azurite_process.azurite import Azurite
from azurite_process.processes import wait_until
from cli.api import Api
from cli.datasets import SAMPLES, Dataset, load_dataset
from language_emulator.testing.corpus import DOCUMENTS
from local.hosts import StandIn, choose_host
from local.seed import seed
from local.settings import ROOT
from local.stack import Stack, running_stack
from shared.documents.record_schema import ClassificationRecord, FailureRecord
from shared.documents.ref import record_name
from shared.errors import BlobNotFoundError
from shared.storage.ports import BlobStore
from tests.e2e.operations_world import OperationsWorld, running_world
from tests.e2e.real_host import STAND_IN, choose_for_the_real_host
from tests.log_watch import runs_of, shown_in
from tests.unit.operations.operations_world import API_VERSIONS

# Ten seconds as shipped; a listener that has found nothing for a while would make every test wait for it.
POLLING = {"azurefunctionsjobhost__extensions__queues__maxpollinginterval": "00:00:00.3000000"}
# The stand-in's. The real lock is ten minutes; a killed host's messages must come back while a test waits.
QUICK = {"receive_visibility": 8.0, "renewal": 3.0, "renewal_floor": 1.0, "blob_scan": 0.3}
QUICK_SETTINGS = {
    **POLLING,
    "pipeline_linger_seconds": "1",
    # As the host's lock, in these tests: what a kill leaves comes back within seconds.
    "pipeline_in_hand_seconds": "25",
    "pipeline_poll_seconds": "1,2",
    "pipeline_model_cache_seconds": "0",
    "language_authoring_posts_per_minute": "0",
    "language_authoring_gets_per_minute": "0",
}
DEADLINE = 90.0
NEVER = "0 0 0 29 2 *"
# Nothing but the protocol itself: no timer, and were one to run, nothing is old enough.
NO_NETS = {"reconcile_schedule": NEVER, "sweep_schedule": NEVER, "pipeline_grace_minutes": "525600"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--host") != STAND_IN:
        choose_for_the_real_host(config, items)


@dataclass
class Cloud:
    """A running stack as a user sees it."""

    stack: Stack
    apis: dict[str, Api] = field(default_factory=dict)
    runs: set[str] = field(default_factory=set)
    """Of the texts that were uploaded: what no log may show."""

    @property
    def api(self) -> Api:
        host = self.stack.host
        assert host is not None
        return self.apis.setdefault(host.url, Api(host.url, host.master_key))

    def control(self, method: str, what: str, body: Any = None) -> Any:
        """A control route of the emulator."""
        answer = httpx.request(method, f"{self.stack.emulator_url}/_emulator/{what}", json=body, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def inject(self, operation: str, action: dict[str, Any], **rule: Any) -> None:
        """The emulator's one fault rule."""
        self.control("PUT", "faults", {"faults": [{"operation": operation, "action": action, **rule}]})

    def faults_applied(self) -> int:
        return sum(rule["applied"] for rule in self.control("GET", "faults")["faults"])

    def requests(self, operation: str) -> int:
        """How many the emulator has answered since it was reset."""
        return sum(self.control("GET", "requests")["operations"].get(operation, {}).values())

    def jobs(self, kind: str) -> list[dict[str, Any]]:
        """The service's jobs, whoever asked for them."""
        return [job for job in self.control("GET", "jobs")["jobs"] if job["kind"] == kind]

    def container(self, name: str) -> BlobStore:
        return self.stack.container(name)

    def upload(self, name: str, data: bytes) -> str:
        """Returns the ETag."""
        self.runs |= runs_of(data.decode("utf-8", "ignore"), name=name.rpartition("/")[2])
        return self.container("documents").put(name, data)

    def shown_in_logs(self, folder: Path) -> list[str]:
        """Lines of the logs of host, emulator and Azurite that hold a secret or a text."""
        key, host = self.stack.settings.language_key, self.stack.host
        keys = [key.get_secret_value() if key else "", host.function_key if host else ""]
        return shown_in(sorted(folder.rglob("*.log")), self.runs, keys)

    def upload_some(self, folder: str, count: int = 5) -> list[str]:
        """Documents of the small corpus; their names."""
        texts = list(DOCUMENTS.values())
        names = [f"{folder}{number}.txt" for number in range(count)]
        for number, name in enumerate(names):
            self.upload(name, texts[number % len(texts)].encode())
        return names

    def follow(self, path: str, body: Any) -> Any:
        """Start an operation, and its record once it has ended."""
        return self.api.follow(self.api.call("POST", path, body)["operation"], seconds=DEADLINE)

    def records(self, names: list[str]) -> list[ClassificationRecord]:
        return [record for name in names if (record := self.classification(name)) is not None]

    def labels(self, names: list[str]) -> list[str]:
        """The models their records name."""
        return [record.model.label for record in self.records(names)]

    def classification(self, name: str) -> ClassificationRecord | None:
        try:
            blob = self.container("classifications").read(record_name(name))
        except BlobNotFoundError:
            return None
        return ClassificationRecord.model_validate_json(blob.data)

    def failure(self, name: str) -> FailureRecord | None:
        try:
            blob = self.container("failures").read(record_name(name))
        except BlobNotFoundError:
            return None
        return FailureRecord.model_validate_json(blob.data)

    def wait_for_classification(self, name: str, etag: str | None = None) -> ClassificationRecord:
        def is_there() -> bool:
            record = self.classification(name)
            return record is not None and (etag is None or record.document.etag == etag)

        wait_until(is_there, seconds=DEADLINE, what=f"the classification of {name}", poll_seconds=0.2)
        record = self.classification(name)
        assert record is not None
        return record

    def wait_for_failure(self, name: str) -> FailureRecord:
        wait_until(
            lambda: self.failure(name) is not None, seconds=DEADLINE, what=f"a failure of {name}", poll_seconds=0.2
        )
        record = self.failure(name)
        assert record is not None
        return record

    def unsettled(self, prefix: str) -> list[str]:
        """Documents without exactly one terminal record naming their ETag: the promise of README.md."""
        found = []
        for info in self.container("documents").list(prefix):
            records = [each for each in (self.classification(info.name), self.failure(info.name)) if each is not None]
            if [each.document.etag for each in records] != [info.etag]:
                found.append(info.name)
        return found

    def wait_until_settled(self, prefix: str, *, seconds: float = DEADLINE) -> None:
        wait_until(lambda: not self._pending(prefix), seconds=seconds, what=f"{prefix} to settle", poll_seconds=0.5)
        assert self.unsettled(prefix) == []

    def _pending(self, prefix: str) -> list[str]:
        """As `unsettled`, by the listings alone: a record's metadata hold its document's ETag."""
        versions: dict[str, list[str]] = {}
        for container in ("classifications", "failures"):
            for record in self.container(container).list(prefix, metadata=True):
                versions.setdefault(record.name, []).append(record.metadata["etag"])
        documents = self.container("documents").list(prefix)
        return [info.name for info in documents if versions.get(record_name(info.name)) != [info.etag]]


def steps_taken(record: dict[str, Any]) -> list[str]:
    """The steps of an operation's record; a line of its history names the step it was written in."""
    return list(dict.fromkeys(event["what"].partition(":")[0] for event in record["history"]))


@contextmanager
def running_cloud(
    folder: Path,
    *,
    dataset: Dataset | None = None,
    with_host: bool = True,
    host_kind: str,
    timings: Mapping[str, float] = QUICK,
    changes: Mapping[str, str] | None = None,
) -> Iterator[Cloud]:
    """A stack with a model trained from `dataset`, if one is given. `changes` are app settings by lower-case name."""
    starter = StandIn(timings) if host_kind == STAND_IN else choose_host(host_kind)
    with running_stack(
        folder, starter=starter, changes=QUICK_SETTINGS | dict(changes or {}), with_host=with_host
    ) as stack:
        folders = _folders_of_the_app()
        if dataset:
            seed(stack.services, dataset)
        running = Cloud(stack)
        yield running
        for api in running.apis.values():
            api.close()
        assert running.shown_in_logs(folder) == [], "a log holds a key, a token, or the text of a document"
        assert _folders_of_the_app() <= folders, "a new folder in the app's folder restarts Microsoft's host"


def _folders_of_the_app() -> set[str]:
    """Those of the developer's tools apart: no part of the product makes them."""
    return {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")}


@pytest.fixture(scope="session")
def host_kind(request: pytest.FixtureRequest) -> str:
    return str(request.config.getoption("--host"))


@pytest.fixture(scope="session", params=["2021-preview", "2023-04-01"])
def cloud(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest, host_kind: str) -> Iterator[Cloud]:
    """Once for each API version."""
    folder, version = tmp_path_factory.mktemp("cloud"), request.param
    with running_cloud(
        folder, dataset=load_dataset(SAMPLES), host_kind=host_kind, changes={"language_api": version}
    ) as running:
        yield running


@pytest.fixture
def prefix() -> str:
    """A folder of this test's own."""
    return f"{secrets.token_hex(4)}/"


@pytest.fixture(params=API_VERSIONS)
def world(azurite: Azurite, request: pytest.FixtureRequest) -> Iterator[OperationsWorld]:
    """Operations without a host, under each API version."""
    with running_world(azurite, request.param) as running:
        yield running
