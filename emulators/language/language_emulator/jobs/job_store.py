"""The job store: the one life-cycle that jobs of every kind share.

A job ends when its own work is finished *and* its progression allows it. Reading a job never consumes it; it stays
readable until it expires.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from threading import RLock
from typing import Any, Protocol, TypeVar

from language_emulator import errors
from language_emulator.clock import Clock
from language_emulator.control.actions import LoseJob
from language_emulator.control.progression import Progression
from language_emulator.control.rules import Injected
from language_emulator.errors import ServiceError
from language_emulator.jobs.job_faults import apply_to_job
from language_emulator.jobs.records import AUTHORING_JOB_LIFE, Job, JobFault, JobStatus
from language_emulator.persistence import RecordFolder

logger = logging.getLogger(__name__)

J = TypeVar("J", bound=Job)

# Which progression rules which kind of job.
WORK_OF = {
    "training": "training",
    "publishing": "publishing",
    "deployment": "publishing",
    "swap": "publishing",
    "import": "imports",
    "export": "imports",
    "deletion": "imports",
    "analysis": "analysis",
}


class JobWork(Protocol):
    """What the owner of one kind of job tells the job store."""

    def progress(self, job: Any, /) -> float:
        """The real work done so far; 1.0 when it has ended, well or not."""

    def complete(self, job: Any, /) -> JobStatus:
        """Let the job take effect; a ServiceError makes it a failed job. Called once, under the lock."""

    def abandon(self, job: Any, /) -> None:
        """The job was cancelled or forgotten; its real work is no longer wanted."""


class InstantWork:
    """For jobs whose real work takes no time of its own: they end when their progression says so."""

    def progress(self, _job: Job) -> float:
        return 1.0

    def abandon(self, _job: Job) -> None:
        """There is nothing to stop."""


class JobStore:
    """All jobs that have not expired. Every call is under the emulator's one lock."""

    def __init__(
        self, clock: Clock, records: RecordFolder[Job], lock: RLock, progressions: Mapping[str, Progression]
    ) -> None:
        """`progressions` by the kind of work, see WORK_OF; it may change, and holds for jobs posted from then on."""
        self.progressions = dict(progressions)
        self._clock = clock
        self._records = records
        self._lock = lock
        self._jobs: dict[str, Job] = {}
        self._active: dict[str, Job] = {}
        self._work: dict[str, JobWork] = {}

    def register(self, kind: str, work: JobWork) -> None:
        self._work[kind] = work

    def restore(self, jobs: Iterable[Job]) -> None:
        with self._lock:
            self._jobs = {job.job_id: job for job in jobs}
            self._active = {job.job_id: job for job in self._jobs.values() if job.is_active}

    def post(self, job: J, injected: Injected, *, life: timedelta = AUTHORING_JOB_LIFE) -> J:
        """Accept a job: it gets its times and its progression here."""
        job.created = job.updated = self._clock.now()
        job.expires = job.created + life
        job.progression = self.progressions[WORK_OF[job.kind]]
        apply_to_job(job, injected)
        with self._lock:
            self._drop_expired()
            self._jobs[job.job_id] = self._active[job.job_id] = job
            self._records.save(job.job_id, job)
            if injected.find(LoseJob) is not None:
                self.forget(job.job_id)
        logger.info("job_accepted kind=%s job=%s project=%s", job.kind, job.job_id, job.project)
        return job

    def read(self, kind: type[J], job_id: str, injected: Injected, *, project: str | None = None) -> J | None:
        """One reading by the client, which counts for the progression. None when unknown or expired."""
        with self._lock:
            self._drop_expired()
            if injected.find(LoseJob) is not None:
                self.forget(job_id)
            job = self._find(kind, job_id, project)
            if job is None:
                return None
            job.reads += 1
            if job.is_active:
                self._settle(job)
            return job.model_copy(deep=True)

    def settle(self) -> None:
        """Let every job end that time alone allows to. The middleware does so before each operation."""
        with self._lock:
            for job in list(self._active.values()):
                # The end of one job, a deletion, can end others.
                if job.job_id in self._active:
                    self._settle(job)

    def select(self, kind: type[J], matches: Callable[[J], bool] | None = None) -> list[J]:
        with self._lock:
            self._drop_expired()
            return [job for job in self._jobs.values() if isinstance(job, kind) and (matches is None or matches(job))]

    def all_jobs(self) -> list[Job]:
        return self.select(Job)

    def cancel(self, kind: type[J], job_id: str, *, project: str | None = None) -> bool:
        """End an active job as cancelled; 409 for one that has ended, False for one that is unknown."""
        with self._lock:
            job = self._find(kind, job_id, project)
            if job is None:
                return False
            if not job.is_active:
                raise errors.job_finished(job_id)
            self._work[job.kind].abandon(job)
            self._end(job, JobStatus.CANCELLED, at=self._clock.now())
            return True

    def forget(self, job_id: str) -> None:
        with self._lock:
            job = self._jobs.pop(job_id, None)
            if job is None:
                return
            self._records.delete(job_id)
            if self._active.pop(job_id, None) is not None:
                self._work[job.kind].abandon(job)

    def clear(self) -> None:
        with self._lock:
            for job_id in list(self._jobs):
                self.forget(job_id)

    def _find(self, kind: type[J], job_id: str, project: str | None) -> J | None:
        job = self._jobs.get(job_id)
        if not isinstance(job, kind) or (project is not None and job.project != project):
            return None
        return job

    def _settle(self, job: Job) -> None:
        now = self._clock.now()
        allowed = job.progression.fraction(job.reads, (now - job.created).total_seconds())
        done = min(allowed, self._work[job.kind].progress(job))
        if done >= 1.0:
            self._complete(job, at=self._end_of(job, now))
            return
        job.status = JobStatus.RUNNING if job.reads > 1 else JobStatus.NOT_STARTED
        job.percent = int(done * 100)
        job.updated = now

    def _end_of(self, job: Job, now: datetime) -> datetime:
        """When it ended. Nothing runs here between two requests, so this may be long before `now`."""
        if job.progression.reads or not isinstance(self._work[job.kind], InstantWork):
            return now
        return job.created + timedelta(seconds=job.progression.seconds)

    def _complete(self, job: Job, *, at: datetime) -> None:
        if job.injected_error is not None:
            self._work[job.kind].abandon(job)
            job.faults = [job.injected_error]
            self._end(job, JobStatus.FAILED, at=at)
            return
        try:
            self._end(job, self._work[job.kind].complete(job), at=at)
        except ServiceError as error:
            job.faults = [JobFault.of(error)]
            self._end(job, JobStatus.FAILED, at=at)

    def _end(self, job: Job, status: JobStatus, *, at: datetime) -> None:
        self._active.pop(job.job_id, None)
        job.status = status
        job.updated = at
        job.percent = 100 if status is JobStatus.SUCCEEDED else job.percent
        self._records.save(job.job_id, job)
        logger.info("job_ended kind=%s job=%s status=%s", job.kind, job.job_id, status)

    def _drop_expired(self) -> None:
        now = self._clock.now()
        for job_id in [job.job_id for job in self._jobs.values() if job.expires <= now]:
            self.forget(job_id)
