"""The model that new batches are submitted to: pipeline/models/active.json, else the app settings.

Every process keeps what it read for a few seconds (PIPELINE_MODEL_CACHE_SECONDS), so that a publication takes effect
without a redeployment and a burst of batches reads it once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Literal, Protocol, TypeAlias

from pydantic import AwareDatetime, Field

from shared.durable.record import StoredModel
from shared.durable.state import readable
from shared.errors import BlobNotFoundError, StateUnreadableError, VersionChangedError
from shared.language.values import ModelRef
from shared.models.acceptance import Acceptance
from shared.storage.ports import BlobStore

ACTIVE_MODEL = "models/active.json"
# A publication that dies while it holds submissions must not hold them for good.
HOLD_LIMIT = timedelta(minutes=15)
MAX_CONFLICTS = 5


@dataclass(frozen=True)
class Active:
    """Batches are submitted to this model; `expires` is when its deployment ends, where that is known. Without
    `acceptance` its classifications carry no decision."""

    model: ModelRef
    expires: date | None = None
    acceptance: Acceptance | None = None

    def has_expired(self, today: date) -> bool:
        return self.expires is not None and self.expires <= today


@dataclass(frozen=True)
class Held:
    """A publication holds submissions while it switches models, `until` then at most; `model` is still the old one."""

    model: ModelRef
    until: datetime


InUse: TypeAlias = Active | Held | None
"""None: no model was published through the app, and the settings name none."""


class ActiveModelRecord(StoredModel):
    """pipeline/models/active.json. `acceptance` is None where the project asks for no precision."""

    schema_version: Annotated[Literal[1], Field(alias="schema")] = 1
    model: ModelRef
    api_version: str
    published: AwareDatetime
    operation: str | None = None
    expires: date | None = None
    held_until: AwareDatetime | None = None
    acceptance: Acceptance | None = None

    def days_left(self, today: date) -> int | None:
        """Days until the deployment in use expires; None when it does not."""
        return None if self.expires is None else (self.expires - today).days


class FindsModel(Protocol):
    """Tells which model is in use; raises StateUnreadableError when its record cannot be read."""

    def find(self) -> InUse: ...


class HoldResult(StrEnum):
    """How a change of the hold ended."""

    CHANGED = "changed"
    LAPSED = "lapsed"
    NO_MODEL = "no_model"


class ActiveModelStore:
    """Reads and switches the active model. `from_settings` is used while none was published through the app."""

    def __init__(
        self,
        state: BlobStore,
        *,
        from_settings: ModelRef | None,
        cache: timedelta,
        clock: Callable[[], datetime],
    ) -> None:
        self._state, self.from_settings = state, from_settings
        self._cache, self._clock = cache, clock
        self._lock = threading.Lock()
        self._record: ActiveModelRecord | None = None
        self._read_at: datetime | None = None

    def find(self) -> InUse:
        """The model in use, and whether submissions to it are held. Raises StateUnreadableError."""
        record = self.find_record()
        if record is None:
            return Active(self.from_settings) if self.from_settings else None
        if record.held_until is not None and self._clock() < record.held_until:
            return Held(record.model, record.held_until)
        return Active(record.model, record.expires, record.acceptance)

    def find_label(self, project: str) -> str | None:
        """The label in use for a project, held or not; None when another project's model, or none, is in use.

        Raises StateUnreadableError: whoever compares with the model in use must not take it for none.
        """
        in_use = self.find()
        return in_use.model.label if in_use is not None and in_use.model.project == project else None

    def find_label_to_show(self, project: str) -> str | None:
        """As `find_label`, and None too when the record cannot be read: lists are worth having all the same."""
        try:
            return self.find_label(project)
        except StateUnreadableError:
            return None

    def hold(self) -> HoldResult:
        """Hold submissions until the next switch or release, HOLD_LIMIT at most. CHANGED or NO_MODEL."""
        return self._set_hold(self._clock() + HOLD_LIMIT)

    def renew_hold(self) -> HoldResult:
        """Hold submissions for another HOLD_LIMIT. LAPSED when the hold has ended, so that submissions went on."""
        now = self._clock()
        return self._set_hold(now + HOLD_LIMIT, only_if=lambda until: until is not None and until >= now)

    def release(self) -> None:
        """Let submissions go on with the model in use, if they are held."""
        self._set_hold(None, only_if=lambda until: until is not None)

    def _set_hold(
        self, until: datetime | None, *, only_if: Callable[[datetime | None], bool] = lambda _: True
    ) -> HoldResult:
        """Change the hold where `only_if` allows it; LAPSED where it does not.

        Under the record's ETag, so that a late step never brings back a model that was switched away from.
        """
        for _ in range(MAX_CONFLICTS):
            try:
                record, etag = self._read()
            except (BlobNotFoundError, StateUnreadableError):
                # Without a readable model nothing is submitted that would have to be held.
                return HoldResult.NO_MODEL
            if not only_if(record.held_until):
                return HoldResult.LAPSED
            changed = _to_json(record.model_copy(update={"held_until": until}))
            try:
                with readable(ACTIVE_MODEL):  # a lease lets it be read and not replaced
                    self._state.replace(ACTIVE_MODEL, changed, etag=etag)
            except VersionChangedError:
                continue
            self.forget()
            return HoldResult.CHANGED
        raise VersionChangedError(ACTIVE_MODEL)

    def find_record(self) -> ActiveModelRecord | None:
        """The stored record, kept for PIPELINE_MODEL_CACHE_SECONDS. That there is none is not cached.

        Raises StateUnreadableError, and never falls back to the settings then: another model may be in use.
        """
        with self._lock:
            now = self._clock()
            if self._record is None or self._read_at is None or now - self._read_at >= self._cache:
                try:
                    self._record, self._read_at = self._read()[0], now
                except BlobNotFoundError:
                    self._record = None
            return self._record

    def switch(self, record: ActiveModelRecord) -> None:
        """Make a published model the one in use; a hold ends with it."""
        data = _to_json(record)
        with readable(ACTIVE_MODEL):
            self._state.put(ACTIVE_MODEL, data)
        with self._lock:
            self._record, self._read_at = record, self._clock()

    def change_acceptance(self, project: str, find: Callable[[str], Acceptance | None]) -> None:
        """Store what `find` gives for the label in use, if that is a model of `project`, until it gives the same again.

        It is asked after the record was read, and once more after each write: so of two that change what it rests on,
        the later one's change stays. Raises StateUnreadableError, VersionChangedError.
        """
        for _ in range(MAX_CONFLICTS):
            try:
                record, etag = self._read()
            except BlobNotFoundError:
                return
            acceptance = find(record.model.label) if record.model.project == project else record.acceptance
            if acceptance == record.acceptance:
                return
            changed = _to_json(record.model_copy(update={"acceptance": acceptance}))
            with suppress(VersionChangedError), readable(ACTIVE_MODEL):
                self._state.replace(ACTIVE_MODEL, changed, etag=etag)
            self.forget()
        raise VersionChangedError(ACTIVE_MODEL)

    def remove(self, project: str) -> None:
        """Forget the active model if it belongs to `project`, which was deleted."""
        try:
            record = self.find_record()
        except StateUnreadableError:  # whose it is cannot be known; the next publication replaces it
            return
        if record is not None and record.model.project == project:
            self._state.delete(ACTIVE_MODEL)
            self.forget()

    def forget(self) -> None:
        """Read again at the next question."""
        with self._lock:
            self._record, self._read_at = None, None

    def _read(self) -> tuple[ActiveModelRecord, str]:
        """The record and its ETag. Raises BlobNotFoundError, StateUnreadableError."""
        with readable(ACTIVE_MODEL):
            blob = self._state.read(ACTIVE_MODEL)
            return ActiveModelRecord.model_validate_json(blob.data), blob.etag


def _to_json(record: ActiveModelRecord) -> bytes:
    return record.model_dump_json(by_alias=True, indent=1).encode()
