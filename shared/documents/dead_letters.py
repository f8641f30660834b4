"""Dead letters of a document's way into a batch: the message is kept, and the document accepted once more, or failed.

Nothing is lost even to a bug: `POST /api/dead-letters/redrive` puts the messages back once the cause is removed, and
`POST /api/documents/{name}/classify` sends one document again.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.documents.events import parse_events
from shared.documents.inbox import Inbox
from shared.documents.messages import Source, WakeMessage
from shared.documents.ref import BlobName, FailureCode
from shared.durable.dead_letters import DeadLetters
from shared.errors import StorageUnavailableError

log = logging.getLogger("pigeonhole.dead_letters")

BLOB_TRIGGER_QUEUE = "webjobs-blobtrigger-poison"


class BlobTriggerMessage(BaseModel):
    """The host's own message for a blob trigger that failed too often; only the members used here."""

    model_config = ConfigDict(defer_build=True, extra="ignore")

    container: str = Field(alias="ContainerName")
    name: BlobName = Field(alias="BlobName")


@dataclass(frozen=True)
class DocumentDeadLetters:
    """Handles what the host gave up on after five deliveries; the sweep calls it.

    `events_queue` and `collect_queue` are queue names.
    """

    inbox: Inbox
    dead_letters: DeadLetters
    events_queue: str
    collect_queue: str
    wake_delay: timedelta

    def handle_upload(self, message_id: str, *, body: str) -> None:
        """webjobs-blobtrigger-poison: accepting a document failed."""
        kept = self._keep(message_id, queue=BLOB_TRIGGER_QUEUE, body=body, failed="accept_document")
        try:
            message = BlobTriggerMessage.model_validate_json(body)
        except ValidationError:
            return
        self._fail_current_version(message.name, container=message.container, kept=kept)

    def handle_event(self, message_id: str, *, body: str) -> None:
        """events-poison: accepting an upload that was announced by the queue failed."""
        kept = self._keep(message_id, queue=self.events_queue, body=body, failed="accept_event")
        try:
            events = parse_events(body.encode())
        except ValueError:  # not an event at all, which is why it failed
            return
        errors: list[Exception] = []
        for upload in events.uploads:
            try:
                self._fail_current_version(upload.name, container=upload.container, kept=kept)
            except Exception as error:  # of this document: the others have their end
                errors.append(error)
        if errors:
            raise errors[0]

    def handle_wake(self, message_id: str, *, body: str) -> None:
        """collect-poison: collecting failed. The documents still wait in their queue, so it is woken again."""
        self._keep(message_id, queue=self.collect_queue, body=body, failed="collect_documents")
        self.inbox.collect_queue.send(WakeMessage(), delay=self.wake_delay)

    def _keep(self, message_id: str, *, queue: str, body: str, failed: str) -> str:
        reason = f"{failed} failed five times"
        return self.dead_letters.keep(queue=queue, message_id=message_id, body=body, reason=reason)

    def _fail_current_version(self, name: str, *, container: str, kept: str) -> None:
        document = self.inbox.find_document(name) if self.inbox.is_watched(name, container=container) else None
        if document is None:
            return
        try:
            # Accepting is metadata only. When it works now, storage was away: nothing is wrong with the document.
            self.inbox.accept(container, document)
            return
        except StorageUnavailableError:
            raise  # this message comes back
        except Exception as error:  # a bug that this document meets again
            log.exception("accept_failed name=%s etag=%s: %s", document.name, document.etag, type(error).__name__)
        why = f"accepting it failed five times; see {kept} and the log"
        self.inbox.records.write_failure(document, FailureCode.POISONED, why)

    # Each is given a dead letter's text again, once the cause is removed, and returns False where that helps nothing.

    def put_back_upload(self, text: str, requested: datetime) -> bool:
        """Its document is sent again, at the version that is current now."""
        try:
            message = BlobTriggerMessage.model_validate_json(text)
        except ValidationError:
            return False
        return self._send_again([(message.container, message.name)], requested)

    def put_back_event(self, text: str, requested: datetime) -> bool:
        """As an upload, for each document that the message names."""
        try:
            uploads = parse_events(text.encode()).uploads
        except ValueError:
            return False
        return self._send_again([(upload.container, upload.name) for upload in uploads], requested)

    def put_back_wake(self, text: str, _requested: datetime) -> bool:
        try:
            WakeMessage.model_validate_json(text)
        except ValidationError:
            return False
        self.inbox.wake()
        return True

    def _send_again(self, blobs: list[tuple[str, str]], requested: datetime) -> bool:
        watched = [name for container, name in blobs if self.inbox.is_watched(name, container=container)]
        if not watched:
            return False
        found = [self.inbox.find_document(name) for name in watched]
        documents = [document for document in found if document is not None]
        self.inbox.redrive(documents, requested=requested, source=Source.FAILED)
        return True
