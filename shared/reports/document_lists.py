"""Documents by the beginning of their name, each with its state; failure records by reason. Some calls each."""

from __future__ import annotations

import base64
import binascii
import heapq
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.documents.listings import precedes
from shared.documents.record_schema import RecordFacts, is_record_of
from shared.documents.records import Records
from shared.documents.ref import KEPT_OF_LONG_NAMES, RECORD_SUFFIX, is_document_name, record_name
from shared.errors import BadRequestError, InputProblem
from shared.reports.bodies import LISTED, Body
from shared.storage.ports import BlobInfo, BlobStore

DOCUMENTS_LISTED = 50
FAILURES_LISTED = 100
# Pages of one listing of records that are read for a page of documents: records of deleted documents may fill them.
_RECORD_PAGES = 4
_RECORDS_A_PAGE = 1_000
# Pages of 5,000 failure records that are counted.
_FAILURE_PAGES = 4
_CUT_NAME = re.compile(r"~[0-9a-f]{32}\.json$")


class DocumentLine(Body):
    """One line of GET /api/documents. `state`: waiting, classified, failed, ignored, or unknown, where the listings of
    records did not come so far. `model`, `code` and `decision` are those of this version's record."""

    name: str
    state: str
    size: int
    last_modified: datetime
    model: str | None = None
    code: str | None = None
    decision: str | None = None


class DocumentList(Body):
    """GET /api/documents, by name. `token` asks for the next ones, null when there are none."""

    documents: list[DocumentLine]
    token: str | None


class FailureLine(Body):
    """A failure record by its blob's name. `name` is the document's, null where it was too long for the record's."""

    name: str | None
    record: str
    code: str | None
    batch: str | None
    model: str | None
    failed: datetime


class FailureList(Body):
    """GET /api/failures: the newest with that reason, and how many there are `by_reason`, whatever was asked for.

    `listed_all` is false when there are more failure records than were counted.
    """

    failures: list[FailureLine]
    by_reason: dict[str, int]
    listed_all: bool


# Storage's own, which is not shown what XML cannot hold (see NamePrefix) by whoever makes a token up.
_Marker = Annotated[str, Field(max_length=10_000, pattern=r"^[^\x00-\x1f\ufffe\uffff]*$")]


class _Place(BaseModel):
    """Where the three listings go on: what is in a token."""

    model_config = ConfigDict(defer_build=True, extra="forbid")

    documents: _Marker
    classifications: _Marker | None
    failures: _Marker | None

    def to_token(self) -> str:
        return base64.urlsafe_b64encode(self.model_dump_json().encode()).decode().rstrip("=")

    @classmethod
    def read(cls, token: str) -> _Place:
        """Raises BadRequestError on what no listing has given."""
        try:
            return cls.model_validate_json(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        except (ValidationError, ValueError, binascii.Error) as error:
            raise BadRequestError([InputProblem("token", "take it from the list that came before")]) from error


@dataclass
class _Facts:
    """A listing of records, as far as a page of documents needs it; `token` is where the next one begins."""

    token: str | None
    is_read: bool = True
    last: str = ""
    metadata: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class DocumentLists:
    """Reads listings, and no record and no document."""

    records: Records

    def documents(self, prefix: str, *, limit: int = DOCUMENTS_LISTED, token: str | None = None) -> DocumentList:
        """One call for the documents, and four at most for each kind of record.

        Raises BadRequestError and PlaceLostError on a token of no listing, or of one that is gone.
        """
        place = _Place.read(token) if token else None
        page = self.records.documents.list_page(
            prefix, token=place.documents if place else None, metadata=False, limit=limit
        )
        wanted = [record_name(info.name) for info in page.infos]
        ends = page.infos[-1].name if page.infos else ""
        classifications = _facts(
            self.records.classifications, prefix, wanted, ends=ends, token=place.classifications if place else None
        )
        failures = _facts(self.records.failures, prefix, wanted, ends=ends, token=place.failures if place else None)
        return DocumentList(
            documents=[_line(info, classifications, failures) for info in page.infos],
            token=_Place(
                documents=page.token, classifications=classifications.token, failures=failures.token
            ).to_token()
            if page.token
            else None,
        )

    def failures(self, *, reason: str | None = None, prefix: str = "", limit: int = FAILURES_LISTED) -> FailureList:
        """The newest of up to 20,000 failure records, in up to four calls."""
        infos, token = [], None
        for _ in range(_FAILURE_PAGES):
            page = self.records.failures.list_page(prefix, token=token, limit=LISTED)
            infos += page.infos
            token = page.token
            if token is None:
                break
        facts = {info.name: RecordFacts.read(info.metadata) for info in infos}
        asked = [info for info in infos if reason is None or facts[info.name].code == reason]
        newest = heapq.nlargest(limit, asked, key=lambda info: (info.last_modified, info.name))
        return FailureList(
            failures=[_failure(info, facts[info.name]) for info in newest],
            by_reason=dict(Counter(each.code or "unknown" for each in facts.values()).most_common()),
            listed_all=token is None,
        )


def _facts(store: BlobStore, prefix: str, wanted: list[str], *, ends: str, token: str | None) -> _Facts:
    """The metadata of the records that are `wanted`; `ends` is the last document's name."""
    facts = _Facts(token)
    if not wanted:
        return facts
    last, names = wanted[0], set(wanted)
    for name in wanted:
        last = name if precedes(last, other=name) else last
    # Record names of all documents to come sort after this.
    to_come = ends[:KEPT_OF_LONG_NAMES]
    for _ in range(_RECORD_PAGES):
        page = store.list_page(prefix[:KEPT_OF_LONG_NAMES], token=token, limit=_RECORDS_A_PAGE)
        facts.metadata |= {info.name: dict(info.metadata) for info in page.infos if info.name in names}
        facts.last = page.infos[-1].name if page.infos else facts.last
        if page.token is None:
            return facts
        if page.infos and precedes(facts.last, other=to_come):
            facts.token = page.token
        if not precedes(facts.last, other=last):
            return facts
        token = page.token
    facts.is_read = False
    return facts


def _line(info: BlobInfo, classifications: _Facts, failures: _Facts) -> DocumentLine:
    name = record_name(info.name)
    found = DocumentLine(name=info.name, state="waiting", size=info.size, last_modified=info.last_modified)
    if not is_document_name(info.name):
        return found.model_copy(update={"state": "ignored"})
    for facts, state in ((classifications, "classified"), (failures, "failed")):
        metadata = facts.metadata.get(name, {})
        if is_record_of(metadata, info.etag):
            read = RecordFacts.read(metadata)
            return found.model_copy(
                update={"state": state, "model": read.model, "code": read.code, "decision": read.decision}
            )
    if any(not facts.is_read and precedes(facts.last, other=name) for facts in (classifications, failures)):
        return found.model_copy(update={"state": "unknown"})
    return found


def _failure(info: BlobInfo, facts: RecordFacts) -> FailureLine:
    return FailureLine(
        name=None if _CUT_NAME.search(info.name) else info.name.removesuffix(RECORD_SUFFIX),
        record=info.name,
        code=facts.code,
        batch=facts.batch,
        model=facts.model,
        failed=info.last_modified,
    )
