"""Queue triggers: documents are collected into batches, and a batch or an operation takes its next step."""

from __future__ import annotations

from datetime import UTC, datetime

import azure.functions as func

from functions.messages import read_or_keep
from shared.documents.messages import WALK, WakeMessage
from shared.messages import StepMessage
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
    def advance_batch(message: func.QueueMessage) -> None:
        read = read_or_keep(services.dead_letters, message, queue=settings.batches_queue, model=StepMessage)
        if read is not None:
            services.batch_steps.advance(read)

    @bp.function_name("advance_operation")
    @bp.queue_trigger(arg_name="message", queue_name="%OPERATIONS_QUEUE%", connection="DATA_STORAGE")
    def advance_operation(message: func.QueueMessage) -> None:
        read = read_or_keep(services.dead_letters, message, queue=settings.operations_queue, model=StepMessage)
        if read is not None:
            steps = services.reconcile if read.id == WALK else services.operation_steps
            steps.advance(read)

    return bp


def _inserted_on(message: func.QueueMessage) -> datetime:
    """When the queue took the message, by its own clock; the exported type does not know the property."""
    inserted_on = getattr(message, "insertion_time", None)
    if not isinstance(inserted_on, datetime):
        return datetime.now(UTC)
    return inserted_on if inserted_on.tzinfo else inserted_on.replace(tzinfo=UTC)
