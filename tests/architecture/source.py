"""The code as the rules see it: modules, what they import, what they call. Read by AST, nothing is imported."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Module:
    """A Python file of the repository."""

    path: Path

    @property
    def name(self) -> str:
        """As rules name it: the path from the repository's root."""
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, str(self.path))

    @cached_property
    def docstring(self) -> str:
        return ast.get_docstring(self.tree) or ""

    @cached_property
    def imports(self) -> frozenset[str]:
        """Dotted names, wherever in the file: `from a.b import c` is `a.b` and `a.b.c`."""
        return frozenset(self._imports())

    def _imports(self) -> Iterator[str]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = node.module or ""
                if node.level:
                    package = self.path.parent.relative_to(ROOT).parts
                    base = ".".join([*package[: len(package) - node.level + 1], base]).rstrip(".")
                yield base
                yield from (f"{base}.{alias.name}" for alias in node.names)

    def imports_any(self, *packages: str) -> list[str]:
        return sorted(name for name in self.imports if any(_is_within(name, package) for package in packages))

    @cached_property
    def calls(self) -> frozenset[str]:
        """Dotted names of what is called: `datetime.now`, `open`."""
        found = (_dotted(node.func) for node in ast.walk(self.tree) if isinstance(node, ast.Call))
        return frozenset(name for name in found if name)

    @cached_property
    def attributes(self) -> frozenset[str]:
        """Dotted names that are read: `os.environ`."""
        found = (_dotted(node) for node in ast.walk(self.tree) if isinstance(node, ast.Attribute))
        return frozenset(name for name in found if name)


def _is_within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        base = _dotted(node.value)
        return f"{base}.{node.attr}" if base else ""
    return ""


def modules(*places: str) -> list[Module]:
    """Every Python file of folders or files below the root; emulators/azurite/node is somebody else's code."""
    return sorted((Module(path) for place in places for path in _files(ROOT / place)), key=lambda module: module.name)


def _files(place: Path) -> Iterable[Path]:
    if place.is_file():
        return [place]
    return (path for path in place.rglob("*.py") if "node" not in path.relative_to(ROOT).parts[:2])


SHIPPED = ("shared", "functions", "function_app.py")
EVERYTHING = (*SHIPPED, "cli", "local", "bench", "tools", "tests")
