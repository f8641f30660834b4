"""Where everything is: counts, queue depths, the oldest waiting document, recent failures; one document; one job."""

from __future__ import annotations

import heapq
import json
import re
from datetime import datetime
from itertools import islice
from typing import Any

from shared.documents.ref import DocumentRef, is_document_name, record_name
from shared.messages import Source
from shared.pipeline.accept import accept_document, find_document
from shared.pipeline.context import Pipeline
from shared.pipeline.manifests import find_job, find_manifest, list_closed, list_open, manifest_id_of
from shared.pipeline.reconcile import find_totals
from shared.storage.ports import BlobInfo, BlobNotFoundError

# Listings for a page that people look at are bounded; one call each.
LISTED = 5_000
RECENT = 20


def pipeline_status(pipeline: Pipeline) -> dict[str, Any]:
    """A snapshot: live queues and open jobs; totals as the last reconcile counted them."""
    jobs = list(islice(list_open(pipeline), LISTED))
    totals = find_totals(pipeline)
    oldest = oldest_waiting(pipeline, jobs)
    return {
        "as_of": pipeline.clock().isoformat(),
        "documents": json.loads(totals.model_dump_json(exclude={"schema_version"})) if totals else None,
        "jobs": _job_counts(jobs),
        "queues": {
            "documents": pipeline.documents_queue.length(),
            "collect": pipeline.collect_queue.length(),
            "jobs": pipeline.jobs_queue.length(),
        },
        "oldest_waiting": oldest.isoformat() if oldest else None,
        "recent_failures": recent_failures(pipeline),
    }


def _job_counts(jobs: list[BlobInfo]) -> dict[str, Any]:
    counts: dict[str, Any] = {
        state: {"jobs": 0, "documents": 0} for state in ("planned", "submitted", "waiting_for_model")
    }
    for info in jobs:
        state = info.metadata.get("state", "planned")
        if info.metadata.get("waiting") == "yes":
            state = "waiting_for_model"
        counts[state]["jobs"] += 1
        counts[state]["documents"] += int(info.metadata.get("documents", "0"))
    counts["listed_all"] = len(jobs) < LISTED
    return counts


def oldest_waiting(pipeline: Pipeline, open_jobs: list[BlobInfo]) -> datetime | None:
    """Since when the oldest document waits: in the documents queue, or in an open job since the job was planned."""
    queued = [each.inserted_on for each in pipeline.documents_queue.peek(1)]
    return min([*queued, *(_created(info) for info in open_jobs)], default=None)


def _created(info: BlobInfo) -> datetime:
    return datetime.fromisoformat(info.metadata["created"]) if "created" in info.metadata else info.last_modified


def recent_failures(pipeline: Pipeline) -> list[dict[str, Any]]:
    """The newest of the first 5,000 failure records."""
    listed = islice(pipeline.failures.list(metadata=True), LISTED)
    newest = heapq.nlargest(RECENT, listed, key=lambda info: info.last_modified)
    return [
        {
            "record": info.name,
            "code": info.metadata.get("code"),
            "job": info.metadata.get("job") or None,
            "failed": info.last_modified.isoformat(),
        }
        for info in newest
    ]


def document_status(pipeline: Pipeline, name: str) -> dict[str, Any] | None:
    """Where a document is, why, and its result; None when neither the blob nor a record exists."""
    info = pipeline.documents.find(name)
    classification = _record(pipeline.classifications, name)
    failure = _record(pipeline.failures, name)
    if info is None and classification is None and failure is None:
        return None
    state, why = _state(info, classification, failure)
    job = _open_job(pipeline, info) if info and state == "waiting" else None
    if job:
        state, why = job["state"], job["waiting"] or f"in job {job['id']}"
    return {
        "name": name,
        "state": state,
        "why": why,
        "etag": info.etag if info else None,
        "last_modified": info.last_modified.isoformat() if info else None,
        "size": info.size if info else None,
        "job": job,
        "classification": classification,
        "failure": failure,
    }


def _state(info: BlobInfo | None, classification: Any, failure: Any) -> tuple[str, str]:
    if info is None:
        return "deleted", "the document was deleted; its record stays"
    if not is_document_name(info.name):
        return "ignored", "only .txt blobs are classified"
    if classification and classification["document"]["etag"] == info.etag:
        return "classified", "this version is classified"
    if failure and failure["document"]["etag"] == info.etag:
        return "failed", failure["message"]
    if classification or failure:
        return "waiting", "an older version has a record; this one waits for its event, its job, or the next reconcile"
    return "waiting", "no record yet; it waits for its event, its job, or the next reconcile"


def _record(store: Any, name: str) -> Any:
    try:
        return json.loads(store.read(record_name(name)).data)
    except BlobNotFoundError:
        return None


def _open_job(pipeline: Pipeline, document: BlobInfo) -> dict[str, Any] | None:
    """The open job that holds this version. Reads open manifests until found; a look for people, not for machines."""
    for info in islice(list_open(pipeline), RECENT * 10):
        opened = find_manifest(pipeline, manifest_id_of(info))
        if opened and any(
            (each.document.name, each.document.etag) == (document.name, document.etag)
            for _, each in opened.manifest.open_documents
        ):
            manifest = opened.manifest
            return {"id": manifest.id, "state": manifest.state.value, "waiting": manifest.waiting}
    return None


def list_jobs(pipeline: Pipeline) -> list[dict[str, Any]]:
    """Open jobs, then the newest closed ones."""
    opened = [
        {
            "id": manifest_id_of(info),
            "state": info.metadata.get("state"),
            "documents": int(info.metadata.get("documents", "0")),
            "created": info.metadata.get("created"),
            "due": info.metadata.get("due"),
            "waiting_for_model": info.metadata.get("waiting") == "yes",
        }
        for info in islice(list_open(pipeline), LISTED)
    ]
    closed = [
        {
            "id": info.name.rsplit("/", 1)[-1].removesuffix(".json"),
            "state": "closed",
            "documents": int(info.metadata.get("documents", "0")),
            "created": info.metadata.get("created"),
            "closed": info.last_modified.isoformat(),
        }
        for info in list_closed(pipeline, RECENT)
    ]
    return [*opened, *closed]


def job_status(pipeline: Pipeline, manifest_id: str) -> dict[str, Any] | None:
    """A job's manifest with its history, open or closed; None for what no job was ever called."""
    found = find_job(pipeline, manifest_id) if re.fullmatch(r"[0-9a-f]{32}", manifest_id) else None
    if found is None:
        return None
    manifest, is_closed = found
    shown: dict[str, Any] = json.loads(manifest.model_dump_json(by_alias=True))
    return shown | {"state": "closed" if is_closed else manifest.state.value}


def classify_again(pipeline: Pipeline, name: str) -> DocumentRef | None:
    """Send the document's current version once more, whatever record it has; None when the blob does not exist."""
    document = find_document(pipeline, name)
    if document is not None:
        accept_document(pipeline, pipeline.settings.documents_container, document, source=Source.REDRIVE)
    return document
