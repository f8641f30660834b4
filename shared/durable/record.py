"""What every durable record has: an id, a due time, a history, and the facts its listing shows. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

# A step's first deliveries fall due within this time, so that they need not be written down one by one.
STEP_ALLOWANCE = timedelta(minutes=10)
# How long past its due time a record counts as stalled: longer than the host's 10-minute lock on a message.
STALL_GRACE = timedelta(minutes=15)
# No message is delayed for longer than 7 days.
MAX_AHEAD = timedelta(days=8)
MAX_HISTORY = 50


class StoredModel(BaseModel):
    """Base of what is stored. Fields of a newer release are ignored, so that a roll-back reads what it finds."""

    model_config = ConfigDict(
        defer_build=True, frozen=True, extra="ignore", populate_by_name=True, protected_namespaces=()
    )


class Event(StoredModel):
    """One dated line of a record's history."""

    at: AwareDatetime
    what: str


class Deferral(StoredModel):
    """Why the next step waits: the error's code, since when steps have ended like that, and until when at least."""

    code: str
    since: AwareDatetime
    until: AwareDatetime


class Facts(BaseModel):
    """What a listing shows of a record: its blob's metadata, typed. None and False are left out of the metadata."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="ignore")

    created: AwareDatetime
    due: AwareDatetime
    deferred: str | None = None
    deferred_since: AwareDatetime | None = None
    deferred_until: AwareDatetime | None = None

    @classmethod
    def read(cls, metadata: Mapping[str, str]) -> Self | None:
        """The facts, or None when the metadata are not ours or were tampered with."""
        try:
            return cls.model_validate(dict(metadata))
        except ValidationError:
            return None

    def to_metadata(self) -> dict[str, str]:
        values: dict[str, Any] = self.model_dump(mode="json", exclude_none=True)
        return {name: str(value) for name, value in values.items() if value is not False}

    def is_stalled(self, now: datetime) -> bool:
        """Past its due time by more than the host's lock on a message that is still being worked on; or due so late
        that nothing of ours can have said so."""
        late = now - self.due
        return late > STALL_GRACE or late < -MAX_AHEAD


class Record(StoredModel):
    """`due` is when the next step should have happened at the latest; the sweep looks at nothing else.

    The others speak of steps that did not come to their end, and a step that does clears them: `deferred` by a
    RetryableError, `failing` with an unforeseen error (its class), `dead_letters` given up on by the host.
    """

    schema_version: Annotated[Literal[1], Field(alias="schema")] = 1
    id: str
    created: AwareDatetime
    due: AwareDatetime
    history: tuple[Event, ...] = ()
    deferred: Deferral | None = None
    failing: str | None = None
    dead_letters: int = 0

    @property
    def is_ended(self) -> bool:
        """True once nothing is left to do but to close the record."""
        return False

    @property
    def last_event(self) -> str:
        """The newest line of history; empty while there is none."""
        return self.history[-1].what if self.history else ""

    def facts(self) -> Facts:
        return Facts(created=self.created, due=self.due, **self.facts_of_deferral())

    def facts_of_deferral(self) -> dict[str, Any]:
        """What every kind of facts says of `deferred`."""
        if self.deferred is None:
            return {}
        deferred = self.deferred
        return {"deferred": deferred.code, "deferred_since": deferred.since, "deferred_until": deferred.until}

    def evolve(self, at: datetime, what: str, **changes: object) -> Self:
        """A step that came to its end: a copy with `changes`, a line of history and a new due time."""
        return self.cleared().note(at, what, **({"due": at + STEP_ALLOWANCE} | changes))

    def cleared(self) -> Self:
        """Without what steps left that did not come to their end; itself where there is nothing of the kind."""
        if self.deferred is None and self.failing is None and not self.dead_letters:
            return self
        return self.model_copy(update={"deferred": None, "failing": None, "dead_letters": 0})

    def note(self, at: datetime, what: str, **changes: object) -> Self:
        """A copy with `changes` and one more line of history, of which the newest MAX_HISTORY are kept."""
        history = (*self.history, Event(at=at, what=what))[-MAX_HISTORY:]
        return self.model_copy(update={**changes, "history": history})

    def to_json(self) -> bytes:
        return self.model_dump_json(by_alias=True).encode()
