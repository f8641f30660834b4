"""A fresh run of the probe app for each test or module, in the session's Azurite."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from azurite_process.azurite import Azurite
from functions_host.process import HostHandle
from tests.harness import ProbeRun


@pytest.fixture
def run(azurite: Azurite, tmp_path: Path) -> Iterator[ProbeRun]:
    probe = ProbeRun(azurite, tmp_path)
    yield probe
    probe.close()


@pytest.fixture(scope="module")
def shared_run(azurite: Azurite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProbeRun]:
    probe = ProbeRun(azurite, tmp_path_factory.mktemp("probe"))
    yield probe
    probe.close()


@pytest.fixture(scope="module")
def host(shared_run: ProbeRun) -> Iterator[HostHandle]:
    """One host for the tests of a module that do not disturb each other."""
    with shared_run.host() as handle:
        yield handle
