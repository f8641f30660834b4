"""The README keeps its word: the example runs, the tables are whole."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from pydantic_core import PydanticUndefined

from language_emulator.control.actions import Action
from language_emulator.settings import EmulatorSettings
from tests.conftest import Start

README = Path(__file__).parents[1] / "README.md"
TEXT = README.read_text(encoding="utf-8")
ADDRESS, KEY = "http://127.0.0.1:7072", "local-key"


def section(heading: str) -> str:
    return TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def example(url: str, key: str) -> str:
    """The complete program that classifies with Microsoft's client, pointed at an emulator of the test."""
    program = section("Classify with Microsoft's client").partition("```python\n")[2].partition("```")[0]
    assert program.count(ADDRESS) == program.count(KEY) == 1
    return program.replace(ADDRESS, url).replace(KEY, key)


def test_the_example_trains_deploys_and_classifies(start: Start, tmp_path: Path) -> None:
    (tmp_path / "containers").mkdir()
    emulated = start(storage=None, storage_folder=tmp_path / "containers")
    program = example(emulated.url, emulated.running.settings.key)
    ended = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    assert [line.split()[0] for line in ended.stdout.splitlines()] == ["billing", "delivery"]


def test_the_start_command_has_the_address_and_key_of_the_example() -> None:
    [command] = re.findall(r"language-emulator (--storage-folder .*)\n", section("Install and start"))
    assert command == f"--storage-folder containers --port {ADDRESS.rpartition(':')[2]} --key {KEY}"


def _default(default: object) -> str:
    if default in (None, PydanticUndefined):
        return ""
    return "off" if default is False else f"`{default}`"


def test_every_option_is_in_the_table_with_its_default_and_meaning() -> None:
    rows = [line for line in section("Options").splitlines() if line.startswith("| `")]
    assert rows == [
        f"| `--{name.replace('_', '-')}` | {_default(field.default)} | {field.description} |"
        for name, field in EmulatorSettings.model_fields.items()
    ]


@pytest.mark.parametrize("kind", get_args(get_args(Action)[0]), ids=lambda kind: kind.__name__)
def test_every_fault_is_in_the_table_with_its_members(kind: type) -> None:
    fields = kind.model_fields  # type: ignore[attr-defined]
    name = fields["kind"].default
    [row] = [line for line in section("Fault injection").splitlines() if line.startswith(f"| `{name}` |")]
    members = set(re.findall(r"`(\w+)`", row.split("|")[-2]))
    assert members == {field.alias for field in fields.values()} - {"kind"}
