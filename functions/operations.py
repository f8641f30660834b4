"""Operations: the queue trigger that advances them, and HTTP to follow, cancel, and reclassify."""

from __future__ import annotations

import json

import azure.functions as func

from functions.classification import read_or_park
from functions.problems import answer, answers_problems, problem, read_body
from functions.projects import accepted
from shared.messages import OperationMessage
from shared.services import Services
from shared.training.advance import advance_operation
from shared.training.operation import ReclassifyRequest
from shared.training.operations import find_operation
from shared.training.reclassify import count_documents, start_reclassify
from shared.training.start import cancel_operation


def blueprint(services: Services) -> func.Blueprint:
    bp = func.Blueprint()
    training = services.training

    @bp.function_name("advance_operation")
    @bp.queue_trigger(arg_name="message", queue_name="%OPERATIONS_QUEUE%", connection="DATA_STORAGE")
    def advance(message: func.QueueMessage) -> None:
        queue = services.settings.operations_queue
        read = read_or_park(services.pipeline, queue, message, OperationMessage)
        if read is not None:
            advance_operation(training, read)

    @bp.function_name("get_operation")
    @bp.route(route="operations/{id}", methods=["GET"])
    @answers_problems
    def get(req: func.HttpRequest) -> func.HttpResponse:
        operation_id = req.route_params.get("id") or ""
        opened = find_operation(training, operation_id)
        if opened is None:
            return _unknown(operation_id)
        headers = {} if opened.operation.is_ended else {"Retry-After": "5"}
        return answer(json.loads(opened.operation.model_dump_json(by_alias=True)), headers=headers)

    @bp.function_name("cancel_operation")
    @bp.route(route="operations/{id}/cancel", methods=["POST"])
    @answers_problems
    def cancel(req: func.HttpRequest) -> func.HttpResponse:
        operation_id = req.route_params.get("id") or ""
        operation = cancel_operation(training, operation_id)
        return accepted(operation) if operation else _unknown(operation_id)

    @bp.function_name("reclassify")
    @bp.route(route="reclassify", methods=["POST"])
    @answers_problems
    def reclassify(req: func.HttpRequest) -> func.HttpResponse:
        request = read_body(req, ReclassifyRequest)
        if request.dry_run:
            return answer({"dry_run": True, "documents": count_documents(training, request)})
        return accepted(start_reclassify(training, request))

    return bp


def _unknown(operation_id: str) -> func.HttpResponse:
    return problem(404, "Unknown operation", f"no operation {operation_id!r}")
