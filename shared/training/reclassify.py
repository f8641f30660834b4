"""Classify again what has a record already: by prefix, by the model that made it, or what failed.

The walk goes over the records' listing, whose metadata name each document's version, so that it needs no call for each
document. Documents keep their old classification until the new one replaces it.
"""

from __future__ import annotations

import json
from datetime import datetime
from urllib.parse import quote

from shared.documents.ref import RECORD_SUFFIX, DocumentRef, record_name
from shared.errors import PermanentError
from shared.messages import DocumentMessage, OperationMessage, Source
from shared.pipeline.accept import send_wake
from shared.storage.ports import BlobInfo, BlobStore
from shared.training.context import Training
from shared.training.operation import (
    Operation,
    OperationKind,
    OperationState,
    ReclassifyRequest,
    Step,
    Walk,
)
from shared.training.operations import OpenOperation, new_operation, proceed, start_operation

# The lock's name: no project can be called so, because a project's name has no tilde.
RECLASSIFY_PROJECT = "~reclassify"


class ConfirmationNeededError(PermanentError):
    """More documents than RECLASSIFY_LIMIT would be sent, and nobody confirmed it."""

    def __init__(self, count: int, limit: int) -> None:
        super().__init__(
            f"{count} documents would be classified again, more than RECLASSIFY_LIMIT ({limit}); "
            'each costs a classification; send "confirm": true to go on'
        )
        self.count = count


def count_documents(training: Training, request: ReclassifyRequest) -> int:
    """How many documents the request would send: one listing, one call for each 5,000 records."""
    model = wanted_model(training, request)
    return sum(_is_wanted(info, model) for info in _store(training, request).list(request.prefix, metadata=True))


def start_reclassify(training: Training, request: ReclassifyRequest) -> Operation:
    """Start the walk. Raises ConfirmationNeededError, OperationRunningError."""
    count = count_documents(training, request)
    limit = training.settings.reclassify_limit
    if count > limit and not request.confirm:
        raise ConfirmationNeededError(count, limit)
    operation = new_operation(training, OperationKind.RECLASSIFY, RECLASSIFY_PROJECT, Step.WALK)
    walk = Walk(request=request, model=wanted_model(training, request), total=count)
    return start_operation(training, operation.model_copy(update={"walk": walk}))


def walk(training: Training, opened: OpenOperation, message: OperationMessage) -> None:  # noqa: ARG001
    """Send one page's documents, then write down how far it came. A crash repeats one page, which only costs."""
    operation = opened.operation
    progress = operation.walk
    if progress is None:
        raise ValueError(f"operation {operation.id} has no walk")
    page = _store(training, progress.request).list_page(progress.request.prefix, token=progress.token)
    wanted = [info for info in page.infos if _is_wanted(info, progress.model)]
    messages = [_message(training, progress.request, info, operation.created) for info in wanted]
    training.pipeline.fan_out(training.pipeline.documents_queue.send, messages)
    if messages:
        send_wake(training.pipeline)
    changed = progress.model_copy(
        update={"token": page.token, "seen": progress.seen + len(page.infos), "sent": progress.sent + len(messages)}
    )
    percent = min(100, round(100 * changed.sent / progress.total)) if progress.total else 100
    operation = operation.model_copy(update={"walk": changed, "percent": percent})
    detail = f"sent {changed.sent} of {progress.total}"
    if page.token is None:
        proceed(training, opened, operation.end(training.now(), OperationState.SUCCEEDED, detail))
    else:
        proceed(training, opened, operation.evolve(training.now(), detail))


def wanted_model(training: Training, request: ReclassifyRequest) -> str | None:
    """The label whose own records are left alone; None takes every record."""
    if isinstance(request.older_than_model, str):
        return request.older_than_model
    return training.active_model.find_label(training.settings.language_project) if request.older_than_model else None


def _store(training: Training, request: ReclassifyRequest) -> BlobStore:
    return training.pipeline.failures if request.failed else training.pipeline.classifications


def _is_wanted(info: BlobInfo, model: str | None) -> bool:
    # Metadata are ASCII: records.py writes the label percent-encoded.
    return model is None or info.metadata.get("model") != quote(model)


def _message(training: Training, request: ReclassifyRequest, info: BlobInfo, requested: datetime) -> DocumentMessage:
    document = _document(_store(training, request), info)
    container = training.settings.documents_container
    return DocumentMessage(container=container, document=document, source=Source.REDRIVE, requested=requested)


def _document(store: BlobStore, info: BlobInfo) -> DocumentRef:
    """The version a record is about, from its metadata; from the record itself where they or its name do not tell."""
    name = info.name.removesuffix(RECORD_SUFFIX)
    may_be_cut = record_name(name) != info.name or name[950:951] == "~"
    try:
        if not may_be_cut:
            return DocumentRef(
                name=name,
                etag=info.metadata["etag"],
                last_modified=datetime.fromisoformat(info.metadata["modified"]),
                size=int(info.metadata["size"]),
            )
    except (KeyError, ValueError):
        pass
    return DocumentRef.model_validate(json.loads(store.read(info.name).data)["document"])
