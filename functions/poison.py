"""Queue triggers on the poison queues: write the failure record, keep the message."""

from __future__ import annotations

import azure.functions as func

from shared.pipeline.poison import bury_event, bury_job, bury_upload, bury_wake
from shared.services import Services
from shared.training.maintenance import bury_operation

# The blob trigger's own poison queue; its name is the host's, not ours.
BLOB_TRIGGER_POISON = "webjobs-blobtrigger-poison"


def blueprint(services: Services) -> func.Blueprint:
    bp = func.Blueprint()

    @bp.function_name("bury_upload")
    @bp.queue_trigger(arg_name="message", queue_name=BLOB_TRIGGER_POISON, connection="DATA_STORAGE")
    def upload(message: func.QueueMessage) -> None:
        bury_upload(services.pipeline, *_raw(message))

    @bp.function_name("bury_event")
    @bp.queue_trigger(arg_name="message", queue_name="%EVENTS_QUEUE%-poison", connection="DATA_STORAGE")
    def event(message: func.QueueMessage) -> None:
        bury_event(services.pipeline, *_raw(message))

    @bp.function_name("bury_wake")
    @bp.queue_trigger(arg_name="message", queue_name="%COLLECT_QUEUE%-poison", connection="DATA_STORAGE")
    def wake(message: func.QueueMessage) -> None:
        bury_wake(services.pipeline, *_raw(message))

    @bp.function_name("bury_job")
    @bp.queue_trigger(arg_name="message", queue_name="%JOBS_QUEUE%-poison", connection="DATA_STORAGE")
    def job(message: func.QueueMessage) -> None:
        bury_job(services.pipeline, *_raw(message))

    @bp.function_name("bury_operation")
    @bp.queue_trigger(arg_name="message", queue_name="%OPERATIONS_QUEUE%-poison", connection="DATA_STORAGE")
    def operation(message: func.QueueMessage) -> None:
        bury_operation(services.training, *_raw(message))

    return bp


def _raw(message: func.QueueMessage) -> tuple[str, str]:
    return str(message.id), message.get_body().decode("utf-8", errors="replace")
