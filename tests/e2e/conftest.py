"""The whole local cloud as processes, started once for the end-to-end tests, with a model taught from the samples."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from local.api import Api
from local.datasets import SAMPLES, load_dataset
from local.functions_host.timings import HostTimings
from local.processes import wait_until
from local.stack import Stack, running_stack
from local.teaching import teach
from shared.documents import record_name
from shared.pipeline.record_schema import ClassificationRecord, FailureRecord
from shared.storage.ports import BlobNotFoundError, BlobStore

# The real host's lock is ten minutes; a killed host's messages must come back while a test waits.
QUICK = HostTimings(receive_visibility=8, renewal=3, renewal_floor=1, max_polling=0.3, blob_scan=0.3)
QUICK_SETTINGS = {
    "pipeline_linger_seconds": "1",
    "pipeline_poll_seconds": "1,2",
    "pipeline_model_cache_seconds": "0",
    "language_authoring_posts_per_minute": "0",
    "language_authoring_gets_per_minute": "0",
}
DEADLINE = 90.0


@dataclass
class Cloud:
    """A running stack as a user sees it."""

    stack: Stack
    apis: dict[str, Api] = field(default_factory=dict)

    @property
    def api(self) -> Api:
        host = self.stack.host
        assert host is not None
        return self.apis.setdefault(host.url, Api(host.url, host.function_key))

    def container(self, name: str) -> BlobStore:
        return self.stack.container(name)

    def upload(self, name: str, data: bytes) -> str:
        """Returns the ETag."""
        return self.container("documents").put(name, data)

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
        """Documents without exactly one terminal record naming their ETag: the invariant of DESIGN.md section 1."""
        found = []
        for info in self.container("documents").list(prefix):
            records = [each for each in (self.classification(info.name), self.failure(info.name)) if each is not None]
            if [each.document.etag for each in records] != [info.etag]:
                found.append(info.name)
        return found

    def wait_until_settled(self, prefix: str, *, seconds: float = DEADLINE) -> None:
        wait_until(lambda: not self.unsettled(prefix), seconds=seconds, what=f"{prefix} to settle", poll_seconds=0.5)


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    folder = tmp_path_factory.mktemp("cloud")
    with running_stack(folder, timings=QUICK, changes=QUICK_SETTINGS) as stack:
        teach(stack.services, load_dataset(SAMPLES))
        running = Cloud(stack)
        yield running
        for api in running.apis.values():
            api.close()


@pytest.fixture
def prefix() -> str:
    """A folder of this test's own."""
    return f"{secrets.token_hex(4)}/"


@pytest.fixture(scope="session")
def quick_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("quick")
