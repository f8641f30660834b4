"""The terminal records, classifications/<name>.json and failures/<name>.json. One Put Blob each; newest version wins.

A writer knows the record it found at planning and replaces exactly that one. On conflict it reads what is there and
compares the source's last-modified time and ETag; in equal seconds it asks the source blob which ETag is current.
After the write it looks at the other container and removes the loser: an older version loses to a newer one, and at
the same version a classification wins over a failure. Both sides look after they wrote, so one of them always sees.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from pydantic import TypeAdapter

from shared.documents.ref import DocumentRef, FailureCode, record_name
from shared.pipeline.context import Pipeline
from shared.pipeline.record_schema import ClassificationRecord, FailureRecord
from shared.storage.ports import BlobInfo, BlobStore, VersionChangedError

log = logging.getLogger("pigeonhole.records")

MAX_CONFLICTS = 5
_TIME: TypeAdapter[datetime] = TypeAdapter(datetime)


def write_classification(pipeline: Pipeline, record: ClassificationRecord, *, found_etag: str | None) -> bool:
    """Write a classification. False when a newer version's record is there and stays.

    Call `clear_failures` for the job's documents afterwards.
    """
    metadata = _metadata(record.document) | {"job": record.job.id, "planned": record.timings.planned.isoformat()}
    metadata |= {"model": quote(record.model.label)}
    return _write(pipeline, pipeline.classifications, record.document, record.to_json(), metadata, found_etag)


def write_failure(
    pipeline: Pipeline,
    document: DocumentRef,
    code: FailureCode,
    message: str,
    *,
    job: str | None = None,
    model: str | None = None,
) -> bool:
    """Write a failure record. False when a newer version's record or this version's classification stays."""
    record = FailureRecord(document=document, code=code, message=message, failed=pipeline.clock(), job=job, model=model)
    metadata = _metadata(document) | {"job": job or "", "code": code.value, "model": quote(model or "")}
    written = _write(pipeline, pipeline.failures, document, record.to_json(), metadata, None)
    log.warning("document_failed name=%s etag=%s code=%s job=%s", document.name, document.etag, code, job)
    return written and _settle_failure(pipeline, document)


def clear_failures(pipeline: Pipeline, documents: Sequence[DocumentRef]) -> None:
    """Remove failure records that the documents' classifications outdo; one listing for the whole job.

    When the listing ends before a document's name (more than 5,000 failures under the common prefix), that one is
    looked up by name.
    """
    names = {record_name(document.name): document for document in documents}
    if not names:
        return
    listed, last = _first_page(pipeline.failures, _common_prefix(list(names)))
    for name, document in names.items():
        info = listed.get(name) or (pipeline.failures.find(name) if last is not None and name > last else None)
        if info is None:
            continue
        if _is_older_or_same(pipeline, info, document):
            pipeline.failures.delete(name, etag=info.etag)
        else:
            _delete_if_version(pipeline.classifications, name, document)


def _first_page(store: BlobStore, prefix: str) -> tuple[dict[str, BlobInfo], str | None]:
    """Up to 5,000 blobs; the last name is given only when there are more."""
    page: dict[str, BlobInfo] = {}
    for info in store.list(prefix, metadata=True):
        page[info.name] = info
        if len(page) == 5_000:
            return page, info.name
    return page, None


def _common_prefix(names: list[str]) -> str:
    first, last = min(names), max(names)
    length = next((index for index, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), None)
    return first if length is None else first[:length]


def _settle_failure(pipeline: Pipeline, document: DocumentRef) -> bool:
    name = record_name(document.name)
    info = pipeline.classifications.find(name)
    if info is None:
        return True
    if info.metadata.get("etag") != document.etag and _is_older_or_same(pipeline, info, document):
        pipeline.classifications.delete(name, etag=info.etag)
        return True
    _delete_if_version(pipeline.failures, name, document)
    return False


def _delete_if_version(store: BlobStore, name: str, document: DocumentRef) -> None:
    info = store.find(name)
    if info and info.metadata.get("etag") == document.etag:
        store.delete(name, etag=info.etag)


def _write(
    pipeline: Pipeline,
    store: BlobStore,
    document: DocumentRef,
    data: bytes,
    metadata: Mapping[str, str],
    found_etag: str | None,
) -> bool:
    name = record_name(document.name)
    for _ in range(MAX_CONFLICTS):
        try:
            if found_etag is None:
                store.create(name, data, metadata=metadata)
            else:
                store.replace(name, data, etag=found_etag, metadata=metadata)
            return True
        except VersionChangedError:
            info = store.find(name)
        if info and not _gives_way(pipeline, info, document, metadata):
            return info.metadata.get("etag") == document.etag
        found_etag = info.etag if info else None
    raise VersionChangedError(name)


def _gives_way(pipeline: Pipeline, info: BlobInfo, document: DocumentRef, metadata: Mapping[str, str]) -> bool:
    """May the record found give way to ours?"""
    if info.metadata.get("etag") == document.etag:
        # The same version twice: a second pass of one job changes nothing; of two jobs the later planned one stays.
        same_job = info.metadata.get("job") == metadata.get("job")
        return not same_job and info.metadata.get("planned", "") <= metadata.get("planned", "")
    return _is_older_or_same(pipeline, info, document)


def _is_older_or_same(pipeline: Pipeline, info: BlobInfo, document: DocumentRef) -> bool:
    """Is the record's version not newer than `document`? Blob times have whole seconds: the source settles ties."""
    if info.metadata.get("etag") == document.etag:
        return True
    theirs = _modified(info.metadata)
    if theirs is None or theirs != document.last_modified:
        return theirs is None or theirs < document.last_modified
    source = pipeline.documents.find(document.name)
    return source is not None and source.etag == document.etag


def _modified(metadata: Mapping[str, str]) -> datetime | None:
    value: Any = metadata.get("modified")
    return _TIME.validate_python(value) if value else None


def _metadata(document: DocumentRef) -> dict[str, str]:
    return {"etag": document.etag, "modified": document.last_modified.isoformat(), "size": str(document.size)}
