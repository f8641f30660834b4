"""The emulator as a process: flags, environment, the ready line, the end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from language_emulator.control.progression import Progression
from language_emulator.settings import EmulatorSettings, parse_settings

MODULE = [sys.executable, "-m", "language_emulator"]


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
    "argv", [["--no-such-flag"], ["--port", "many"], ["--training", "soon"], ["--page-size", "51"]]
)
def test_a_bad_flag_ends_the_process_with_its_reason(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        parse_settings(argv, {})
    assert end.value.code == 2
    assert "usage" in capsys.readouterr().err


def test_secrets_are_not_in_the_settings_repr() -> None:
    shown = repr(EmulatorSettings(key="hidden-key", storage="AccountKey=hidden"))
    assert "hidden" not in shown


def test_the_process_tells_its_address_answers_and_ends_on_sigterm(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LANGUAGE_EMULATOR_")}
    argv = [*MODULE, "--data", str(tmp_path), "--key", "k"]
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("Language emulator listening on http://127.0.0.1:")
            assert httpx.get(f"{line.split()[-1]}/_emulator/health").json()["status"] == "ok"
            process.send_signal(signal.SIGTERM)
            process.wait(20)
            assert process.stdout.read() == ""
        finally:
            process.kill()
