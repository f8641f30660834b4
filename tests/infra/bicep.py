"""Reads Bicep with tree-sitter: literals become Python values, everything else an Expression that keeps its text.

Not an evaluator. It keeps apart what the pycep parser does not: the text 'mode' and the parameter mode.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tree_sitter
import tree_sitter_bicep

ROOT = Path(__file__).resolve().parents[2]
INFRA = ROOT / "infra"
MAIN = INFRA / "main.bicep"
TEMPLATES = [MAIN, *sorted((INFRA / "app").glob("*.bicep"))]

_PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_bicep.language()))
_PREFIXES = ("resource_declaration", "module_declaration", "parameter_declaration")


@dataclass(frozen=True)
class Expression:
    """What is not a literal. `parts` are the objects and arrays inside it: of union, concat, and both arms of `?:`."""

    text: str
    line: int
    parts: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Parameter:
    name: str
    type: str
    description: str | None
    default: Any
    has_default: bool


@dataclass(frozen=True)
class Resource:
    """A resource; or a module, whose `type` is its path. The body of a loop stands for each of its rounds."""

    symbol: str
    type: str
    api_version: str
    body: dict[str, Any]
    is_existing: bool
    line: int
    text: str


@dataclass
class Template:
    path: Path
    parameters: dict[str, Parameter] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    resources: dict[str, Resource] = field(default_factory=dict)
    modules: dict[str, Resource] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.path.relative_to(ROOT).as_posix()


def syntax_errors(path: Path) -> list[str]:
    """Places tree-sitter could not read, as file:line."""
    tree = _PARSER.parse(path.read_bytes())
    return [f"{path.name}:{node.start_point.row + 1}" for node in _faults(tree.root_node)]


def _faults(node: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    if node.type == "ERROR" or node.is_missing:
        yield node
    for child in node.children:
        yield from _faults(child)


def read_template(path: Path) -> Template:
    template = Template(path)
    described: str | None = None
    for node in _PARSER.parse(path.read_bytes()).root_node.named_children:
        if node.type == "decorators":
            described = _description(node)
            continue
        _read_declaration(template, node, described)
        described = None
    return template


def _read_declaration(template: Template, node: tree_sitter.Node, described: str | None) -> None:
    children = [child for child in node.named_children if child.type != "comment"]
    name = _text(children[0]) if children else ""
    if node.type == "parameter_declaration":
        default = value(children[2]) if len(children) > 2 else None
        template.parameters[name] = Parameter(name, _text(children[1]), described, default, len(children) > 2)
    elif node.type == "variable_declaration":
        template.variables[name] = value(children[-1])
    elif node.type == "output_declaration":
        template.outputs[name] = value(children[-1])
    elif node.type == "resource_declaration":
        template.resources[name] = _resource(node, name, children)
    elif node.type == "module_declaration":
        template.modules[name] = _resource(node, name, children)


def _resource(node: tree_sitter.Node, symbol: str, children: list[tree_sitter.Node]) -> Resource:
    kind, _, version = str(value(children[1])).partition("@")
    existing = any(child.type == "existing" or _text(child) == "existing" for child in node.children)
    return Resource(symbol, kind, version, _body(children[-1]), existing, node.start_point.row + 1, _text(node))


def _body(node: tree_sitter.Node) -> dict[str, Any]:
    """The object of a declaration, through conditions and loops."""
    if node.type == "object":
        found = value(node)
        assert isinstance(found, dict)
        return found
    return _body([child for child in node.named_children if child.type != "comment"][-1])


def value(node: tree_sitter.Node) -> Any:
    match node.type:
        case "object":
            pairs = [child for child in node.named_children if child.type == "object_property"]
            return {_key(pair): value(_named(pair)[-1]) for pair in pairs}
        case "array":
            return [value(child) for child in _named(node)]
        case "for_statement":
            return [value(_named(node)[-1])]
        case "if_statement" | "parenthesized_expression":
            return value(_named(node)[-1])
        case "string" if all(child.type in ("string_content", "escape_sequence") for child in node.named_children):
            return _text(node).strip("'").replace("\\'", "'")
        case "number":
            return int(_text(node))
        case "boolean":
            return _text(node) == "true"
        case "null":
            return None
    return Expression(_text(node), node.start_point.row + 1, tuple(_literal_parts(node)))


def _literal_parts(node: tree_sitter.Node) -> Iterator[Any]:
    for child in _named(node):
        if child.type in ("object", "array", "for_statement"):
            yield value(child)
        elif child.type in ("arguments", "call_expression", "ternary_expression", "parenthesized_expression"):
            yield from _literal_parts(child)


def _description(decorators: tree_sitter.Node) -> str | None:
    for decorator in decorators.named_children:
        call = _named(decorator)[0]
        if _text(_named(call)[0]) == "description":
            return str(value(_named(_named(call)[1])[0]))
    return None


def _key(pair: tree_sitter.Node) -> str:
    return _text(_named(pair)[0]).strip("'")


def _named(node: tree_sitter.Node) -> list[tree_sitter.Node]:
    return [child for child in node.named_children if child.type != "comment"]


def _text(node: tree_sitter.Node) -> str:
    return (node.text or b"").decode()


def objects(found: Any) -> Iterator[dict[str, Any]]:
    """Every object inside a value, at any depth."""
    if isinstance(found, dict):
        yield found
    children = found.values() if isinstance(found, dict) else found if isinstance(found, list) else ()
    for child in found.parts if isinstance(found, Expression) else children:
        yield from objects(child)


def merged(found: Any) -> dict[str, Any]:
    """The keys of an object, or of all objects in `union(...)`."""
    if isinstance(found, dict):
        return found
    assert isinstance(found, Expression), found
    return {key: each for part in found.parts if isinstance(part, dict) for key, each in part.items()}
