"""Planning again: whole, in halves, or only the documents an answer left out; always a bounded number of times."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from shared.documents.ref import FailureCode
from shared.messages import JobMessage
from shared.pipeline.context import Pipeline
from shared.pipeline.manifest import (
    MAX_ATTEMPTS,
    STEP_ALLOWANCE,
    JobState,
    Manifest,
    Outcome,
    PlannedDocument,
    plan_manifest,
)
from shared.pipeline.manifests import OpenManifest, close_manifest, create_manifest, enqueue_visit, save_manifest
from shared.pipeline.records import write_failure

log = logging.getLogger("pigeonhole.jobs")


def plan_new(pipeline: Pipeline, documents: Sequence[PlannedDocument], why: str) -> None:
    """A manifest of its own for documents that leave theirs: created, then its job message sent."""
    manifest = plan_manifest(documents, pipeline.clock(), why=why)
    create_manifest(pipeline, manifest)
    pipeline.jobs_queue.send(JobMessage(id=manifest.id))
    log.info("job_planned job=%s documents=%d: %s", manifest.id, len(documents), why)


def plan_halves(pipeline: Pipeline, opened: OpenManifest, error: str) -> None:
    """The service refused the batch for good: each half on its own, so that one bad document is isolated in five
    halvings; a refused batch of one is a failure record."""
    manifest = opened.manifest
    going_on = manifest.open_documents
    if len(going_on) <= 1:
        fail_documents(pipeline, opened, FailureCode.REFUSED, error)
        return
    middle = len(going_on) // 2
    for half in (going_on[:middle], going_on[middle:]):
        plan_new(pipeline, [_continued(manifest, planned) for _, planned in half], f"half of {manifest.id}: {error}")
    outcomes = {index: Outcome.PLANNED_AGAIN for index, _ in going_on}
    changed = manifest.evolve(
        pipeline.clock(), f"refused, planned in halves: {error}", documents=manifest.with_outcomes(outcomes)
    )
    close_manifest(pipeline, opened, changed)


def plan_same_again(pipeline: Pipeline, opened: OpenManifest, code: FailureCode, why: str) -> None:
    """The analyze job failed, expired or cannot be followed: back to planned, MAX_ATTEMPTS submissions at most."""
    manifest = opened.manifest
    attempt = manifest.attempt + 1
    if attempt >= MAX_ATTEMPTS:
        fail_documents(pipeline, opened, code, f"{why} ({attempt} attempts)")
        return
    changed = manifest.evolve(
        pipeline.clock(),
        f"planned again: {why}",
        state=JobState.PLANNED,
        attempt=attempt,
        model=None,
        api_version=None,
        analyze=(),
        due=pipeline.clock() + STEP_ALLOWANCE,
    )
    opened = save_manifest(pipeline, opened, changed)
    log.warning("job_planned_again job=%s attempt=%d: %s", manifest.id, attempt, why)
    enqueue_visit(pipeline, opened, JobMessage(id=manifest.id), pipeline.delay(number=attempt))


def fail_documents(pipeline: Pipeline, opened: OpenManifest, code: FailureCode, why: str) -> None:
    """A failure record for every document still open, then close."""
    manifest = opened.manifest
    model = manifest.model.label if manifest.model else None
    going_on = manifest.open_documents
    pipeline.fan_out(
        lambda each: write_failure(pipeline, each[1].document, code, why, job=manifest.id, model=model), going_on
    )
    outcomes = {index: Outcome.FAILED for index, _ in going_on}
    close_manifest(
        pipeline,
        opened,
        manifest.evolve(pipeline.clock(), f"failed: {why}", documents=manifest.with_outcomes(outcomes)),
    )


def _continued(manifest: Manifest, planned: PlannedDocument) -> PlannedDocument:
    return planned.model_copy(update={"record_etag": None, "attempt": planned.attempt + manifest.attempt})
