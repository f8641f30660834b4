"""The packages of shared depend on each other in one direction only."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.architecture.source import modules


def depends_on() -> dict[str, dict[str, str]]:
    """Each package of shared (or module beside them) with those it imports, and a file that does."""
    found: dict[str, dict[str, str]] = {}
    for module in modules("shared"):
        own = _part(module.name.removesuffix(".py").replace("/", "."))
        for name in sorted(module.imports):
            other = _part(name)
            if other is not None and own is not None and other != own:
                found.setdefault(own, {}).setdefault(other, module.name)
    return found


def _part(name: str) -> str | None:
    """`shared.batches` of `shared.batches.poll`."""
    parts = name.split(".")
    return ".".join(parts[:2]) if parts[0] == "shared" and len(parts) > 1 and parts[1] != "__init__" else None


def find_circle(graph: dict[str, dict[str, str]]) -> list[str]:
    """One way that leads back to its beginning; empty when there is none."""
    done: set[str] = set()

    def walk(node: str, path: list[str]) -> list[str]:
        if node in path:
            return [*path[path.index(node) :], node]
        if node in done:
            return []
        for following in graph.get(node, {}):
            if circle := walk(following, [*path, node]):
                return circle
        done.add(node)
        return []

    return next((circle for node in sorted(graph) if (circle := walk(node, []))), [])


def test_no_packages_of_shared_import_each_other_in_a_circle() -> None:
    graph = depends_on()
    assert {"shared.batches", "shared.reports", "shared.services"} <= set(graph), "the packages were not found"
    circle = find_circle(graph)
    ways = [graph[first][second] for first, second in pairwise(circle)]
    assert not circle, f"none of these could be understood or tested without the others: {circle}, by {ways}"


GRAPHS: dict[str, tuple[dict[str, list[str]], list[str]]] = {
    "none": ({"a": ["b", "c"], "b": ["c"], "c": []}, []),
    "two": ({"a": ["b"], "b": ["a"]}, ["a", "b", "a"]),
    "three, off the first path": ({"a": ["b"], "b": ["c"], "c": ["d"], "d": ["b"]}, ["b", "c", "d", "b"]),
}


@pytest.mark.parametrize("case", GRAPHS)
def test_a_circle_is_found(case: str) -> None:
    graph, circle = GRAPHS[case]
    assert find_circle({node: dict.fromkeys(others, "") for node, others in graph.items()}) == circle
