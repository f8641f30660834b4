"""docs/reliability.md has a row for each fault of the matrix, and the tests it names are there."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tests.architecture.source import ROOT

PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
ROWS = {
    int(cells[0]): cells[1:]
    for line in PAGE.splitlines()
    if re.match(r"\| \d+ \|", line) and len(cells := line.strip("| ").split(" | ")) == 5
}
NAMED = re.compile(r"`([\w/]+\.py): (test_\w+)`")
REAL = ("integration/", "e2e/")


@cache
def names_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / "tests" / path).read_text(encoding="utf-8"))
    return {each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)}


def test_every_fault_of_the_matrix_has_its_row() -> None:
    assert list(ROWS) == list(range(1, 32))


@pytest.mark.parametrize("number", ROWS)
def test_a_fault_says_what_happens_and_has_tests_on_fakes_and_on_real_parts(number: int) -> None:
    fault, happens, on_fakes, on_real_parts = ROWS[number]
    assert fault
    assert happens
    fakes, real = NAMED.findall(on_fakes), NAMED.findall(on_real_parts)
    assert fakes, "no test on fakes"
    assert real, "no test on real parts"
    assert not [path for path, _ in fakes if path.startswith(REAL)]
    assert all(path.startswith(REAL) for path, _ in real)
    assert [f"{path}: {name}" for path, name in [*fakes, *real] if name not in names_in(path)] == []


def test_the_files_that_the_page_names_exist() -> None:
    assert [name for name in re.findall(r"`(tests/[\w/]+\.py)`", PAGE) if not (ROOT / name).is_file()] == []
