"""Where operations are kept, and the lock that lets a project have one at a time.

Order at the start: the record, then the lock (If-None-Match), then the message. A record without a lock never runs; a
lock whose message was lost is revived by the sweep; a lock whose operation has ended is taken over.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from shared.errors import PigeonholeError
from shared.messages import OperationMessage
from shared.storage.conditional import replace_own
from shared.storage.ports import BlobInfo, BlobNotFoundError, VersionChangedError
from shared.training.context import Training
from shared.training.operation import STEP_ALLOWANCE, Operation, OperationKind, Step

log = logging.getLogger("pigeonhole.operations")

RECORDS = "operations/records/"
LOCKS = "operations/active/"


class OperationRunningError(PigeonholeError):
    """The project has an operation under way already."""

    def __init__(self, operation_id: str) -> None:
        super().__init__(f"operation {operation_id} is running; wait for it or cancel it")
        self.operation_id = operation_id


class OperationRaceLostError(PigeonholeError):
    """Somebody else changed the operation since it was read; their step goes on, ours ends quietly."""


@dataclass(frozen=True)
class OpenOperation:
    """An operation and the ETag it was read or written at."""

    operation: Operation
    etag: str


def new_operation(training: Training, kind: OperationKind, project: str, step: Step) -> Operation:
    """A running operation, not yet stored. Its id is sortable by time and unguessable at the end."""
    now = training.now()
    return Operation(
        id=f"{now:%Y%m%d%H%M%S}-{secrets.token_hex(6)}",
        kind=kind,
        project=project,
        api_version=training.settings.language_api,
        step=step,
        created=now,
        due=now + STEP_ALLOWANCE,
    )


def record_blob(operation_id: str) -> str:
    return f"{RECORDS}{operation_id}.json"


def lock_blob(operation: Operation) -> str:
    return f"{LOCKS}{operation.project}.json"


def start_operation(training: Training, operation: Operation) -> Operation:
    """Record, lock, message. Raises OperationRunningError when the project has one under way."""
    data = _data(operation)
    training.state.create(record_blob(operation.id), data, metadata=operation.metadata())
    try:
        _lock(training, operation)
    except OperationRunningError:
        training.state.delete(record_blob(operation.id))
        raise
    training.operations_queue.send(OperationMessage(id=operation.id))
    log.info("operation_started operation=%s kind=%s project=%s", operation.id, operation.kind, operation.project)
    return operation


def _lock(training: Training, operation: Operation) -> None:
    body = json.dumps({"operation": operation.id}).encode()
    for _ in range(2):
        try:
            training.state.create(lock_blob(operation), body)
            return
        except VersionChangedError:
            running = _lock_holder(training, lock_blob(operation))
        if running is None:
            continue
        holder = find_operation(training, running[0])
        if holder is not None and not holder.operation.is_ended:
            raise OperationRunningError(running[0])
        # It has ended, or never came to be: its lock was left by a crash.
        training.state.delete(lock_blob(operation), etag=running[1])
    raise OperationRunningError(running[0] if running else "unknown")


def _lock_holder(training: Training, name: str) -> tuple[str, str] | None:
    try:
        blob = training.state.read(name)
    except BlobNotFoundError:
        return None
    return str(json.loads(blob.data)["operation"]), blob.etag


def release_lock(training: Training, operation: Operation) -> None:
    """Give the project free, if this operation holds its lock."""
    held = _lock_holder(training, lock_blob(operation))
    if held and held[0] == operation.id:
        training.state.delete(lock_blob(operation), etag=held[1])


def find_operation(training: Training, operation_id: str) -> OpenOperation | None:
    try:
        blob = training.state.read(record_blob(operation_id))
    except BlobNotFoundError:
        return None
    return OpenOperation(Operation.model_validate_json(blob.data), blob.etag)


def save_operation(training: Training, opened: OpenOperation, operation: Operation) -> OpenOperation:
    """Replace it under its ETag; raises OperationRaceLostError."""
    name, metadata = record_blob(operation.id), operation.metadata()
    try:
        etag = replace_own(training.state, name, _data(operation), etag=opened.etag, metadata=metadata)
    except VersionChangedError as error:
        raise OperationRaceLostError(operation.id) from error
    return OpenOperation(operation, etag)


def proceed(training: Training, opened: OpenOperation, operation: Operation) -> None:
    """Save the step taken; then release the lock if it was the last, else send the message for the next."""
    save_operation(training, opened, operation)
    if operation.is_ended:
        if operation.kind is not OperationKind.RECLASSIFY and operation.project == training.settings.language_project:
            training.active_model.release()
        release_lock(training, operation)
        log.info("operation_ended operation=%s state=%s: %s", operation.id, operation.state, operation.reason)
        return
    log.info("operation_advanced operation=%s step=%s", operation.id, operation.step)
    training.operations_queue.send(OperationMessage(id=operation.id))


def enqueue_step(training: Training, opened: OpenOperation, message: OperationMessage, delay: timedelta) -> None:
    """The same step again after `delay`; write the due time down first when it lies beyond what the sweep allows."""
    due = training.now() + delay
    if due > opened.operation.due:
        save_operation(training, opened, opened.operation.model_copy(update={"due": due + STEP_ALLOWANCE}))
    training.operations_queue.send(message, delay=delay)


def list_locks(training: Training) -> Iterator[BlobInfo]:
    return training.state.list(LOCKS)


def locked_operation(training: Training, lock: BlobInfo) -> OpenOperation | None:
    held = _lock_holder(training, lock.name)
    return find_operation(training, held[0]) if held else None


def list_operations(training: Training, project: str) -> list[dict[str, str]]:
    """Facts of a project's operations, newest first."""
    found = [
        {"id": info.name.removeprefix(RECORDS).removesuffix(".json"), **info.metadata}
        for info in training.state.list(RECORDS, metadata=True)
        if info.metadata.get("project") == project
    ]
    return sorted(found, key=lambda each: each["id"], reverse=True)


def _data(operation: Operation) -> bytes:
    return operation.model_dump_json(by_alias=True).encode()
