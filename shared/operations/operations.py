"""Where operations are kept, and the lock that lets a project have one at a time.

Order at the start: the record, the lock (If-None-Match), the message. A record whose lock another operation took ends
at its first step. Order at the end: the record, the hold on submissions, the lock, and the record's move to `closed`.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from shared.durable.record import StoredModel
from shared.durable.state import readable
from shared.durable.steps import StepQueue
from shared.durable.store import Listed, Stored
from shared.errors import (
    BlobNotFoundError,
    NotCancellableError,
    OperationRunningError,
    RaceLostError,
    StateUnreadableError,
    VersionChangedError,
)
from shared.models.active_model import ActiveModelStore
from shared.operations.operation import Operation, OperationFacts, PublishingRecord, created_on
from shared.storage.ports import BlobStore

log = logging.getLogger("pigeonhole.operations")

LOCKS = "operations/locks/"
MAX_CONFLICTS = 5


def new_id(now: datetime) -> str:
    """Sortable by time, and unguessable at the end."""
    return f"{now:%Y%m%d%H%M%S}-{secrets.token_hex(6)}"


@dataclass(frozen=True)
class Operations:
    """Starts, ends, cancels and lists operations. `language_project` is the project whose model classifies."""

    steps: StepQueue[Operation, OperationFacts]
    state: BlobStore
    active_model: ActiveModelStore
    language_project: str

    def start(self, operation: Operation) -> Operation:
        """Record, lock, message. Raises OperationRunningError when the project has one under way."""
        stored = self.steps.store.create(operation)
        if stored is None:
            raise ValueError(f"an operation {operation.id} exists already")
        try:
            self.lock(operation)
        except (OperationRunningError, StateUnreadableError):
            self.steps.store.discard(stored)
            raise
        self.steps.send(operation.id)
        log.info("operation_started operation=%s kind=%s project=%s", operation.id, operation.kind, operation.project)
        return operation

    def lock(self, operation: Operation) -> None:
        """Take the project's lock, or see that it is held already. Raises OperationRunningError."""
        body = json.dumps({"operation": operation.id}).encode()
        for _ in range(MAX_CONFLICTS):
            holder = self._lock_holder(operation.project)
            if holder is None:
                try:
                    self.state.create(_lock_name(operation.project), body)
                except VersionChangedError:
                    continue
                return
            holder_id, etag = holder
            if holder_id == operation.id:
                return
            if holder_id is None:
                self._replace_unreadable_lock(operation, etag)
                continue
            running = self.steps.store.find(holder_id)
            if running is not None and not running.record.is_ended:
                raise OperationRunningError(holder_id)
            # It has ended, or never came to be: its lock was left by a crash.
            self.state.delete(_lock_name(operation.project), etag=etag)
        raise OperationRunningError("unknown")

    def refuse_while_running(self, project: str) -> None:
        """Raises OperationRunningError when the project has an operation under way."""
        holder = self._lock_holder(project)
        if holder is None:
            return
        # Whoever holds a lock that cannot be read is the project's oldest open operation.
        holder_id = holder[0] or min(self._open_ids(project), default=None)
        running = self.steps.store.find(holder_id) if holder_id else None
        if running is not None and not running.record.is_ended:
            raise OperationRunningError(running.record.id)

    def close(self, stored: Stored[Operation]) -> None:
        """The end of an operation; may be repeated after a crash at any point of it."""
        stored = self.steps.store.save(stored)
        operation = stored.record
        holder = self._lock_holder(operation.project)
        if holder is not None and holder[0] in (operation.id, None):
            if isinstance(operation, PublishingRecord) and operation.project == self.language_project:
                self.active_model.release()
            self.state.delete(_lock_name(operation.project), etag=holder[1])
        self.steps.store.close(stored)
        log.info("operation_ended operation=%s state=%s: %s", operation.id, operation.state, operation.reason)

    def find(self, operation_id: str) -> Operation | None:
        """An operation, running or ended; None for what is no operation's id."""
        stored = self.steps.store.find(operation_id)
        if stored is not None:
            return stored.record
        day = created_on(operation_id)
        return self.steps.store.find_closed(operation_id, [day]) if day else None

    def list(self, project: str | None = None) -> list[Listed[OperationFacts]]:
        """A project's operations, or those of all, newest first. Two listings."""
        listed = [*self.steps.store.list_open(), *self.steps.store.list_all_closed()]
        found = {each.id: each for each in listed if each.facts is not None and project in (None, each.facts.project)}
        return [found[operation_id] for operation_id in sorted(found, reverse=True)]

    def cancel(self, operation_id: str) -> Operation | None:
        """Ask an operation to stop at its next step; None when it is unknown. Raises NotCancellableError."""
        for _ in range(MAX_CONFLICTS):
            stored = self.steps.store.find(operation_id)
            if stored is None:
                ended = self.find(operation_id)
                if ended is None:
                    return None
                raise NotCancellableError(f"operation {operation_id} has ended: {ended.state}")
            if not stored.record.is_cancellable:
                raise NotCancellableError(_why_not(stored.record))
            try:
                saved = self.steps.store.save(stored.change(cancel_requested=True))
            except RaceLostError:
                continue
            self.steps.send(operation_id)
            return saved.record
        raise NotCancellableError("the operation changes too fast to be cancelled now; try again")

    def _lock_holder(self, project: str) -> tuple[str | None, str] | None:
        """The id of the operation that holds the lock, None where the lock cannot be read; and the lock's ETag."""
        name = _lock_name(project)
        try:
            with readable(name):
                blob = self.state.read(name)
        except BlobNotFoundError:
            return None
        try:
            with readable(name):
                return _Lock.model_validate_json(blob.data).operation, blob.etag
        except StateUnreadableError:
            return None, blob.etag

    def _replace_unreadable_lock(self, operation: Operation, etag: str) -> None:
        """Whoever held it is the project's oldest open operation. Raises OperationRunningError when that is another."""
        oldest = min(self._open_ids(operation.project), default=operation.id)
        if oldest != operation.id:
            raise OperationRunningError(oldest)
        self.state.delete(_lock_name(operation.project), etag=etag)

    def _open_ids(self, project: str) -> Iterator[str]:
        return (each.id for each in self.steps.store.list_open() if each.facts and each.facts.project == project)


class _Lock(StoredModel):
    """pipeline/operations/locks/PROJECT.json"""

    operation: str


def _lock_name(project: str) -> str:
    return f"{LOCKS}{project}.json"


def _why_not(operation: Operation) -> str:
    if operation.is_ended:
        return f"operation {operation.id} has ended: {operation.state}"
    return f"operation {operation.id} is publishing, which the service does not stop; publish another model afterwards"
