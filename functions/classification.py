"""Queue triggers of the main line: collect documents into jobs, advance a job by one step."""

from __future__ import annotations

from datetime import UTC, datetime

import azure.functions as func

from shared.messages import JobMessage, WakeMessage
from shared.pipeline.collect import collect_documents
from shared.pipeline.jobs import advance_job
from shared.services import Services


def blueprint(services: Services) -> func.Blueprint:
    bp = func.Blueprint()

    @bp.function_name("collect_documents")
    @bp.queue_trigger(arg_name="message", queue_name="%COLLECT_QUEUE%", connection="DATA_STORAGE")
    def collect(message: func.QueueMessage) -> None:
        WakeMessage.model_validate_json(message.get_body())
        collect_documents(services.pipeline, _inserted_on(message))

    @bp.function_name("advance_job")
    @bp.queue_trigger(arg_name="message", queue_name="%JOBS_QUEUE%", connection="DATA_STORAGE")
    def advance(message: func.QueueMessage) -> None:
        advance_job(services.pipeline, JobMessage.model_validate_json(message.get_body()))

    return bp


def _inserted_on(message: func.QueueMessage) -> datetime:
    """When the queue took the message, by its own clock; the exported type does not know the property."""
    inserted_on = getattr(message, "insertion_time", None)
    if not isinstance(inserted_on, datetime):
        return datetime.now(UTC)
    return inserted_on if inserted_on.tzinfo else inserted_on.replace(tzinfo=UTC)
