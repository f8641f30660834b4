"""Jobs that wait for a model: a publication tells them, so that nobody waits out a long delay."""

from __future__ import annotations

from shared.messages import JobMessage
from shared.pipeline.context import Pipeline
from shared.pipeline.manifests import list_open, manifest_id_of


def wake_waiting_jobs(pipeline: Pipeline) -> int:
    """Send a visit to every job that waits for a model; their delayed messages find nothing left to do."""
    waiting = [manifest_id_of(info) for info in list_open(pipeline) if info.metadata.get("waiting") == "yes"]
    pipeline.fan_out(lambda manifest_id: pipeline.jobs_queue.send(JobMessage(id=manifest_id)), waiting)
    return len(waiting)
