"""One run at a time on a folder, whatever becomes of the run before; and what a local run leaves on disk."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from azurite_process.azurite import start_azurite
from azurite_process.folder_lock import FolderLock, FolderTakenError, is_taken
from azurite_process.processes import ManagedProcess, ProcessFailedError, free_port, start_on_free_port
from local import __main__ as command
from local import demo, up
from local.hosts import StandIn
from local.provision import provision
from local.settings import ROOT
from local.stack import running_stack

HOLD = "import sys, time; from pathlib import Path; from azurite_process.folder_lock import FolderLock\n"
HOLD += "lock = FolderLock(Path(sys.argv[1])); print('held', flush=True); time.sleep(600)"


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds `tmp_path / "local"`."""
    argv = [sys.executable, "-c", HOLD, str(tmp_path / "local")]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_folder_is_taken_until_its_holder_is_killed(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    with pytest.raises(FolderTakenError, match="in use by another process"):
        FolderLock(tmp_path / "local")
    assert is_taken(tmp_path / "local")
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with FolderLock(tmp_path / "local"):
        assert is_taken(tmp_path / "local")
    assert not is_taken(tmp_path / "local")


@pytest.fixture
def local_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "local"
    monkeypatch.setattr(up, "FOLDER", folder)
    monkeypatch.setattr(demo, "FOLDER", folder)
    return folder


def run_command(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["local", *arguments])
    return command.main()


@pytest.mark.usefixtures("holder")
def test_a_second_up_says_where_the_first_is_and_leaves_it_alone(
    local_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    local_folder.mkdir()
    state = local_folder / "running.json"
    state.write_text(json.dumps({"url": "http://127.0.0.1:7071", "function_key": "k"}))
    assert run_command(monkeypatch, "up", "--port", "0") == 1
    assert "already up at http://127.0.0.1:7071" in capsys.readouterr().out
    assert state.exists()
    assert list(local_folder.iterdir()) == [state], "nothing was started"


@pytest.mark.usefixtures("holder")
def test_a_second_demo_does_not_remove_the_folder_of_the_first(
    local_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (local_folder / "azurite").mkdir(parents=True)
    assert run_command(monkeypatch, "demo") == 1
    assert "is in use by another process" in capsys.readouterr().err
    assert (local_folder / "azurite").is_dir()


def test_what_a_killed_up_has_left_is_not_taken_for_running(local_folder: Path) -> None:
    local_folder.mkdir()
    (local_folder / "running.json").write_text(json.dumps({"url": "http://127.0.0.1:1", "function_key": "k"}))
    assert up.find_running(local_folder) is None


def test_a_second_azurite_on_one_folder_is_refused_until_the_first_has_ended(tmp_path: Path) -> None:
    """Also while the first has outlived the process that started it: it holds the lock itself."""
    first = start_azurite(tmp_path, in_memory=False)
    try:
        with pytest.raises(FolderTakenError, match=f"Azurite, process {first.process.pid}"):
            start_azurite(tmp_path, in_memory=False)
    finally:
        first.process.stop()
    second = start_azurite(tmp_path, in_memory=False)
    second.process.stop()
    assert not is_taken(tmp_path / "data")


def test_a_second_emulator_on_one_data_folder_is_refused(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "language_emulator", "--port", "0", "--data", str(tmp_path / "data")]
    first = ManagedProcess("emulator", argv, tmp_path / "first.log", env=dict(os.environ) | {"PYTHONUNBUFFERED": "1"})
    first.start()
    try:
        first.wait_ready(lambda: "listening on" in first.log_text())
        second = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path)
    finally:
        first.stop()
    assert (second.returncode, second.stdout) == (1, "")
    assert "another emulator keeps its data in" in second.stderr


def test_a_server_whose_port_was_taken_meanwhile_is_started_on_another() -> None:
    asked: list[int] = []

    def start(port: int) -> int:
        asked.append(port)
        if len(asked) < 3:
            raise ProcessFailedError("the host ended while starting: [Errno 98] Address already in use")
        return port

    assert start_on_free_port(start) == asked[2]
    assert len(set(asked)) >= 2


def test_a_server_that_fails_for_another_reason_is_not_started_again() -> None:
    asked: list[int] = []

    def start(port: int) -> int:
        asked.append(port)
        raise ProcessFailedError("no such module")

    with pytest.raises(ProcessFailedError, match="no such module"):
        start_on_free_port(start)
    assert len(asked) == 1


def test_a_port_that_was_asked_for_is_not_exchanged() -> None:
    taken = free_port()

    def start(port: int) -> int:
        raise ProcessFailedError(f"EADDRINUSE 127.0.0.1:{port}")

    with pytest.raises(ProcessFailedError, match=str(taken)):
        start_on_free_port(start, port=taken)


def test_a_run_creates_every_queue_and_keeps_its_keys_to_itself(tmp_path: Path) -> None:
    previous = os.umask(0)
    try:
        keys = tmp_path / "host" / "keys"
        keys.mkdir(parents=True)
        (keys / "master").write_text("kept from a release that wrote it for all")
        with running_stack(tmp_path, starter=StandIn()) as stack:
            provision(stack.services)
            settings = stack.settings
            for name in (settings.events_queue, settings.documents_queue, settings.collect_queue):
                assert stack.services.adapters.open_queue(name).length() == 0
            assert stack.host is not None
            assert stack.host.master_key == "kept from a release that wrote it for all"
    finally:
        os.umask(previous)
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode) for path in [*keys.iterdir(), *(tmp_path / "host/data").iterdir()]
    }
    assert modes == {"master": 0o600, "function": 0o600, "blobs": 0o600, "keys.json": 0o600}


def test_up_ends_when_what_it_keeps_running_has_ended() -> None:
    lives = iter([True, True, False])
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        assert not up.wait_while(lambda: next(lives), poll_seconds=0.01)
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
