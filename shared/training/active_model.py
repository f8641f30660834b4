"""The model new jobs are submitted to: pipeline/models/active.json, else the app settings.

Every process keeps what it read for a few seconds (PIPELINE_MODEL_CACHE_SECONDS), so that a publication takes effect
without a redeploy and a burst of jobs reads it once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.config import Settings
from shared.language.models import ModelRef
from shared.storage.ports import BlobNotFoundError, BlobStore, VersionChangedError

ACTIVE_MODEL = "models/active.json"
# A publication that dies while it holds submissions must not hold them for good.
HOLD_LIMIT = timedelta(minutes=15)
EXPIRY_WARNING_DAYS = 30
MAX_CONFLICTS = 5
_SHOWN = {"published", "operation", "expires", "held_until"}


class ActiveModelRecord(BaseModel):
    """pipeline/models/active.json"""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True, protected_namespaces=())

    schema_version: Annotated[Literal[1], Field(alias="schema")] = 1
    model: ModelRef
    api_version: str
    published: AwareDatetime
    operation: str | None = None
    expires: date | None = None
    held_until: AwareDatetime | None = None


class StoredActiveModel:
    """Reads the active model; implements the pipeline's ActiveModel."""

    def __init__(self, state: BlobStore, settings: Settings, clock: Callable[[], datetime]) -> None:
        self._state, self._settings, self._clock = state, settings, clock
        self._lock = threading.Lock()
        self._record: ActiveModelRecord | None = None
        self._read_at: datetime | None = None

    def find(self) -> ModelRef | None:
        """The model to submit to; None while none is published, or while a publication holds submissions."""
        record = self.find_record()
        if record is None:
            return _from_settings(self._settings)
        is_held = record.held_until is not None and self._clock() < record.held_until
        return None if is_held else record.model

    def find_label(self, project: str) -> str | None:
        """The label in use for a project, held or not; None when another project's model, or none, is in use."""
        record = self.find_record()
        model = record.model if record else _from_settings(self._settings)
        return model.label if model is not None and model.project == project else None

    def describe(self) -> dict[str, Any] | None:
        """The model in use as status shows it, with a warning 30 days before its deployment expires."""
        record = self.find_record()
        if record is None:
            model = _from_settings(self._settings)
            return model.model_dump(mode="json") if model else None
        shown = record.model.model_dump(mode="json") | record.model_dump(mode="json", include=_SHOWN)
        left = self.days_left()
        if left is not None and left <= EXPIRY_WARNING_DAYS:
            shown["warning"] = f"its deployment expires in {left} days; retrain and publish before {record.expires}"
        return shown

    def days_left(self) -> int | None:
        """Days until the deployment in use expires; None when it does not, or nothing was published here."""
        record = self.find_record()
        if record is None or record.expires is None:
            return None
        return (record.expires - self._clock().date()).days

    def hold(self, now: datetime) -> bool:
        """Hold submissions until the next switch or release, HOLD_LIMIT at most; False when no model is in use."""
        return self._set_hold(now + HOLD_LIMIT, lambda _: True) is not None

    def renew_hold(self, now: datetime) -> bool:
        """Hold on for another HOLD_LIMIT; False when a hold has lapsed meanwhile. True also when no model is in use."""
        return self._set_hold(now + HOLD_LIMIT, lambda until: until is not None and until >= now) is not False

    def release(self) -> None:
        """Let submissions go on with the model in use, if they are held."""
        self._set_hold(None, lambda until: until is not None)

    def _set_hold(self, until: datetime | None, applies: Callable[[datetime | None], bool]) -> bool | None:
        """Change the hold if the present one `applies`; whether it did, or None when no model is in use.

        Under the record's ETag, so that a late step never brings back a model that was switched away from.
        """
        for _ in range(MAX_CONFLICTS):
            try:
                blob = self._state.read(ACTIVE_MODEL)
                record = ActiveModelRecord.model_validate_json(blob.data)
                if not applies(record.held_until):
                    return False
                changed = record.model_copy(update={"held_until": until})
                self._state.replace(ACTIVE_MODEL, _data(changed), etag=blob.etag)
            except BlobNotFoundError:
                return None
            except VersionChangedError:
                continue
            self.forget()
            return True
        raise VersionChangedError(ACTIVE_MODEL)

    def find_record(self) -> ActiveModelRecord | None:
        """The stored record, at most PIPELINE_MODEL_CACHE_SECONDS old. That none is stored is not kept."""
        keep = timedelta(seconds=self._settings.pipeline_model_cache_seconds)
        with self._lock:
            now = self._clock()
            if self._record is None or self._read_at is None or now - self._read_at >= keep:
                self._record, self._read_at = self._read(), now
            return self._record

    def switch(self, record: ActiveModelRecord) -> None:
        """Make a published model the one in use."""
        self._state.put(ACTIVE_MODEL, _data(record))
        with self._lock:
            self._record, self._read_at = record, self._clock()

    def forget(self) -> None:
        """Look again at the next question."""
        with self._lock:
            self._record, self._read_at = None, None

    def _read(self) -> ActiveModelRecord | None:
        try:
            return ActiveModelRecord.model_validate_json(self._state.read(ACTIVE_MODEL).data)
        except BlobNotFoundError:
            return None


def _data(record: ActiveModelRecord) -> bytes:
    return record.model_dump_json(by_alias=True, indent=1).encode()


def _from_settings(settings: Settings) -> ModelRef | None:
    if settings.language_model is None or settings.language_project_kind is None:
        return None
    return ModelRef(
        project=settings.language_project,
        kind=settings.language_project_kind,
        reference=settings.language_model,
        label=settings.language_model,
    )
