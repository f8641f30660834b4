"""reconcile (timer): a document older than the grace period, with no record for its ETag and in no open manifest, is
sent again. The net under lost events: blob triggers are best effort.

It must not pile repeats on a backlog. What may still wait in the documents queue is recognised by the age of the
queue's oldest message: documents younger than that are left alone, and nothing is sent while what an earlier pass sent
is still waiting.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.documents.listings import match_records
from shared.documents.ref import is_document_name
from shared.messages import Source
from shared.pipeline.accept import accept_document, document_of
from shared.pipeline.context import Pipeline
from shared.pipeline.manifests import find_manifest, list_open, manifest_id_of
from shared.storage.ports import BlobInfo, BlobNotFoundError

log = logging.getLogger("pigeonhole.reconcile")

TOTALS = "status/totals.json"


class Totals(BaseModel):
    """pipeline/status/totals.json: what the last full pass counted; `missing` have no record for their ETag yet."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    schema_version: Annotated[Literal[1], Field(alias="schema")] = 1
    as_of: AwareDatetime
    documents: int
    classified: int
    failed: int
    missing: int
    sent: int
    last_sent: AwareDatetime | None = None


class _Count:
    def __init__(self) -> None:
        self.documents = self.classified = self.failed = self.missing = 0


def reconcile_documents(pipeline: Pipeline) -> Totals:
    """One full pass: three listings, one call per 5,000 blobs each, and one message for each document found missing."""
    now = pipeline.clock()
    previous = find_totals(pipeline)
    last_sent = previous.last_sent if previous else None
    horizon = _horizon(pipeline, now, last_sent)
    count = _Count()
    open_versions: set[tuple[str, str]] | None = None
    sent = 0
    for info in _missing(pipeline, count):
        if horizon is None or info.last_modified > horizon:
            continue
        if open_versions is None:  # read only when something is missing at all
            open_versions = _open_versions(pipeline)
        if (info.name, info.etag) not in open_versions:
            container = pipeline.settings.documents_container
            accept_document(pipeline, container, document_of(info), source=Source.RECONCILE)
            sent += 1
    totals = Totals(
        as_of=now,
        documents=count.documents,
        classified=count.classified,
        failed=count.failed,
        missing=count.missing,
        sent=sent,
        last_sent=pipeline.clock() if sent else last_sent,
    )
    pipeline.state.put(TOTALS, totals.model_dump_json(by_alias=True).encode())
    log.info("reconciled documents=%d missing=%d sent=%d", totals.documents, totals.missing, sent)
    return totals


def find_totals(pipeline: Pipeline) -> Totals | None:
    try:
        return Totals.model_validate_json(pipeline.state.read(TOTALS).data)
    except BlobNotFoundError:
        return None


def _horizon(pipeline: Pipeline, now: datetime, last_sent: datetime | None) -> datetime | None:
    """Documents modified after this are left alone; None when nothing is to be sent at all."""
    horizon = now - pipeline.settings.grace
    oldest = min((each.inserted_on for each in pipeline.documents_queue.peek(1)), default=None)
    if oldest is None:
        return horizon
    if last_sent is not None and oldest <= last_sent:
        return None
    return min(horizon, oldest - pipeline.settings.grace)


def _missing(pipeline: Pipeline, count: _Count) -> Iterator[BlobInfo]:
    documents = (info for info in pipeline.documents.list() if is_document_name(info.name))
    classifications = pipeline.classifications.list(metadata=True)
    failures = pipeline.failures.list(metadata=True)
    for document, (classification, failure) in match_records(documents, classifications, failures):
        count.documents += 1
        if _is_record_of(classification, document):
            count.classified += 1
        elif _is_record_of(failure, document):
            count.failed += 1
        else:
            count.missing += 1
            yield document


def _is_record_of(record: BlobInfo | None, document: BlobInfo) -> bool:
    return record is not None and record.metadata.get("etag") == document.etag


def _open_versions(pipeline: Pipeline) -> set[tuple[str, str]]:
    opened = pipeline.fan_out(lambda info: find_manifest(pipeline, manifest_id_of(info)), list_open(pipeline))
    return {
        (planned.document.name, planned.document.etag)
        for each in opened
        if each is not None
        for _, planned in each.manifest.open_documents
    }
