"""HTTP: the OpenAPI document of all other functions."""

from __future__ import annotations

import json

import azure.functions as func

from shared.reports.openapi import openapi
from shared.services import Services


def get_openapi(_services: Services, _req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(json.dumps(openapi(), indent=1), mimetype="application/json")
