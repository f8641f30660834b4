"""advance_job: one step of one manifest. The state decides, every branch may be repeated.

planned    read the texts, POST them, keep the job ids          -> submitted
submitted  GET; not ready: enqueue the next visit and finish; finished: write the records, close
missing    closed already: nothing to do

"Not ready", "throttled" and "no model yet" are ordinary endings: the next visit is enqueued with a delay and the host
deletes this message. The dequeue count is left to crashes.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from shared.errors import LanguageAccessError, RetryableError
from shared.messages import JobMessage
from shared.pipeline.context import Pipeline
from shared.pipeline.follow import follow_job
from shared.pipeline.manifest import JobState
from shared.pipeline.manifests import OpenManifest, RaceLostError, enqueue_visit, find_manifest
from shared.pipeline.submit import submit_job

log = logging.getLogger("pigeonhole.jobs")

_STEPS = {JobState.PLANNED: submit_job, JobState.SUBMITTED: follow_job}


def advance_job(pipeline: Pipeline, message: JobMessage) -> None:
    """Take the manifest's next step. Raises only what is a bug, or storage that does not answer."""
    opened = find_manifest(pipeline, message.id)
    if opened is None:
        log.info("visit_ignored job=%s visit=%d: closed already", message.id, message.visit)
        return
    try:
        _STEPS[opened.manifest.state](pipeline, opened, message)
    except RaceLostError:
        log.info("race_lost job=%s visit=%d: another visit goes on", message.id, message.visit)
    except RetryableError as error:
        defer_visit(pipeline, opened, message, error)


def defer_visit(pipeline: Pipeline, opened: OpenManifest, message: JobMessage, error: RetryableError) -> None:
    """The same visit again: after the told delay, or after the schedule by refusals in a row."""
    # A minute each stands for the time the refusals have lasted; past ten of them the slow delay applies.
    # Not for a refused credential: the work goes on within two minutes of its mending.
    elapsed = timedelta(0) if isinstance(error, LanguageAccessError) else timedelta(minutes=message.faults)
    delay = pipeline.delay(number=message.faults, elapsed=elapsed, retry_after=error.retry_after)
    again = message.model_copy(update={"faults": message.faults + 1})
    log.info("visit_deferred job=%s visit=%d seconds=%.1f: %s", message.id, message.visit, delay.total_seconds(), error)
    try:
        # The manifest may have changed in the step that failed (one of several analyze jobs was submitted).
        current = find_manifest(pipeline, message.id) or opened
        enqueue_visit(pipeline, current, again, delay)
    except RaceLostError:
        log.info("race_lost job=%s visit=%d: another visit goes on", message.id, message.visit)
