"""Calls a function of a blueprint as the worker would, on a pipeline of fakes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import azure.functions as func

from shared.training.active_model import StoredActiveModel
from shared.training.context import Training
from tests.fakes import FakeBlobStore, FakeQueue
from tests.faults.disturbed import DisturbedWorld


class App:
    """One blueprint on one world."""

    def __init__(self, build: Callable[[Any], func.Blueprint], world: DisturbedWorld) -> None:
        active_model = StoredActiveModel(world.stores["state"], world.settings, world.clock)
        training = Training(
            world.pipeline,
            FakeQueue("operations-queue", world.clock),
            active_model,
            lambda name: FakeBlobStore(name, world.clock),
        )
        services = SimpleNamespace(pipeline=world.pipeline, settings=world.settings, training=training)
        builders = build(services)._function_builders
        found = [builder._function for builder in builders]
        self.functions = {each.get_function_name(): each.get_user_function() for each in found}

    def call(self, name: str, argument: Any) -> Any:
        return self.functions[name](argument)

    def request(
        self, name: str, *, method: str = "GET", query: Mapping[str, str] | None = None, **route: str
    ) -> tuple[int, dict[str, Any], func.HttpResponse]:
        request = func.HttpRequest(
            method=method, url="http://app/api", params=dict(query or {}), route_params=route, body=b""
        )
        response = self.call(name, request)
        return response.status_code, json.loads(response.get_body()), response
