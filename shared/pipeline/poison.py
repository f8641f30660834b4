"""What the host gave up on: the raw message is kept, the documents get a failure record with the reason.

Nothing is lost even to a bug: `POST /api/documents/{name}/classify` sends a document again once the cause is mended.
"""

from __future__ import annotations

import logging

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.documents.events import parse_events
from shared.documents.ref import FailureCode
from shared.messages import JobMessage, WakeMessage
from shared.pipeline.accept import find_document, is_ours
from shared.pipeline.context import Pipeline
from shared.pipeline.manifests import find_manifest
from shared.pipeline.parked import park
from shared.pipeline.records import write_failure
from shared.pipeline.replan import fail_documents

log = logging.getLogger("pigeonhole.poison")


class BlobTriggerMessage(BaseModel):
    """The host's own poison message of a blob trigger; only the fields used here."""

    model_config = ConfigDict(extra="ignore")

    container: str = Field(alias="ContainerName")
    name: str = Field(alias="BlobName")


def bury_upload(pipeline: Pipeline, message_id: str, body: str) -> None:
    """webjobs-blobtrigger-poison: accepting a document failed five times."""
    kept = park(pipeline, "webjobs-blobtrigger-poison", message_id, body, "accept_document failed five times")
    try:
        message = BlobTriggerMessage.model_validate_json(body)
    except ValidationError:
        return
    _fail_current_version(pipeline, message.container, message.name, kept)


def bury_event(pipeline: Pipeline, message_id: str, body: str) -> None:
    """events-poison: accepting an upload that was announced by the queue failed five times."""
    kept = park(pipeline, pipeline.settings.events_queue, message_id, body, "accept_event failed five times")
    try:
        uploads = parse_events(body.encode())
    except ValueError:  # no event at all, which is why it failed
        return
    for upload in uploads:
        _fail_current_version(pipeline, upload.container, upload.name, kept)


def _fail_current_version(pipeline: Pipeline, container: str, name: str, kept: str) -> None:
    document = find_document(pipeline, name) if is_ours(pipeline, container, name) else None
    if document is None:
        return
    write_failure(pipeline, document, FailureCode.POISONED, f"accepting it failed five times; see {kept} and the log")


def bury_wake(pipeline: Pipeline, message_id: str, body: str) -> None:
    """collect-poison: collecting failed five times. The documents still wait in their queue, so wake again."""
    park(pipeline, pipeline.settings.collect_queue, message_id, body, "collect_documents failed five times")
    pipeline.collect_queue.send(WakeMessage(), delay=pipeline.settings.grace)


def bury_job(pipeline: Pipeline, message_id: str, body: str) -> None:
    """jobs-poison: a step of a job failed five times; its documents are given up with the reason."""
    kept = park(pipeline, pipeline.settings.jobs_queue, message_id, body, "advance_job failed five times")
    try:
        message = JobMessage.model_validate_json(body)
    except ValidationError:
        return
    try:
        opened = find_manifest(pipeline, message.id)
    except ValidationError:
        log.error("manifest_unreadable job=%s: see pipeline/jobs/active/", message.id)
        return
    if opened:
        fail_documents(pipeline, opened, FailureCode.POISONED, f"a step of its job failed five times; see {kept}")
