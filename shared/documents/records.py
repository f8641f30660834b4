"""The terminal records, classifications/<name>.json and failures/<name>.json. One Put Blob each; newest version wins.

A writer knows the record that was there at planning and replaces exactly that one. On conflict it reads what is there
and compares the versions (which_stays.py); in equal seconds the source blob says which ETag is current. After the
write it looks into the other container and removes the loser: an older version loses to a newer one, and at the same
version a classification wins over a failure. Both sides look after they wrote, so one of them always sees: a failure
by one call, a classification at what its process knows of failure records (failure_names.py). What a process cannot
know yet, reconcile removes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from pydantic import ValidationError

from shared.concurrency import FanOut, each_apart
from shared.documents.failure_names import FailureNames
from shared.documents.record_schema import ClassificationRecord, FailureRecord, RecordFacts, RecordReview
from shared.documents.ref import DocumentRef, FailureCode, record_name
from shared.documents.which_stays import Age, age_of, replaces_same_version
from shared.errors import BlobNotFoundError, BlobUnreadableError, VersionChangedError
from shared.storage.ports import BlobInfo, BlobStore

log = logging.getLogger("pigeonhole.records")

R = TypeVar("R", ClassificationRecord, FailureRecord)

MAX_CONFLICTS = 5


@dataclass(frozen=True)
class Records:
    """Both containers of terminal records, and the documents they are about."""

    classifications: BlobStore
    failures: BlobStore
    documents: BlobStore
    fan_out: FanOut
    clock: Callable[[], datetime]
    failure_names: FailureNames = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "failure_names", FailureNames(self.failures, self.clock))

    def find_classification(self, name: str) -> tuple[RecordFacts, str] | None:
        """The facts of a document's classification, and the record's own ETag. One HEAD."""
        info = self.classifications.find(record_name(name))
        return (RecordFacts.read(info.metadata), info.etag) if info else None

    def read_classification(self, name: str) -> ClassificationRecord | None:
        """None too for a record that cannot be read: whoever damaged it, the document and its other record remain."""
        return _read(self.classifications, name, ClassificationRecord)

    def read_failure(self, name: str) -> FailureRecord | None:
        """None too for a record that cannot be read."""
        return _read(self.failures, name, FailureRecord)

    def write_classifications(
        self,
        records: Mapping[int, ClassificationRecord],
        found: Mapping[int, str | None],
        *,
        redriven: Collection[int] = (),
    ) -> dict[int, Exception]:
        """Write a batch's classifications and remove the failure records they replace.

        `found` holds the ETag of the record each document had at planning. A record of a newer version stays.
        Documents that were `redriven` are likely to have failed, a moment ago and in another process perhaps.
        Returns what the writing of a record raised, by index: the others are written.
        """

        def write(record_of: tuple[int, ClassificationRecord]) -> tuple[int, DocumentRef] | None:
            index, record = record_of
            data, facts = record.to_json(), record.facts()
            try:
                self._write(self.classifications, record.document, data, facts, found_etag=found.get(index))
            except BlobUnreadableError as error:
                # Of this one document only: its neighbours' records are written.
                note = f"it was classified, and its record cannot be replaced: {error}"
                self.write_failure(
                    record.document, FailureCode.UNREADABLE, note, batch=record.batch.id, model=record.model.label
                )
                return None
            return index, record.document

        outcomes, raised = each_apart(self.fan_out, write, records.items())
        written = dict(each for each in outcomes if each is not None)
        if written:
            again = [document for index, document in written.items() if index in redriven]
            self._clear_failures(written.values(), looked_for=again)
        return {index: error for (index, _), error in raised}

    def write_failure(
        self,
        document: DocumentRef,
        code: FailureCode,
        message: str,
        *,
        batch: str | None = None,
        model: str | None = None,
    ) -> bool:
        """Write a failure record. False when a newer version's record or this version's classification stays."""
        record = FailureRecord(
            document=document, code=code, message=message, failed=self.clock(), batch=batch, model=model
        )
        self.failure_names.written(record_name(document.name))
        try:
            written = self._write(self.failures, document, record.to_json(), record.facts(), found_etag=None)
        except BlobUnreadableError as error:
            log.error("record_not_written name=%s etag=%s: %s", document.name, document.etag, error)
            return False
        log.warning("document_failed name=%s etag=%s code=%s batch=%s", document.name, document.etag, code, batch)
        return written and self._failure_stays(document)

    def clear_outdone(self, document: DocumentRef, failure: BlobInfo) -> bool:
        """Remove a document's failure record that this version's classification outlives; False for a newer one's."""
        return self._is_older_or_same(failure, document) and self.failures.delete(failure.name, etag=failure.etag)

    def write_review(self, document: DocumentRef, review: RecordReview) -> None:
        """Note in the classification of this version what a person decided.

        A record of another version stays as it is, and so does a later decision.
        """
        self._change_review(document, lambda found: found if found is not None and found.at > review.at else review)

    def remove_review(self, document: DocumentRef, review: RecordReview) -> None:
        """Take that decision out of the classification again; one that says something else stays."""
        self._change_review(document, lambda found: None if found == review else found)

    def _change_review(
        self, document: DocumentRef, change: Callable[[RecordReview | None], RecordReview | None]
    ) -> None:
        name = record_name(document.name)
        for _ in range(MAX_CONFLICTS):
            try:
                blob = self.classifications.read(name)
                record = ClassificationRecord.model_validate_json(blob.data)
            except (BlobNotFoundError, BlobUnreadableError, ValidationError):
                return
            if record.document.etag != document.etag or change(record.review) == record.review:
                return
            record = record.model_copy(update={"review": change(record.review)})
            try:
                metadata = record.facts().to_metadata()
                self.classifications.replace(name, record.to_json(), etag=blob.etag, metadata=metadata)
            except BlobUnreadableError as error:
                log.warning("record_unreadable name=%s: %s", name, error)
                return
            except VersionChangedError:
                continue
            return
        raise VersionChangedError(name)

    def _clear_failures(self, documents: Iterable[DocumentRef], *, looked_for: Iterable[DocumentRef]) -> None:
        """Remove the failure records that these classifications replace. One call for each that may have one, as this
        process knows it, and for each of those to be `looked_for` in any case."""
        names = {record_name(document.name): document for document in documents}
        suspects = {*self.failure_names.which_may_exist(names), *(record_name(each.name) for each in looked_for)}
        for name in suspects & names.keys():
            document, info = names[name], self.failures.find(name)
            if info is not None and not self.clear_outdone(document, info):
                _delete_if_about(self.classifications, name, document)

    def _failure_stays(self, document: DocumentRef) -> bool:
        name = record_name(document.name)
        info = self.classifications.find(name)
        if info is None:
            return True
        facts = RecordFacts.read(info.metadata)
        if not facts.is_about(document.etag) and self._is_older_or_same(info, document):
            self.classifications.delete(name, etag=info.etag)
            return True
        _delete_if_about(self.failures, name, document)
        return False

    def _write(
        self, store: BlobStore, document: DocumentRef, data: bytes, facts: RecordFacts, *, found_etag: str | None
    ) -> bool:
        name, metadata = record_name(document.name), facts.to_metadata()
        for _ in range(MAX_CONFLICTS):
            try:
                if found_etag is None:
                    store.create(name, data, metadata=metadata)
                else:
                    store.replace(name, data, etag=found_etag, metadata=metadata)
                return True
            except VersionChangedError:
                info = store.find(name)
            except BlobUnreadableError as error:
                # The record is in the archive tier, say: it cannot be replaced, but it can go.
                log.warning("record_unreadable name=%s: %s", name, error)
                if not store.delete(name):
                    raise
                info = None
            if info is None:
                found_etag = None
                continue
            found = RecordFacts.read(info.metadata)
            if found.is_about(document.etag):
                if not replaces_same_version(facts, found):
                    return True
            elif not self._is_older_or_same(info, document):
                return False
            found_etag = info.etag
        raise VersionChangedError(name)

    def _is_older_or_same(self, info: BlobInfo, document: DocumentRef) -> bool:
        age = age_of(RecordFacts.read(info.metadata), document)
        if age is not Age.SAME_SECOND:
            return age is not Age.NEWER
        source = self.documents.find(document.name)
        return source is not None and source.etag == document.etag


def _read(store: BlobStore, name: str, model: type[R]) -> R | None:
    try:
        return model.model_validate_json(store.read(record_name(name)).data)
    except BlobNotFoundError:
        return None
    except (BlobUnreadableError, ValidationError) as error:
        # Not what is wrong with it: the record may hold anything.
        what = error if isinstance(error, BlobUnreadableError) else f"{error.error_count()} problems in its JSON"
        log.warning("record_unreadable name=%s: %s", record_name(name), what)
        return None


def _delete_if_about(store: BlobStore, name: str, document: DocumentRef) -> None:
    info = store.find(name)
    if info and RecordFacts.read(info.metadata).is_about(document.etag):
        store.delete(name, etag=info.etag)
