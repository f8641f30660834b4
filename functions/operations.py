"""HTTP: operations, one and all of them, and cancelling one."""

from __future__ import annotations

import azure.functions as func

from functions.http import json_response, problem_response, read_limit
from shared.errors import quoted
from shared.operations.operation import Operation
from shared.reports.bodies import Problem
from shared.reports.operations import LISTED_OPERATIONS, accepted_operation, operation_address, operation_list
from shared.services import Services

POLL_SECONDS = "5"


def get_operation(services: Services, req: func.HttpRequest) -> func.HttpResponse:
    operation_id = req.route_params.get("id") or ""
    operation = services.operations.find(operation_id)
    if operation is None:
        return _unknown(operation_id)
    headers = {} if operation.is_ended else {"Retry-After": POLL_SECONDS}
    return json_response(operation, headers=headers)


def list_all_operations(services: Services, req: func.HttpRequest) -> func.HttpResponse:
    limit = read_limit(req, default=LISTED_OPERATIONS)
    listed = services.operations.list()
    return json_response(operation_list(listed, before=req.params.get("before"), limit=limit))


def cancel_operation(services: Services, req: func.HttpRequest) -> func.HttpResponse:
    operation_id = req.route_params.get("id") or ""
    operation = services.operations.cancel(operation_id)
    return accepted(operation) if operation else _unknown(operation_id)


def accepted(operation: Operation) -> func.HttpResponse:
    """202 with the address of the operation."""
    headers = {"Location": operation_address(operation.id), "Retry-After": POLL_SECONDS}
    return json_response(accepted_operation(operation), 202, headers)


def _unknown(operation_id: str) -> func.HttpResponse:
    return problem_response(
        Problem(title="Unknown operation", status=404, detail=f"no operation {quoted(operation_id)}")
    )
