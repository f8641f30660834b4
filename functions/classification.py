"""Queue triggers of the main line: collect documents into jobs, advance a job by one step."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TypeVar

import azure.functions as func
from pydantic import ValidationError

from shared.messages import JobMessage, Message, WakeMessage
from shared.pipeline.collect import collect_documents
from shared.pipeline.context import Pipeline
from shared.pipeline.jobs import advance_job
from shared.pipeline.parked import park
from shared.services import Services

M = TypeVar("M", bound=Message)


def blueprint(services: Services) -> func.Blueprint:
    bp = func.Blueprint()

    @bp.function_name("collect_documents")
    @bp.queue_trigger(arg_name="message", queue_name="%COLLECT_QUEUE%", connection="DATA_STORAGE")
    def collect(message: func.QueueMessage) -> None:
        read_or_park(services.pipeline, services.settings.collect_queue, message, WakeMessage)
        # Whatever it said, it may have been somebody's only wake.
        collect_documents(services.pipeline, _inserted_on(message))

    @bp.function_name("advance_job")
    @bp.queue_trigger(arg_name="message", queue_name="%JOBS_QUEUE%", connection="DATA_STORAGE")
    def advance(message: func.QueueMessage) -> None:
        read = read_or_park(services.pipeline, services.settings.jobs_queue, message, JobMessage)
        if read is not None:
            advance_job(services.pipeline, read)

    return bp


def read_or_park(pipeline: Pipeline, queue: str, message: func.QueueMessage, kind: type[M]) -> M | None:
    """The message, or None when no retry could make it readable: then it is parked, and this delivery is its last."""
    body = message.get_body()
    try:
        return kind.model_validate_json(body)
    except ValidationError:
        park(pipeline, queue, str(message.id), body.decode("utf-8", errors="replace"), f"not a {kind.__name__}")
        return None


def _inserted_on(message: func.QueueMessage) -> datetime:
    """When the queue took the message, by its own clock; the exported type does not know the property."""
    inserted_on = getattr(message, "insertion_time", None)
    if not isinstance(inserted_on, datetime):
        return datetime.now(UTC)
    return inserted_on if inserted_on.tzinfo else inserted_on.replace(tzinfo=UTC)
