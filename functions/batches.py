"""HTTP: batches, open and closed."""

from __future__ import annotations

import azure.functions as func

from functions.http import json_response, problem_response
from shared.errors import quoted
from shared.reports.bodies import Problem
from shared.services import Services


def list_batches(services: Services, _: func.HttpRequest) -> func.HttpResponse:
    return json_response(services.batch_report.list())


def get_batch(services: Services, req: func.HttpRequest) -> func.HttpResponse:
    batch_id = req.route_params.get("id") or ""
    batch = services.batch_report.find(batch_id)
    if batch is None:
        detail = f"no batch {quoted(batch_id)} is open, or was created in the last 30 days"
        return problem_response(Problem(title="Unknown batch", status=404, detail=detail))
    return json_response(batch)
