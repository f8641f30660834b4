"""Batches: the queue triggers that collect documents into them and advance them, and HTTP to look at them."""

from __future__ import annotations

from datetime import UTC, datetime

import azure.functions as func

from functions.http import handles_errors, json_response, problem_response
from functions.messages import read_or_keep
from shared.documents.messages import WakeMessage
from shared.errors import quoted
from shared.messages import StepMessage
from shared.reports.bodies import Problem
from shared.services import Services


def blueprint(services: Services) -> func.Blueprint:
    bp = func.Blueprint()
    settings = services.settings

    @bp.function_name("collect_documents")
    @bp.queue_trigger(arg_name="message", queue_name="%COLLECT_QUEUE%", connection="DATA_STORAGE")
    def collect(message: func.QueueMessage) -> None:
        read_or_keep(services.dead_letters, message, queue=settings.collect_queue, model=WakeMessage)
        # Even an unreadable message may have been the only wake.
        services.intake.collect(_inserted_on(message))

    @bp.function_name("advance_batch")
    @bp.queue_trigger(arg_name="message", queue_name="%BATCHES_QUEUE%", connection="DATA_STORAGE")
    def advance(message: func.QueueMessage) -> None:
        read = read_or_keep(services.dead_letters, message, queue=settings.batches_queue, model=StepMessage)
        if read is not None:
            services.batch_steps.advance(read)

    @bp.function_name("list_batches")
    @bp.route(route="batches", methods=["GET"])
    @handles_errors
    def get_batches(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the binding demands it
        return json_response(services.batch_report.list())

    @bp.function_name("get_batch")
    @bp.route(route="batches/{id}", methods=["GET"])
    @handles_errors
    def get_batch(req: func.HttpRequest) -> func.HttpResponse:
        batch_id = req.route_params.get("id") or ""
        batch = services.batch_report.find(batch_id)
        if batch is None:
            detail = f"no batch {quoted(batch_id)} is open, or was created in the last 30 days"
            return problem_response(Problem(title="Unknown batch", status=404, detail=detail))
        return json_response(batch)

    return bp


def _inserted_on(message: func.QueueMessage) -> datetime:
    """When the queue took the message, by its own clock; the exported type does not know the property."""
    inserted_on = getattr(message, "insertion_time", None)
    if not isinstance(inserted_on, datetime):
        return datetime.now(UTC)
    return inserted_on if inserted_on.tzinfo else inserted_on.replace(tzinfo=UTC)
