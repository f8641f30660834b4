"""Where manifests are kept: created once, changed only under If-Match, closed by moving them to done."""

from __future__ import annotations

import heapq
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from shared.errors import PigeonholeError
from shared.messages import JobMessage
from shared.pipeline.context import Pipeline
from shared.pipeline.manifest import STEP_ALLOWANCE, Manifest
from shared.storage.conditional import replace_own
from shared.storage.ports import BlobInfo, BlobNotFoundError, VersionChangedError

log = logging.getLogger("pigeonhole.jobs")

ACTIVE = "jobs/active/"
DONE = "jobs/done/"
# Closed manifests lie in folders by the day they were created.
SEARCHED_DAYS = 30
LISTED_DAYS = 7


class RaceLostError(PigeonholeError):
    """Somebody else changed the manifest since it was read; their step goes on, ours ends quietly."""


@dataclass(frozen=True)
class OpenManifest:
    """A manifest and the ETag it was read or written at."""

    manifest: Manifest
    etag: str


def active_name(manifest_id: str) -> str:
    return f"{ACTIVE}{manifest_id}.json"


def done_name(manifest: Manifest) -> str:
    return f"{DONE}{manifest.created:%Y-%m-%d}/{manifest.id}.json"


def create_manifest(pipeline: Pipeline, manifest: Manifest) -> None:
    """Create it, If-None-Match. A conflict means that the same batch is planned already, and is fine."""
    try:
        pipeline.state.create(active_name(manifest.id), _data(manifest), metadata=manifest.metadata())
    except VersionChangedError:
        log.info("duplicate_ignored job=%s: the same batch is planned already", manifest.id)


def find_manifest(pipeline: Pipeline, manifest_id: str) -> OpenManifest | None:
    """The open manifest, or None when it is closed or never was."""
    try:
        blob = pipeline.state.read(active_name(manifest_id))
    except BlobNotFoundError:
        return None
    return OpenManifest(Manifest.model_validate_json(blob.data), blob.etag)


def save_manifest(pipeline: Pipeline, opened: OpenManifest, manifest: Manifest) -> OpenManifest:
    """Replace it under its ETag; raises RaceLostError."""
    name, metadata = active_name(manifest.id), manifest.metadata()
    try:
        etag = replace_own(pipeline.state, name, _data(manifest), etag=opened.etag, metadata=metadata)
    except VersionChangedError as error:
        raise RaceLostError(manifest.id) from error
    return OpenManifest(manifest, etag)


def close_manifest(pipeline: Pipeline, opened: OpenManifest, manifest: Manifest) -> None:
    """Write it to done, then remove the active one. A crash in between repeats both."""
    pipeline.state.put(done_name(manifest), _data(manifest), metadata=manifest.metadata())
    pipeline.state.delete(active_name(manifest.id), etag=opened.etag)
    log.info("job_closed job=%s documents=%d", manifest.id, len(manifest.documents))


def list_open(pipeline: Pipeline) -> Iterator[BlobInfo]:
    """Facts and metadata of the open manifests, 5,000 a call."""
    return pipeline.state.list(ACTIVE, metadata=True)


def manifest_id_of(info: BlobInfo) -> str:
    return info.name.removeprefix(ACTIVE).removesuffix(".json")


def enqueue_visit(pipeline: Pipeline, opened: OpenManifest, message: JobMessage, delay: timedelta) -> None:
    """Enqueue a visit after `delay`; write the due time down first when it lies beyond what the sweep allows."""
    due = pipeline.clock() + delay
    if due > opened.manifest.due:
        save_manifest(pipeline, opened, opened.manifest.model_copy(update={"due": due + STEP_ALLOWANCE}))
    pipeline.jobs_queue.send(message, delay=delay)


def find_job(pipeline: Pipeline, manifest_id: str) -> tuple[Manifest, bool] | None:
    """The manifest and whether it is closed; a closed one is looked up in the newest SEARCHED_DAYS days."""
    opened = find_manifest(pipeline, manifest_id)
    if opened:
        return opened.manifest, False
    for day in newest_days(pipeline, SEARCHED_DAYS):
        try:
            data = pipeline.state.read(f"{DONE}{day}/{manifest_id}.json").data
        except BlobNotFoundError:
            continue
        return Manifest.model_validate_json(data), True
    return None


def list_closed(pipeline: Pipeline, count: int) -> list[BlobInfo]:
    """The newest closed manifests, from the newest days on; one listing a day until there are enough."""
    found: list[BlobInfo] = []
    for day in newest_days(pipeline, LISTED_DAYS):
        found += heapq.nlargest(
            count, pipeline.state.list(f"{DONE}{day}/", metadata=True), key=lambda info: info.last_modified
        )
        if len(found) >= count:
            break
    return found[:count]


def newest_days(pipeline: Pipeline, count: int) -> Iterator[str]:
    today = pipeline.clock()
    return (f"{today - timedelta(days=back):%Y-%m-%d}" for back in range(count))


def _data(manifest: Manifest) -> bytes:
    return manifest.model_dump_json(by_alias=True, exclude_defaults=False).encode()
