"""The package's own architecture."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import language_emulator

ROOT = Path(language_emulator.__file__).parent
FLOORS = 8


def _imports(path: Path) -> Iterator[str]:
    """The modules and packages at the top of language_emulator that a file imports, `errors` or `jobs`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "language_emulator":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("language_emulator."):
            yield str(node.module).split(".")[1]


def _rooms() -> dict[str, set[str]]:
    rooms: dict[str, set[str]] = {}
    for path in ROOT.rglob("*.py"):
        room = path.relative_to(ROOT).parts[0].removesuffix(".py")
        rooms.setdefault(room, set()).update(imported for imported in _imports(path) if imported != room)
    return rooms


def test_no_package_imports_one_that_stands_above_it() -> None:
    rooms = _rooms()
    floors: dict[str, int] = {}
    # A CycleError names the circle.
    for room in TopologicalSorter(rooms).static_order():
        floors[room] = 1 + max((floors[below] for below in rooms[room]), default=0)
    assert max(floors.values()) <= FLOORS, floors
    assert floors["control"] < floors["jobs"] < floors["training"] < floors["service"] < floors["analyze_text"]


def test_the_emulator_imports_nothing_of_the_repository_it_lives_in() -> None:
    strangers = {"shared", "functions", "local", "bench", "tools", "tests", "azurite_process", "functions_host"}
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert (node.module or "").split(".")[0] not in strangers, path
            elif isinstance(node, ast.Import):
                assert not {alias.name.split(".")[0] for alias in node.names} & strangers, path


def test_only_what_is_for_tests_asserts() -> None:
    """An assertion goes away under `python -O`."""
    asserting = {
        path.name
        for path in ROOT.rglob("*.py")
        if path.parent.name != "testing"
        and any(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    }
    assert asserting == set()
