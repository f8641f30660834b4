"""What the code asks of its deployment: the functions with their bindings, the settings, the log lines."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import azure.functions as func

from functions import blueprints
from shared.config import Settings
from shared.services import build_services
from tests.fakes import app_settings
from tests.infra.bicep import ROOT

SETTING = re.compile(r"%(\w+)%")


@dataclass(frozen=True)
class Function:
    name: str
    bindings: tuple[dict[str, Any], ...]

    @property
    def trigger(self) -> dict[str, Any]:
        return next(each for each in self.bindings if each["type"].endswith("Trigger"))


@cache
def functions() -> dict[str, Function]:
    """Every function of the app, indexed as the host would."""
    # get_functions() may be called once only for each app, so the result is kept.
    app = func.FunctionApp()
    connection = "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=YQ==;BlobEndpoint=http://127.0.0.1:9/a;"
    settings = app_settings(data_storage=connection + "QueueEndpoint=http://127.0.0.1:9/a;")
    for blueprint in blueprints(build_services(settings)):
        app.register_functions(blueprint)
    found = [
        Function(str(each.get_function_name()), tuple(json.loads(raw) for raw in each.get_raw_bindings()))
        for each in app.get_functions()
    ]
    return {each.name: each for each in found}


def binding_settings() -> set[str]:
    """Every name that a binding uses as %NAME%: the host does not start without them."""
    return set(SETTING.findall(json.dumps([each.bindings for each in functions().values()])))


def settings_fields() -> dict[str, Any]:
    """Field by the name of its environment variable, in upper case."""
    return {name.upper(): each for name, each in Settings.model_fields.items()}


@cache
def log_events() -> frozenset[str]:
    """The first word of every log line of the app: what queries of alerts may look for."""
    return frozenset(
        event
        for folder in ("shared", "functions")
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for event in _log_event(node)
    )


def _log_event(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Call(ast.Attribute(ast.Name("log")), [ast.Constant(str(message)), *_]):
            yield message.split(maxsplit=1)[0]
