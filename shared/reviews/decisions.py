"""Where decisions are kept, what retrainings and reports read of them, and the log that is listed newest first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from shared.durable.state import readable
from shared.errors import BlobNotFoundError
from shared.models.acceptance import Right
from shared.reviews.decision import (
    DECIDED,
    ListedDecision,
    LogLine,
    ReviewDecision,
    Withdrawal,
    decided_name,
    log_name,
    log_prefix,
)
from shared.reviews.item import Reason
from shared.storage.conditional import replace_own
from shared.storage.ports import BlobStore

# Pages of the log that are read to count audits: 10,000 decisions.
AUDIT_PAGES = 2


@dataclass(frozen=True)
class StoredDecision:
    """A decision and the ETag it was read or written at."""

    decision: ReviewDecision
    etag: str


@dataclass(frozen=True)
class AuditedDecisions:
    """Of the audits that were decided since `since`, how many the model had right; of the newest 10,000 decisions
    where `listed_all` is False."""

    right: int
    of: int
    since: datetime
    listed_all: bool


class DecisionStore:
    """Decisions by the version they are about, in the app's state container."""

    def __init__(self, state: BlobStore) -> None:
        self._state = state

    def create(self, decision: ReviewDecision) -> StoredDecision:
        """The one write that decides. Raises VersionChangedError where this version is decided already."""
        name = decided_name(decision.key)
        with readable(name):
            return StoredDecision(
                decision, self._state.create(name, decision.to_json(), metadata=decision.to_metadata())
            )

    def find(self, key: str) -> StoredDecision | None:
        """Raises StateUnreadableError."""
        name = decided_name(key)
        with readable(name):
            try:
                blob = self._state.read(name)
            except BlobNotFoundError:
                return None
            return StoredDecision(ReviewDecision.model_validate_json(blob.data), blob.etag)

    def is_still(self, stored: StoredDecision) -> bool:
        """Whether it is still as it was read: neither withdrawn nor replaced. One HEAD."""
        info = self._state.find(decided_name(stored.decision.key))
        return info is not None and info.etag == stored.etag

    def withdraw(self, stored: StoredDecision, *, by: str, at: datetime) -> StoredDecision:
        """From here on it is no label. Raises VersionChangedError where another changed it."""
        withdrawn = stored.decision.model_copy(update={"withdrawn": Withdrawal(by=by, at=at)})
        name = decided_name(withdrawn.key)
        with readable(name):
            etag = replace_own(
                self._state, name, withdrawn.to_json(), etag=stored.etag, metadata=withdrawn.to_metadata()
            )
        return StoredDecision(withdrawn, etag)

    def delete(self, stored: StoredDecision) -> bool:
        return self._state.delete(decided_name(stored.decision.key), etag=stored.etag)

    def list_all(self) -> Iterator[ListedDecision]:
        """Every decision of every project, 5,000 a call; what is not ours is left out."""
        for info in self._state.list(DECIDED, metadata=True):
            listed = ListedDecision.read(info.name, info.metadata)
            if listed is not None:
                yield listed

    def log(self, decision: ReviewDecision) -> None:
        """Note it in the log. Repeating it writes the same line."""
        self._state.put(log_name(decision), b"", metadata=LogLine.of(decision).to_metadata())

    def unlog(self, decision: ReviewDecision) -> None:
        self._state.delete(log_name(decision))

    def newest(self, project: str, *, count: int) -> list[LogLine]:
        """The newest decisions of a project, newest first: one call. Skipping decides nothing."""
        page = self._state.list_page(log_prefix(project), limit=count)
        return [line for info in page.infos if (line := LogLine.read(info.metadata)) is not None]

    def audited(self, project: str, *, model: str, since: datetime, rule: Right) -> AuditedDecisions:
        """How often a model was right where its sure results were shown to people: two calls at most.

        `model` is its label, and `since` when it was published: those are what the listing stops at.
        """
        right = of = 0
        token: str | None = None
        for _ in range(AUDIT_PAGES):
            page = self._state.list_page(log_prefix(project), token=token)
            for info in page.infos:
                line = LogLine.read(info.metadata)
                if line is None:
                    continue
                if line.at < since:
                    return AuditedDecisions(right, of, since, listed_all=True)
                if line.reason is Reason.AUDIT and line.model == model:
                    right, of = right + line.is_right(rule), of + 1
            token = page.token
            if token is None:
                return AuditedDecisions(right, of, since, listed_all=True)
        return AuditedDecisions(right, of, since, listed_all=False)
