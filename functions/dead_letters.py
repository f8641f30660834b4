"""Queue triggers on what the host gave up on: the message is kept, and what it was about gets its failure record."""

from __future__ import annotations

import azure.functions as func

from functions.messages import body_of
from shared.documents.dead_letters import BLOB_TRIGGER_QUEUE
from shared.services import Services


def blueprint(services: Services) -> func.Blueprint:
    bp = func.Blueprint()

    @bp.function_name("upload_dead_letter")
    @bp.queue_trigger(arg_name="message", queue_name=BLOB_TRIGGER_QUEUE, connection="DATA_STORAGE")
    def upload(message: func.QueueMessage) -> None:
        services.document_dead_letters.handle_upload(str(message.id), body=body_of(message))

    @bp.function_name("event_dead_letter")
    @bp.queue_trigger(arg_name="message", queue_name="%EVENTS_QUEUE%-poison", connection="DATA_STORAGE")
    def event(message: func.QueueMessage) -> None:
        services.document_dead_letters.handle_event(str(message.id), body=body_of(message))

    @bp.function_name("wake_dead_letter")
    @bp.queue_trigger(arg_name="message", queue_name="%COLLECT_QUEUE%-poison", connection="DATA_STORAGE")
    def wake(message: func.QueueMessage) -> None:
        services.document_dead_letters.handle_wake(str(message.id), body=body_of(message))

    @bp.function_name("batch_dead_letter")
    @bp.queue_trigger(arg_name="message", queue_name="%BATCHES_QUEUE%-poison", connection="DATA_STORAGE")
    def batch(message: func.QueueMessage) -> None:
        services.batch_dead_letters.handle(str(message.id), body=body_of(message))

    @bp.function_name("operation_dead_letter")
    @bp.queue_trigger(arg_name="message", queue_name="%OPERATIONS_QUEUE%-poison", connection="DATA_STORAGE")
    def operation(message: func.QueueMessage) -> None:
        services.operation_dead_letters.handle(str(message.id), body=body_of(message))

    return bp
