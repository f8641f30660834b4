"""What a stranger gets who installs the package and nothing else of this repository."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
import venv
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

import language_emulator
from tests.test_readme import example

PROJECT = Path(__file__).parents[1]
METADATA = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# The distribution that provides a module, where the names differ.
PROVIDERS = {"azure": "azure-storage-blob", "jwt": "pyjwt", "sklearn": "scikit-learn"}
# azure-core comes with azure-storage-blob, pydantic-core with pydantic; each is a part of it.
PARTS = {"pydantic_core": "pydantic"}


def _imported(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module.partition(".")[0]


def _names(requirements: list[str]) -> set[str]:
    return {re.split(r"[<>=\[]", requirement)[0] for requirement in requirements}


def test_everything_that_is_imported_is_declared_and_everything_declared_imported() -> None:
    found = set(_imported(Path(language_emulator.__file__).parent)) - set(sys.stdlib_module_names)
    needed = {PROVIDERS.get(name, PARTS.get(name, name)) for name in found - {"language_emulator"}}
    declared = _names(METADATA["dependencies"]) | _names(METADATA["optional-dependencies"]["testing"])
    # h11 is used through uvicorn, which does not insist on it.
    assert needed == declared - {"h11"}


def test_the_wheel_holds_the_data_the_types_the_license_and_the_command(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*build, "--wheel-dir", str(tmp_path), str(PROJECT)], check=True, timeout=120)
    [wheel] = tmp_path.glob("*.whl")
    with ZipFile(wheel) as archive:
        names = archive.namelist()
        [entry_points] = [name for name in names if name.endswith("entry_points.txt")]
        commands = archive.read(entry_points).decode()
    assert {"language_emulator/analyze_text/languages.json", "language_emulator/py.typed"} <= set(names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not [name for name in names if name.startswith("tests/")]
    assert "language-emulator = language_emulator.__main__:main" in commands


@pytest.mark.install
def test_in_an_empty_environment_the_command_serves_the_example_of_the_readme(tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    scripts = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin")
    environment = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    pip = [str(scripts / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, str(PROJECT), "azure-ai-textanalytics==5.4.0"], check=True, env=environment, timeout=280)
    command = str(scripts / "language-emulator")
    told = subprocess.run(
        [command, "--help"], check=True, env=environment, capture_output=True, text=True, cwd=tmp_path
    )
    assert "--storage-folder" in told.stdout
    (tmp_path / "containers").mkdir()
    with subprocess.Popen(
        [command, "--storage-folder", "containers"],
        env=environment,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            url, key = process.stdout.readline().split()[-1], process.stdout.readline().split()[-1]
            program = [str(scripts / "python"), "-c", example(url, key)]
            ended = subprocess.run(program, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120)
        finally:
            process.terminate()
    assert ended.returncode == 0, ended.stderr
    assert [line.split()[0] for line in ended.stdout.splitlines()] == ["billing", "delivery"]
