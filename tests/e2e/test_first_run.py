"""`make up` and `make first-run`, as a new user types them: from nothing to classified documents."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from azurite_process.processes import ManagedProcess
from cli.exit_codes import UNREACHABLE
from local.settings import ROOT
from tests.e2e.conftest import QUICK_SETTINGS

pytestmark = pytest.mark.e2e


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Path]:
    """What `make up` writes of itself while it runs, here without a model."""
    argv = [sys.executable, "-m", "local", "up", "--no-model", "--port", "0", "--host", "stand-in"]
    argv += ["--data", str(tmp_path / "up")]
    argv += [f"--setting={name}={value}" for name, value in QUICK_SETTINGS.items()]
    up = ManagedProcess("up", argv, tmp_path / "up.log", env=dict(os.environ), cwd=ROOT).start()
    state = tmp_path / "up" / "running.json"
    try:
        up.wait_ready(state.is_file, seconds=120)
        yield state
    finally:
        up.stop()


def first_run(running: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cli", "first-run", "--running", str(running), *arguments]
    environment = {"PATH": os.environ["PATH"], "COLUMNS": "200"}
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False)


def test_an_app_that_runs_here_gets_its_model_and_classifies(running: Path) -> None:
    run = first_run(running, "--documents", "5")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "5 of 5 documents" in run.stdout
    assert "Clean up: Ctrl-C" in run.stdout
    secrets = json.loads(running.read_text(encoding="utf-8"))
    for name in ("master_key", "storage"):
        assert secrets[name] not in run.stdout + run.stderr

    # An app that was stopped leaves nothing to speak to, and says so.
    gone = running.with_name("gone.json")
    gone.write_text(json.dumps(secrets | {"url": "http://127.0.0.1:9"}), encoding="utf-8")
    stopped = first_run(gone)
    assert stopped.returncode == UNREACHABLE, stopped.stdout + stopped.stderr
    assert "Start it: make up" in stopped.stderr
