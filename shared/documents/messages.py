"""The messages of a document's way into a batch, and which of the step messages is reconcile's."""

from __future__ import annotations

from enum import StrEnum

from shared.documents.ref import DocumentRef, Moment
from shared.messages import Message

WALK = "reconcile"
"""The id in step messages of reconcile's walk, on the queue of operations: there is one walk at a time."""


class Source(StrEnum):
    """Why a document was sent: an upload event, the reconciling timer, or a request to classify it again.

    FAILED asks for what has no classification of this version, REDRIVE for any.
    """

    EVENT = "event"
    RECONCILE = "reconcile"
    REDRIVE = "redrive"
    FAILED = "failed"


class DocumentMessage(Message):
    """Queue `documents`: classify this version.

    `requested` is when a redrive was asked for: it makes the batch another one than that which classified this version
    before.
    """

    container: str
    document: DocumentRef
    source: Source = Source.EVENT
    requested: Moment | None = None


class WakeMessage(Message):
    """Queue `collect`: look at the documents queue."""
