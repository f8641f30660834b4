"""HTTP: the OpenAPI document of all other functions."""

from __future__ import annotations

import json

import azure.functions as func

from functions.http import handles_errors
from shared.services import Services


def blueprint(services: Services) -> func.Blueprint:  # noqa: ARG001 - as every module here
    bp = func.Blueprint()

    @bp.function_name("get_openapi")
    @bp.route(route="openapi.json", methods=["GET"])
    @handles_errors
    def get_openapi(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the binding demands it
        # It builds the schema of every model, which no other function needs: not at a cold start.
        from shared.reports.openapi import openapi

        return func.HttpResponse(json.dumps(openapi(), indent=1), mimetype="application/json")

    return bp
