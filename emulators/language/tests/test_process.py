"""The emulator as a process: flags, environment, the ready line, the end."""

from __future__ import annotations

import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import httpx
import pytest
from pydantic import ValidationError

from language_emulator.control.progression import Progression
from language_emulator.settings import EmulatorSettings, parse_settings

MODULE = [sys.executable, "-m", "language_emulator"]


@contextmanager
def running(*flags: str) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    """A process of the emulator and its standard output."""
    with subprocess.Popen([*MODULE, *flags], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout
        finally:
            process.kill()


def test_flags_win_over_the_environment_and_the_environment_over_defaults() -> None:
    environment = {
        "LANGUAGE_EMULATOR_PORT": "8000",
        "LANGUAGE_EMULATOR_KEY": "from-environment",
        "LANGUAGE_EMULATOR_ANALYSIS": "after 3 reads",
        "LANGUAGE_EMULATOR_TLS": "true",
        "LANGUAGE_EMULATOR_DATA": "",
    }
    settings = parse_settings(["--port", "9000"], environment)
    assert (settings.port, settings.key, settings.tls, settings.data) == (9000, "from-environment", True, None)
    assert settings.analysis == Progression(reads=3)
    assert settings.host == "127.0.0.1"


def test_every_setting_is_a_flag_and_help_explains_it() -> None:
    text = subprocess.run([*MODULE, "--help"], capture_output=True, text=True, check=True).stdout
    for name, field in EmulatorSettings.model_fields.items():
        assert f"--{name.replace('_', '-')}" in text
        assert field.description


@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        (["--no-such-flag"], "unrecognized arguments: --no-such-flag"),
        (["--port", "many"], "--port: Input should be a valid integer"),
        (["--training", "soon"], "--training: a progression is 'immediate'"),
        (["--page-size", "51"], "--page-size: Input should be less than or equal to 50"),
        (["--storage-folder", "/no/such/folder"], "--storage-folder: there is no such folder"),
        (["--storage", "AccountKey=hidden", "--storage-folder", "."], "exclude each other"),
    ],
)
def test_a_bad_flag_ends_the_process_with_its_reason(
    argv: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        parse_settings(argv, {})
    told = capsys.readouterr().err
    assert end.value.code == 2
    assert "usage" in told
    assert reason in told
    assert "hidden" not in told


def test_two_emulators_have_two_keys_unless_they_are_given_one() -> None:
    first, second = parse_settings([], {}), parse_settings([], {})
    assert first.has_own_key
    assert first.key != second.key
    assert len(first.key) >= 24
    assert not parse_settings(["--key", "mine"], {}).has_own_key


def test_secrets_are_neither_in_the_settings_repr_nor_in_their_errors() -> None:
    shown = repr(EmulatorSettings(key="hidden-key", storage="AccountKey=hidden"))
    assert "hidden" not in shown
    with pytest.raises(ValidationError) as refusal:
        EmulatorSettings(key="hidden-key", storage="AccountKey=hidden", storage_folder=Path())
    assert "hidden" not in str(refusal.value)


def test_the_process_tells_its_address_answers_and_ends_on_sigterm(tmp_path: Path) -> None:
    with running("--data", str(tmp_path), "--key", "k") as (process, output):
        line = output.readline()
        assert line.startswith("Language emulator listening on http://127.0.0.1:")
        assert httpx.get(f"{line.split()[-1]}/_emulator/health").json()["status"] == "ok"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert output.read() == ""


def test_a_key_nobody_gave_is_printed_and_opens_the_door() -> None:
    with running() as (process, output):
        url, key = output.readline().split()[-1], output.readline().removeprefix("Key: ").strip()
        projects = f"{url}/language/authoring/analyze-text/projects?api-version=2023-04-01"
        assert httpx.get(projects).status_code == 401
        assert httpx.get(projects, headers={"Ocp-Apim-Subscription-Key": key}).json()["value"] == []
        process.send_signal(signal.SIGINT)
        process.wait(20)


def test_the_folder_of_the_certificate_goes_with_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with running("--tls", "--key", "k") as (process, output):
        url = output.readline().split()[-1]
        [certificate] = tmp_path.rglob("certificate.pem")
        trusted = ssl.create_default_context(cafile=certificate)
        assert httpx.get(f"{url}/_emulator/health", verify=trusted).status_code == 200
        [key] = tmp_path.rglob("private-key.pem")
        assert key.stat().st_mode & 0o077 == 0
        process.send_signal(signal.SIGTERM)
        process.wait(20)
    assert list(tmp_path.rglob("*.pem")) == []


def test_a_port_that_is_taken_is_told_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = subprocess.run([*MODULE, "--port", str(port)], capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].startswith(f"language-emulator: cannot listen on 127.0.0.1:{port} (")
    assert "Traceback" not in ended.stderr
