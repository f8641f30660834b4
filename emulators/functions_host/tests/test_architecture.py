"""What keeps the package one of its own: whom it imports, no circles, and no `assert` where it runs."""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from graphlib import TopologicalSorter
from pathlib import Path

import functions_host

PACKAGE = Path(functions_host.__file__).parent
TREES = {path.relative_to(PACKAGE): ast.parse(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py")}
OTHERS = {"azure", "azure_functions_runtime", "anyio", "croniter", "requests", "starlette", "uvicorn"}
"""The dependencies of pyproject.toml, and Microsoft's worker library for functions_host.testing."""


def imported(tree: ast.Module) -> set[str]:
    found = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return found | {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}


def test_nothing_is_imported_but_what_the_package_declares() -> None:
    roots = {name.partition(".")[0] for tree in TREES.values() for name in imported(tree)}
    assert roots - set(sys.stdlib_module_names) - {"functions_host"} <= OTHERS


def test_its_folders_do_not_import_each_other_in_circles() -> None:
    """A module beside the folders counts as one of its own."""
    graph: dict[str, set[str]] = defaultdict(set)
    for path, tree in TREES.items():
        unit = path.parts[0].removesuffix(".py")
        for name in imported(tree):
            parts = name.split(".")
            if parts[0] == "functions_host" and len(parts) > 1 and parts[1] != unit:
                graph[unit].add(parts[1])
    assert list(TopologicalSorter(graph).static_order())


def test_nothing_that_runs_rests_on_an_assert() -> None:
    found = [str(path) for path, tree in TREES.items() for node in ast.walk(tree) if isinstance(node, ast.Assert)]
    assert found == []
