"""One log line with what alerts watch: how long the oldest document has waited, and how much is under way.

Queue depth is a metric of a whole storage account, not of a queue, so the app tells it itself.
"""

from __future__ import annotations

import logging
from itertools import islice

from shared.pipeline.context import Pipeline
from shared.pipeline.manifests import list_open
from shared.pipeline.status import LISTED, oldest_waiting

log = logging.getLogger("pigeonhole.vitals")


def report_vitals(pipeline: Pipeline) -> None:
    """Log the line. infra/app/alerts.bicep reads its names: change both together."""
    jobs = list(islice(list_open(pipeline), LISTED))
    oldest = oldest_waiting(pipeline, jobs)
    seconds = max(0.0, (pipeline.clock() - oldest).total_seconds()) if oldest else 0.0
    waiting = sum(info.metadata.get("waiting") == "yes" for info in jobs)
    log.info(
        "pipeline_vitals oldest_waiting_seconds=%d open_jobs=%d waiting_for_model=%d documents_queue=%d",
        seconds,
        len(jobs),
        waiting,
        pipeline.documents_queue.length(),
    )
