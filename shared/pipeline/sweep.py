"""sweep (timer): open manifests untouched past their next step's time get a new message: the net under lost ones."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from pydantic import TypeAdapter

from shared.messages import JobMessage, WakeMessage
from shared.pipeline.context import Pipeline
from shared.pipeline.manifest import STALL_GRACE, STEP_ALLOWANCE
from shared.pipeline.manifests import RaceLostError, find_manifest, list_open, manifest_id_of, save_manifest
from shared.storage.ports import BlobInfo

log = logging.getLogger("pigeonhole.sweep")

WAKE_GRACE = timedelta(minutes=1)
_TIME: TypeAdapter[datetime] = TypeAdapter(datetime)


def sweep_jobs(pipeline: Pipeline) -> int:
    """Revive stalled jobs; returns how many. One listing, and three calls for each stalled one."""
    stalled = [info for info in list_open(pipeline) if is_stalled(info, pipeline.clock())]
    return sum(pipeline.fan_out(lambda info: _revive(pipeline, manifest_id_of(info)), stalled))


def sweep_documents(pipeline: Pipeline) -> bool:
    """Wake the collector when documents wait longer than any wake takes: the net under a lost wake. One peek."""
    waiting = pipeline.documents_queue.peek(1)
    if not waiting or pipeline.clock() - waiting[0].inserted_on < pipeline.settings.linger + WAKE_GRACE:
        return False
    pipeline.collect_queue.send(WakeMessage())
    log.warning("collector_woken: a document waits since %s", waiting[0].inserted_on.isoformat())
    return True


def is_stalled(info: BlobInfo, now: datetime) -> bool:
    """Past its due time by more than the host's lock on a message that is still being worked on."""
    due = info.metadata.get("due")
    return due is None or now > _TIME.validate_python(due) + STALL_GRACE


def _revive(pipeline: Pipeline, manifest_id: str) -> int:
    opened = find_manifest(pipeline, manifest_id)
    if opened is None:
        return 0
    now = pipeline.clock()
    pipeline.jobs_queue.send(JobMessage(id=manifest_id))
    changed = opened.manifest.evolve(now, "stalled, revived by the sweep", due=now + STEP_ALLOWANCE)
    try:
        save_manifest(pipeline, opened, changed)
    except RaceLostError:
        log.info("race_lost job=%s: it moved while it was revived", manifest_id)
    log.warning("job_revived job=%s state=%s", manifest_id, opened.manifest.state)
    return 1
