"""SIGKILL and SIGTERM of the functions host, never of Azurite, in the middle of real work: nothing accepted is lost."""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle, islice

import pytest

from azurite_process.processes import wait_until
from cli.datasets import SAMPLES, load_dataset
from tests.e2e.conftest import DEADLINE, NO_NETS, QUICK, Cloud, running_cloud

pytestmark = pytest.mark.e2e

DOCUMENTS_PER_ROUND = 50
# Accepting a document is three lines of the host's log, and a round's batches are some thirty more.
LINES_PER_ROUND = 80
STOP_LIMIT = 10.0
SETTLE_SECONDS = 150.0
NETS = {"reconcile_schedule": "*/2 * * * * *", "sweep_schedule": "*/3 * * * * *", "pipeline_grace_minutes": "0.02"}


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory, host_kind: str) -> Iterator[Cloud]:
    """A seeded cloud whose host each test starts as it likes."""
    with running_cloud(
        tmp_path_factory.mktemp("kill"),
        dataset=load_dataset(SAMPLES),
        with_host=False,
        # A collector's documents must be visible again when its wake comes back, as with the real 5 and 10 minutes.
        host_kind=host_kind,
        timings=QUICK | {"receive_visibility": 5, "renewal": 2},
        changes={"pipeline_collect_visibility_seconds": "3"},
    ) as running:
        yield running


@contextmanager
def hosting(cloud: Cloud, **changes: str) -> Iterator[None]:
    cloud.stack.environment |= {name.upper(): value for name, value in changes.items()}
    cloud.stack.start_host()
    try:
        yield
    finally:
        assert cloud.stack.host is not None
        cloud.stack.host.stop()


@dataclass
class Work:
    """Uploads with overwrites and deletions among them, the same for the same seed. Knows which ETags must end."""

    cloud: Cloud
    seed: int = field(default_factory=lambda: secrets.randbelow(10_000))
    prefix: str = field(default_factory=lambda: f"{secrets.token_hex(4)}/")
    expected: dict[str, str] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        print(f"seed {self.seed}, documents {self.prefix}")
        self.random = random.Random(self.seed)
        self.chance = random.Random(self.seed + 1)
        self.texts = cycle([path.read_bytes() for path in load_dataset(SAMPLES).new.values()])

    def upload_round(self) -> None:
        for number, text in enumerate(islice(self.texts, DOCUMENTS_PER_ROUND)):
            name = f"{self.prefix}{len(self.expected) + len(self.deleted):03}-{number:02}.txt"
            self.expected[name] = self.cloud.upload(name, text)
            another = self.random.choice(sorted(self.expected))
            if self.random.random() < 0.15:
                self.expected[another] = self.cloud.upload(another, text + b" It has been changed since.")
            elif self.random.random() < 0.1:
                self.cloud.container("documents").delete(another)
                del self.expected[another]
                self.deleted.add(another)

    def wait_for_a_random_moment(self) -> None:
        """Until the host has written so many lines more."""
        assert self.cloud.stack.host is not None
        process = self.cloud.stack.host.process
        begun, lines = process.log_text().count("\n"), self.chance.randrange(10, LINES_PER_ROUND)
        print(f"  a signal after {lines} lines")
        wait_until(
            lambda: process.log_text().count("\n") >= begun + lines, seconds=DEADLINE, what=f"{lines} lines of log"
        )

    def assert_nothing_is_lost(self) -> None:
        self.cloud.wait_until_settled(self.prefix, seconds=SETTLE_SECONDS)
        listed = {info.name: info.etag for info in self.cloud.container("documents").list(self.prefix)}
        assert listed == self.expected
        records = {name: self.cloud.classification(name) for name in self.expected}
        assert {name: record and record.document.etag for name, record in records.items()} == self.expected
        assert {record and record.model.label for record in records.values()} == {"first"}
        assert [info.name for info in self.cloud.container("failures").list(self.prefix)] == []


def kill_at_random_moments(cloud: Cloud, work: Work, times: int) -> None:
    with ThreadPoolExecutor(1) as uploader:
        for _ in range(times):
            uploading = uploader.submit(work.upload_round)
            work.wait_for_a_random_moment()
            assert cloud.stack.host is not None
            cloud.stack.host.kill()
            uploading.result()
            cloud.stack.start_host()


def test_three_kills_at_random_moments_lose_nothing_by_the_protocol_alone(stopped: Cloud) -> None:
    work = Work(stopped)
    with hosting(stopped, **NO_NETS):
        kill_at_random_moments(stopped, work, times=3)
        work.assert_nothing_is_lost()
        # No message was given up on the way, and every batch was closed.
        assert stopped.api.call("GET", "/api/status")["batches"]["submitted"]["batches"] == 0
        assert [info.name for info in stopped.container("pipeline").list("dead-letters/")] == []


def test_kills_lose_nothing_and_do_no_harm_with_reconcile_and_sweep_at_work(stopped: Cloud) -> None:
    work = Work(stopped)
    with hosting(stopped, **NETS):
        kill_at_random_moments(stopped, work, times=2)
        work.assert_nothing_is_lost()


def test_sigterm_ends_the_host_within_ten_seconds_and_loses_nothing(stopped: Cloud) -> None:
    work = Work(stopped)
    with hosting(stopped, **NO_NETS), ThreadPoolExecutor(1) as uploader:
        uploading = uploader.submit(work.upload_round)
        work.wait_for_a_random_moment()
        assert stopped.stack.host is not None
        asked = time.monotonic()
        stopped.stack.host.stop()
        assert time.monotonic() - asked < STOP_LIMIT
        assert not stopped.stack.host.process.is_running()
        uploading.result()
        stopped.stack.start_host()
        work.assert_nothing_is_lost()
