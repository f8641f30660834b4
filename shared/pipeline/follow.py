"""State submitted: one look at the analyze jobs; not ready means the next visit, finished means records and close."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from shared.documents.ref import FailureCode
from shared.errors import LanguageNotFoundError, MalformedAnswerError
from shared.language.dialects import dialect_for
from shared.language.models import TERMINAL, AnalyzeJob, ModelRef, OperationStatus, ServiceError
from shared.messages import JobMessage
from shared.pipeline.context import Pipeline
from shared.pipeline.manifest import MAX_ATTEMPTS, AnalyzeRef, Manifest, Outcome, PlannedDocument
from shared.pipeline.manifests import OpenManifest, close_manifest, enqueue_visit
from shared.pipeline.outcomes import Settled, merge_pages, settle
from shared.pipeline.records import clear_failures, write_classification, write_failure
from shared.pipeline.replan import plan_new, plan_same_again

log = logging.getLogger("pigeonhole.jobs")

# More pages than 25 texts can fill mean that the answer goes in circles.
MAX_PAGES = 30
_ENDED_BADLY = frozenset({OperationStatus.FAILED, OperationStatus.CANCELLED})


def follow_job(pipeline: Pipeline, opened: OpenManifest, message: JobMessage) -> None:
    """One visit of a submitted manifest. RetryableError is for the caller to defer, RaceLostError ends quietly."""
    manifest = opened.manifest
    try:
        pages = [page for analyze in manifest.analyze for page in _read_pages(pipeline, manifest, analyze)]
    except LanguageNotFoundError as error:
        plan_same_again(pipeline, opened, FailureCode.JOB_EXPIRED, f"the service no longer knows the job: {error}")
        return
    except MalformedAnswerError as error:
        plan_same_again(pipeline, opened, FailureCode.MALFORMED_ANSWER, str(error))
        return
    if any(page.status not in TERMINAL for page in pages):
        _visit_later(pipeline, opened, message)
        return
    answer = merge_pages(pages)
    if not answer.texts and not answer.text_errors and any(page.status in _ENDED_BADLY for page in pages):
        told = [error for page in pages for error in page.errors] or [ServiceError("unknown", "no error was given")]
        plan_same_again(pipeline, opened, FailureCode.JOB_FAILED, f"the analyze job failed: {_said(told[0])}")
        return
    _finish(pipeline, opened, settle(manifest, _model(manifest), answer))


def _read_pages(pipeline: Pipeline, manifest: Manifest, analyze: AnalyzeRef) -> Iterator[AnalyzeJob]:
    """The job's state, and once it is terminal every further page of its results."""
    dialect = dialect_for(manifest.api_version or pipeline.settings.language_api)
    page = pipeline.language.send(dialect.get_analyze_job(analyze.job_id))
    yield page
    for _ in range(MAX_PAGES):
        if page.status not in TERMINAL or page.next_page is None:
            return
        page = pipeline.language.send(dialect.get_analyze_job(analyze.job_id, page=page.next_page))
        yield page
    raise MalformedAnswerError(f"the results of {analyze.job_id} have more than {MAX_PAGES} pages")


def _visit_later(pipeline: Pipeline, opened: OpenManifest, message: JobMessage) -> None:
    manifest, now = opened.manifest, pipeline.clock()
    if now >= min(analyze.expires for analyze in manifest.analyze):
        plan_same_again(pipeline, opened, FailureCode.JOB_EXPIRED, "the analyze job still ran when its results expired")
        return
    delay = pipeline.delay(number=message.visit, elapsed=now - manifest.analyze[0].submitted)
    log.info("job_running job=%s visit=%d seconds=%.1f", manifest.id, message.visit, delay.total_seconds())
    enqueue_visit(pipeline, opened, JobMessage(id=manifest.id, visit=message.visit + 1), delay)


def _finish(pipeline: Pipeline, opened: OpenManifest, settled: Settled) -> None:
    """Records first, then what must be planned again, then close. A crash anywhere repeats this, harmlessly."""
    manifest = opened.manifest
    _write_classifications(pipeline, manifest, settled)
    for index, error in settled.failed.items():
        _fail(pipeline, manifest, index, FailureCode.DOCUMENT_ERROR, f"the service refused it: {_said(error)}")
    again, given_up = _split_missing(manifest, settled.missing)
    for index in given_up:
        _fail(pipeline, manifest, index, FailureCode.NO_RESULT, f"{MAX_ATTEMPTS} answers did not mention the document")
    if again:
        plan_new(pipeline, list(again.values()), f"not mentioned in the answer of {manifest.id}")
    outcomes = dict.fromkeys(settled.classified, Outcome.CLASSIFIED)
    outcomes |= dict.fromkeys([*settled.failed, *given_up], Outcome.FAILED) | dict.fromkeys(
        again, Outcome.PLANNED_AGAIN
    )
    what = f"classified {len(settled.classified)}, failed {len(settled.failed) + len(given_up)}, again {len(again)}"
    close_manifest(
        pipeline, opened, manifest.evolve(pipeline.clock(), what, documents=manifest.with_outcomes(outcomes))
    )


def _write_classifications(pipeline: Pipeline, manifest: Manifest, settled: Settled) -> None:
    def write(index: int) -> bool:
        record = settled.classified[index]
        return write_classification(pipeline, record, found_etag=manifest.documents[index].record_etag)

    pipeline.fan_out(write, settled.classified)
    clear_failures(pipeline, [record.document for record in settled.classified.values()])


def _split_missing(manifest: Manifest, missing: list[int]) -> tuple[dict[int, PlannedDocument], list[int]]:
    again: dict[int, PlannedDocument] = {}
    given_up: list[int] = []
    for index in missing:
        planned = manifest.documents[index]
        attempt = planned.attempt + manifest.attempt + 1
        if attempt >= MAX_ATTEMPTS:
            given_up.append(index)
        else:
            again[index] = planned.model_copy(update={"attempt": attempt, "record_etag": None})
    return again, given_up


def _fail(pipeline: Pipeline, manifest: Manifest, index: int, code: FailureCode, why: str) -> None:
    document = manifest.documents[index].document
    write_failure(pipeline, document, code, why, job=manifest.id, model=_model(manifest).label)


def _model(manifest: Manifest) -> ModelRef:
    if manifest.model is None:
        raise ValueError(f"manifest {manifest.id} is submitted and names no model")
    return manifest.model


def _said(error: ServiceError) -> str:
    return f"{error.code}: {error.message}"[:500]
