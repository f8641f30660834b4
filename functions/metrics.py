"""HTTP: what documents were classified as, by day and model, estimated accuracy, and drift."""

from __future__ import annotations

from typing import Annotated

import azure.functions as func
from pydantic import ConfigDict, Field, TypeAdapter

from functions.http import json_response, read_request
from shared.reports.model_metrics import MAX_DAYS
from shared.services import Services

DEFAULT_DAYS = "7"

_DAYS: TypeAdapter[int] = TypeAdapter(Annotated[int, Field(ge=1, le=MAX_DAYS)], config=ConfigDict(defer_build=True))


def get_metrics(services: Services, req: func.HttpRequest) -> func.HttpResponse:
    days = read_request(lambda: _DAYS.validate_python(req.params.get("days", DEFAULT_DAYS)))
    return json_response(services.metrics_report(days))
