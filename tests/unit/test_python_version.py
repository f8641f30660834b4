from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from shared.errors import SettingsError
from shared.python_version import FILE, check_python
from tools.package import PYTHON_FILE, ROOT


def test_the_package_and_the_app_mean_the_same_file() -> None:
    assert PYTHON_FILE == FILE


def test_the_python_that_the_package_is_for_is_named_for_the_log(tmp_path: Path) -> None:
    built = ".".join(platform.python_version_tuple()[:2])
    (tmp_path / FILE).write_text(f"{built}\n", encoding="utf-8")
    assert check_python(tmp_path) == f"Python {platform.python_version()}; package built for {built}"


def test_another_python_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("3.12\n", encoding="utf-8")
    with pytest.raises(SettingsError) as refusal:
        check_python(tmp_path, (3, 11))
    assert str(refusal.value) == (
        "this package was built for Python 3.12, and runs on 3.11: "
        "run `make package PYTHON_VERSION=3.11` and deploy it, or set pythonVersion to 3.12"
    )


def test_an_app_that_is_not_staged_runs_on_any_python(tmp_path: Path) -> None:
    assert check_python(tmp_path, (3, 99)) == f"Python {platform.python_version()}; not a staged package"


def test_the_question_needs_no_package_at_all() -> None:
    """Asked before what is compiled: nothing that it imports may come from outside Python (-S) and this repository."""
    code = "import sys; sys.path.insert(0, sys.argv[1]); import shared.python_version"
    answer = subprocess.run([sys.executable, "-I", "-S", "-c", code, str(ROOT)], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
