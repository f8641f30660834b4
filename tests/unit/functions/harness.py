"""Calls a function of the app as the worker would, on fakes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from typing import Any

import azure.functions as func

from functions import blueprints
from tests.faults.world import World


class App:
    """Every function of the app, on one world."""

    def __init__(self, world: World) -> None:
        assert world.services.control_plane, "wired here, the copy has the same"
        services = copy(world.services)
        services.batch_steps = world.batch_steps
        services.intake = replace(world.services.intake, batch_steps=world.batch_steps)
        # Not public: the library has no other way to a function that a blueprint holds.
        builders = [builder for each in blueprints(services) for builder in each._function_builders]
        self.functions = {str(each._function.get_function_name()): each._function for each in builders}

    def trigger_of(self, name: str) -> dict[str, Any]:
        trigger = self.functions[name].get_trigger()
        assert trigger is not None
        found: dict[str, Any] = trigger.get_dict_repr()
        return found

    def call(self, name: str, argument: Any) -> Any:
        return self.functions[name].get_user_function()(argument)

    def request(
        self, name: str, *, method: str = "GET", query: Mapping[str, str] | None = None, body: bytes = b"", **route: str
    ) -> tuple[int, dict[str, Any], func.HttpResponse]:
        request = func.HttpRequest(
            method=method, url="http://app/api", params=dict(query or {}), route_params=route, body=body
        )
        response = self.call(name, request)
        return response.status_code, json.loads(response.get_body()), response
