"""Arguments that could be swapped unnoticed are named: two of one simple type, and no type check sees the mistake."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.source import modules

SIMPLE = {"str", "int", "float", "bool", "datetime", "timedelta", "date"}

# Where an interface demands the order.
ALLOWED = {
    "shared/language/apis/": "every call takes the parts of its address in the address's order, the project first",
}


def swappable(tree: ast.Module) -> Iterator[str]:
    """Functions with two positional parameters of one simple type; optional ones count like the others."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        names_of: dict[str, list[str]] = {}
        for argument in (*node.args.posonlyargs, *node.args.args):
            if argument.annotation is not None:
                kind = ast.unparse(argument.annotation).removesuffix(" | None")
                names_of.setdefault(kind, []).append(argument.arg)
        for kind, names in names_of.items():
            if kind in SIMPLE and len(names) > 1:
                yield f"line {node.lineno}: {node.name}({', '.join(names)}: {kind})"


def test_no_function_takes_two_positional_parameters_of_one_simple_type() -> None:
    found = {
        module.name: offenders
        for module in modules("shared", "functions")
        if not module.name.startswith(tuple(ALLOWED)) and (offenders := list(swappable(module.tree)))
    }
    assert not found, (
        f"let callers name them (a * before the second), or say in ALLOWED what demands the order: {found}"
    )


@pytest.mark.parametrize("place", ALLOWED)
def test_every_exception_is_needed(place: str) -> None:
    assert any(list(swappable(module.tree)) for module in modules("shared") if module.name.startswith(place))


SEEN = {
    "def f(a: str, b: str): ...": 1,
    "def f(a: str, b: str | None = None): ...": 1,
    "class C:\n    def f(self, a: datetime, /, b: datetime): ...": 1,
    "def g():\n    async def f(a: int, c: str, b: int): ...": 1,
    "def f(a: str, *, b: str): ...": 0,
    "def f(a: str, b: int): ...": 0,
    "def f(a: Name, b: Name): ...": 0,
}


@pytest.mark.parametrize("code", SEEN)
def test_the_rule_sees_what_it_looks_for(code: str) -> None:
    assert len(list(swappable(ast.parse(code)))) == SEEN[code]
