"""A fresh run of the probe app for each test or module, in the session's Azurite, on the host that `--host` names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from azurite_process.azurite import Azurite, running_azurite
from tests.harness import ProbeRun
from tests.hosts import REAL, STAND_IN, START_SCRIPT, RunningHost, starter_of
from tests.real_host import NOT_ON_THE_REAL_HOST


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--host",
        choices=(STAND_IN, REAL),
        default=STAND_IN,
        help=f"which host runs the probe app; real wants {START_SCRIPT} to name the script that starts Microsoft's",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--host") == REAL and not os.environ.get(START_SCRIPT):
        raise pytest.UsageError(f"--host real: {START_SCRIPT} must name the script that starts Microsoft's host")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On the real host only the tests that start a host, without those that cannot pass there."""
    if config.getoption("--host") != REAL:
        return
    chosen = [item for item in items if isinstance(item, pytest.Function) and "host_kind" in item.fixturenames]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen
    for item in chosen:
        reason = NOT_ON_THE_REAL_HOST.get(item.originalname) or NOT_ON_THE_REAL_HOST.get(item.name)
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def host_kind(request: pytest.FixtureRequest) -> str:
    return str(request.config.getoption("--host"))


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    with running_azurite() as running:
        yield running


@pytest.fixture
def run(azurite: Azurite, tmp_path: Path, host_kind: str) -> Iterator[ProbeRun]:
    probe = ProbeRun(azurite, tmp_path, starter_of(host_kind))
    yield probe
    probe.close()


@pytest.fixture(scope="module")
def shared_run(azurite: Azurite, tmp_path_factory: pytest.TempPathFactory, host_kind: str) -> Iterator[ProbeRun]:
    probe = ProbeRun(azurite, tmp_path_factory.mktemp("probe"), starter_of(host_kind))
    yield probe
    probe.close()


@pytest.fixture(scope="module")
def host(shared_run: ProbeRun) -> Iterator[RunningHost]:
    """One host for the tests of a module that do not disturb each other."""
    with shared_run.host() as handle:
        yield handle
