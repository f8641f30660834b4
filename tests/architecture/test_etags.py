"""The ETag of a durable record is the business of the durable engine."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.source import SHIPPED, modules


def test_only_the_durable_engine_looks_at_the_etag_of_a_record() -> None:
    offenders = {
        module.name: found
        for module in modules(*SHIPPED)
        if not module.name.startswith("shared/durable/") and (found := etags_of_stored(module.tree))
    }
    reason = "save, close and discard take a Stored as a whole, so that no use case decides a race by itself"
    assert not offenders, f"{reason}: {offenders}"


MAKES_STORED = {"evolve", "change", "save"}


def etags_of_stored(tree: ast.Module) -> list[str]:
    """Each `.etag` of a Stored: of a name annotated or assigned as one, of a call that makes one, of `.stored`."""
    found: list[str] = []
    for scope in ast.walk(tree):
        if not isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        names = {name for node in ast.walk(scope) for name in _names_of_stored(node)}
        found += [
            f"line {node.lineno}: {ast.unparse(node)}"
            for node in ast.walk(scope)
            if isinstance(node, ast.Attribute) and node.attr == "etag" and _is_stored(node.value, names)
        ]
    return sorted(set(found))


def _names_of_stored(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.arg(arg=name, annotation=ast.expr() as annotation) if "Stored[" in ast.unparse(annotation):
            yield name
        case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation) if "Stored[" in ast.unparse(annotation):
            yield name
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if _is_stored(value, set()):
            yield name
        case ast.NamedExpr(target=ast.Name(id=name), value=value) if _is_stored(value, set()):
            yield name


def _is_stored(node: ast.expr, names: set[str]) -> bool:
    match node:
        case ast.Name(id=name):
            return name in names
        case ast.Attribute(attr="stored"):
            return True
        case ast.Call(func=ast.Name(id="Stored")):
            return True
        case ast.Call(func=ast.Attribute(attr=method, value=holder)):
            return method in MAKES_STORED or (method in ("find", "create") and ast.unparse(holder).endswith(".store"))
    return False


ETAGS = {
    "def f(stored: Stored[Batch]): return stored.etag": 1,
    "def f(a: Stored[Batch], b: Stored[Batch]): return a.etag == b.etag": 2,
    "def f(self): return self.batches.store.find('x').etag": 1,
    "def f(self):\n    read = self.batches.store.find('x')\n    return read.etag": 1,
    "def f(steps):\n    if (read := steps.store.create(r)) is not None: return read.etag": 1,
    "def f(done): return done.stored.etag": 1,
    "def f(stored: Stored[Batch]): return stored.change(a=1).etag": 1,
    "def f(document: DocumentRef): return document.etag": 0,
    "def f(self): return self.documents.find('x').etag": 0,
    "def f(store: BlobStore): return store.find('x').etag": 0,
    "def f(stored: Stored[Batch]): return stored.record.documents[0].document.etag": 0,
}


@pytest.mark.parametrize("code", ETAGS)
def test_the_etag_of_a_record_is_seen_in_every_form(code: str) -> None:
    assert len(etags_of_stored(ast.parse(code))) == ETAGS[code]
