"""Operations: the queue trigger that advances them, and HTTP to look at and cancel them."""

from __future__ import annotations

import azure.functions as func

from functions.http import handles_errors, json_response, problem_response, read_limit
from functions.messages import read_or_keep
from shared.documents.walk import WALK
from shared.errors import quoted
from shared.messages import StepMessage
from shared.operations.operation import Operation
from shared.reports.bodies import Problem
from shared.reports.operations import LISTED_OPERATIONS, accepted_operation, operation_address, operation_list
from shared.services import Services

POLL_SECONDS = "5"


def blueprint(services: Services) -> func.Blueprint:
    bp = func.Blueprint()
    queue = services.settings.operations_queue

    @bp.function_name("advance_operation")
    @bp.queue_trigger(arg_name="message", queue_name="%OPERATIONS_QUEUE%", connection="DATA_STORAGE")
    def advance(message: func.QueueMessage) -> None:
        read = read_or_keep(services.dead_letters, message, queue=queue, model=StepMessage)
        if read is not None:
            steps = services.reconcile if read.id == WALK else services.operation_steps
            steps.advance(read)

    @bp.function_name("get_operation")
    @bp.route(route="operations/{id}", methods=["GET"])
    @handles_errors
    def get(req: func.HttpRequest) -> func.HttpResponse:
        operation_id = req.route_params.get("id") or ""
        operation = services.operations.find(operation_id)
        if operation is None:
            return _unknown(operation_id)
        headers = {} if operation.is_ended else {"Retry-After": POLL_SECONDS}
        return json_response(operation, headers=headers)

    @bp.function_name("list_all_operations")
    @bp.route(route="operations", methods=["GET"])
    @handles_errors
    def list_all(req: func.HttpRequest) -> func.HttpResponse:
        limit = read_limit(req, default=LISTED_OPERATIONS)
        listed = services.operations.list()
        return json_response(operation_list(listed, before=req.params.get("before"), limit=limit))

    @bp.function_name("cancel_operation")
    @bp.route(route="operations/{id}/cancel", methods=["POST"], auth_level=func.AuthLevel.ADMIN)
    @handles_errors
    def cancel(req: func.HttpRequest) -> func.HttpResponse:
        operation_id = req.route_params.get("id") or ""
        operation = services.operations.cancel(operation_id)
        return accepted(operation) if operation else _unknown(operation_id)

    return bp


def accepted(operation: Operation) -> func.HttpResponse:
    """202 with the address of the operation."""
    headers = {"Location": operation_address(operation.id), "Retry-After": POLL_SECONDS}
    return json_response(accepted_operation(operation), 202, headers)


def _unknown(operation_id: str) -> func.HttpResponse:
    return problem_response(
        Problem(title="Unknown operation", status=404, detail=f"no operation {quoted(operation_id)}")
    )
