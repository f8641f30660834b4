"""Every row of the table of HTTP functions leads to its handler, and no handler is without a row."""

from __future__ import annotations

import inspect
from importlib import import_module
from types import ModuleType

import azure.functions as func
import pytest

from functions.http import json_response
from functions.routes import ROUTES, Route
from shared.reports.page import SignedInBody
from shared.services import Services
from tests.architecture.source import modules
from tests.services_on_fakes import PipelineOnFakes
from tests.unit.functions.harness import App

HANDLERS = [f"{route.module}: {route.name}" for route in ROUTES]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_a_function_answers_with_what_its_handler_makes_of_the_request(
    route: Route, world: PipelineOnFakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Services, func.HttpRequest]] = []

    def handler(services: Services, req: func.HttpRequest) -> func.HttpResponse:
        asked.append((services, req))
        return json_response(SignedInBody(name=route.name))

    module = import_module(f"functions.{route.module}")
    assert len(inspect.signature(getattr(module, route.name)).parameters) == 2
    monkeypatch.setattr(module, route.name, handler)
    app = App(world)
    for _ in range(2):
        assert app.request(route.name, method=route.method)[:2] == (200, {"name": route.name})
    (services, first), (_, second) = asked
    assert services.settings is world.settings
    assert [first.method, second.method] == [route.method] * 2
    assert first is not second


def test_every_handler_has_its_row() -> None:
    found = {
        f"{module.path.stem}: {name}"
        for module in modules("functions")
        for name, parameters in public_functions(import_module(f"functions.{module.path.stem}"))
        if parameters == ["Services", "HttpRequest"]
    }
    assert found == set(HANDLERS)
    assert len(HANDLERS) == len(set(HANDLERS))


def public_functions(module: ModuleType) -> list[tuple[str, list[str]]]:
    """With the types of their parameters."""
    return [
        (name, [str(each.annotation).rpartition(".")[2] for each in inspect.signature(function).parameters.values()])
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
    ]


def test_addresses_and_names_are_not_given_twice() -> None:
    assert len({route.name for route in ROUTES}) == len(ROUTES)
    assert len({(route.method, route.route) for route in ROUTES}) == len(ROUTES)
