"""The unit tests of the models have teeth: five faults, put one at a time into a copy of the code, each fail one.

Each would put a worse model into use, or let a labels file through that the service refuses, without any error.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = "tests/unit/models"


@dataclass(frozen=True)
class Fault:
    """In `function` of `module`, the expression `right` becomes `wrong`."""

    module: str
    function: str
    right: str
    wrong: str


FAULTS = {
    "the gate passes everything": Fault("shared/models/gate.py", "_decision", "fits or forced", "True"),
    "the tolerance is ignored": Fault(
        "shared/models/gate.py",
        "_judge",
        "round(theirs - ours, _DIGITS) > rule.tolerance",
        "round(theirs - ours, _DIGITS) > 0",
    ),
    "the sign of a comparison is turned": Fault(
        "shared/models/evaluations.py", "_delta", "second - first", "first - second"
    ),
    "a class that nothing trains is let through": Fault(
        "shared/models/label_checks.py", "_check_training", "name in trained", "True"
    ),
    "few labels of a class are not warned of": Fault(
        "shared/models/golden.py", "missing_sides", "counts[name] < least", "False"
    ),
}


@pytest.fixture(autouse=True)
def api_version() -> None:
    """Nothing here depends on the version of the API: once is enough."""


class _Replace(ast.NodeTransformer):
    """Replaces an expression wherever it occurs, and counts."""

    def __init__(self, right: str, wrong: str) -> None:
        self.right = ast.unparse(ast.parse(right, mode="eval"))
        self.wrong = ast.parse(wrong, mode="eval").body
        self.count = 0

    def visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.expr) and ast.unparse(node) == self.right:
            self.count += 1
            return self.wrong
        return self.generic_visit(node)


def put_in(fault: Fault, root: Path) -> None:
    """Change the module below `root`. A place that is not there exactly once is the test's error, and says so."""
    path = root / fault.module
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == fault.function]
    assert len(functions) == 1, f"{fault.module} has no one function {fault.function}: name it here anew"
    replace = _Replace(fault.right, fault.wrong)
    replace.visit(functions[0])
    assert replace.count == 1, f"{fault.function} has {replace.count} times {fault.right!r}: name the place here anew"
    path.write_text(ast.unparse(tree), encoding="utf-8")


def copy_of_the_code(root: Path) -> Path:
    ignored = shutil.ignore_patterns("__pycache__", ".*_cache")
    for name in ("shared", "functions", "tests"):
        shutil.copytree(ROOT / name, root / name, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", root)
    return root


def run_unit_tests(root: Path) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "--no-cov",
        TESTS,
    ]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST", "COV"))}
    return subprocess.run(command, cwd=root, env=kept, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.long
def test_the_copy_itself_passes(tmp_path: Path) -> None:
    result = run_unit_tests(copy_of_the_code(tmp_path))
    assert result.returncode == pytest.ExitCode.OK, result.stdout + result.stderr


# Each runs the unit tests of the models once; `make test` shows with two that a fault is seen.
OFTEN = ("the sign of a comparison is turned", "a class that nothing trains is let through")


@pytest.mark.parametrize(
    "name", [name if name in OFTEN else pytest.param(name, marks=pytest.mark.long) for name in FAULTS]
)
def test_a_fault_in_a_decision_fails_a_unit_test(tmp_path: Path, name: str) -> None:
    put_in(FAULTS[name], copy_of_the_code(tmp_path))
    result = run_unit_tests(tmp_path)
    assert result.returncode == pytest.ExitCode.TESTS_FAILED, f"nothing notices that {name}\n{result.stdout}"
    assert f"FAILED {TESTS}/" in result.stdout, result.stdout


def test_a_place_that_moved_is_told(tmp_path: Path) -> None:
    copy_of_the_code(tmp_path)
    with pytest.raises(AssertionError, match="name it here anew"):
        put_in(Fault("shared/models/gate.py", "decide", "True", "False"), tmp_path)
    with pytest.raises(AssertionError, match="name the place here anew"):
        put_in(Fault("shared/models/gate.py", "_judge", "ours > theirs", "False"), tmp_path)
