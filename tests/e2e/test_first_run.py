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
from cli.exit_codes import NOT_FOUND, UNREACHABLE
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


def first_run(running: Path) -> subprocess.CompletedProcess[str]:
    return pigeonhole(running, "first-run")


def pigeonhole(running: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cli", *arguments, "--running", str(running)]
    environment = {"PATH": os.environ["PATH"], "COLUMNS": "200"}
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False)


def test_an_app_that_runs_here_gets_its_model_and_classifies(running: Path) -> None:
    run = first_run(running)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "30 of 30 documents" in run.stdout
    assert "Clean up: Ctrl-C" in run.stdout
    secrets = json.loads(running.read_text(encoding="utf-8"))
    for name in ("master_key", "storage"):
        assert secrets[name] not in run.stdout + run.stderr

    # What the other commands say of it then, on the same app.
    status = pigeonhole(running, "status")
    assert "in use since" in status.stdout
    watched = pigeonhole(running, "watch", "--prefix", "first-run/", "--json")
    assert json.loads(watched.stdout) == {"documents": 30, "classified": 30, "failed": 0, "waiting": 0}
    results = pigeonhole(running, "results", "--format", "jsonl", "--prefix", "first-run/")
    assert {json.loads(line)["status"] for line in results.stdout.splitlines()} == {"classified"}
    assert len(results.stdout.splitlines()) == 30
    shown = pigeonhole(running, "labels", "show", "--json")
    assert json.loads(shown.stdout)["documents"] == 144
    document = pigeonhole(running, "document", "first-run/mail-2207.txt")
    assert "this version is classified" in document.stdout
    gone = pigeonhole(running, "document", "nowhere.txt")
    assert (gone.returncode, len(gone.stderr.splitlines())) == (NOT_FOUND, 1)

    # An app that was stopped leaves nothing to speak to, and says so.
    left = running.with_name("left.json")
    left.write_text(json.dumps(secrets | {"url": "http://127.0.0.1:9"}), encoding="utf-8")
    stopped = first_run(left)
    assert stopped.returncode == UNREACHABLE, stopped.stdout + stopped.stderr
    assert "Start it: make up" in stopped.stderr
