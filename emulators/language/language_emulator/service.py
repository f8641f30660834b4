"""The Language resource as a whole: its parts wired together, its lock, its start and its end."""

from __future__ import annotations

import logging
from datetime import timedelta
from threading import RLock

from language_emulator import errors
from language_emulator.classifier.store import ClassifierStore
from language_emulator.clock import Clock
from language_emulator.control.actions import DenyStorage
from language_emulator.control.progression import Progression
from language_emulator.control.rules import FaultRules, Injected
from language_emulator.control.statistics import ClassifierStatistics, RequestLedger
from language_emulator.http.access import Access
from language_emulator.http.middleware import Middleware
from language_emulator.http.rate_limiter import RateLimiter
from language_emulator.http.tokens import TokenIssuer
from language_emulator.jobs.analysis import Analysis
from language_emulator.jobs.deployments import Deployments
from language_emulator.jobs.job_store import JobStore
from language_emulator.jobs.project_jobs import ProjectJobs
from language_emulator.jobs.publishing import Publishing
from language_emulator.jobs.records import AnyJob, Job
from language_emulator.persistence import RecordFolder
from language_emulator.projects.project_labels import read_labels
from language_emulator.projects.records import Project
from language_emulator.projects.storage import open_storage
from language_emulator.projects.store import Projects
from language_emulator.settings import EmulatorSettings
from language_emulator.training.jobs import Training

logger = logging.getLogger(__name__)


class LanguageService:
    """Everything behind the routes. One lock guards projects and jobs; documents are read outside it."""

    def __init__(self, settings: EmulatorSettings, clock: Clock) -> None:
        lock = RLock()
        data = settings.data
        classifiers = ClassifierStore(data and data / "models")
        job_records: RecordFolder[Job] = RecordFolder(data and data / "jobs", AnyJob)
        self.settings = settings
        self.clock = clock
        self.faults = FaultRules()
        self.requests = RequestLedger()
        self.classifier_statistics = ClassifierStatistics()
        self.rate_limiter = RateLimiter(
            {"analyze": settings.requests_per_minute, "authoring": settings.authoring_requests_per_minute}, clock
        )
        self.tokens = TokenIssuer(clock)
        self.access = Access(self.tokens, key=settings.key, require_token=settings.require_token)
        self.storage = open_storage(settings.storage, settings.storage_folder)
        self.projects = Projects(clock, RecordFolder(data and data / "projects", Project), classifiers, lock)
        self.job_store = JobStore(clock, job_records, lock, _initial_progressions(settings))
        self.training = Training(
            self.projects, self.job_store, self.storage, classifiers, clock, lock, self.classifier_statistics
        )
        self.publishing = Publishing(self.projects, self.job_store, clock, lock)
        deployment_life = timedelta(days=settings.deployment_days)
        self.deployments = Deployments(
            self.projects, self.job_store, clock, lock, deployment_life, settings.deployments_per_project
        )
        self.project_jobs = ProjectJobs(self.projects, self.job_store, self.storage, self.delete_project)
        self.analysis = Analysis(self.job_store, classifiers, self.classifier_statistics)
        self._register_work()
        self.job_store.restore(job_records.load())
        self.training.resume()

    def _register_work(self) -> None:
        for work, kinds in (
            (self.training, ["training"]),
            (self.publishing, ["publishing"]),
            (self.deployments, ["deployment", "swap"]),
            (self.project_jobs, ["import", "export", "deletion"]),
            (self.analysis, ["analysis"]),
        ):
            for kind in kinds:
                self.job_store.register(kind, work)

    def middleware(self, api: str, versions: tuple[str, ...] | None = None) -> Middleware:
        """What stands in front of the operations of one API; see there for `api` and `versions`."""
        return Middleware(
            self.access, self.rate_limiter, self.faults, self.requests, self.job_store.settle, api, versions
        )

    @property
    def result_life(self) -> timedelta:
        return timedelta(hours=self.settings.result_hours)

    def create_project(self, project: Project, injected: Injected) -> None:
        """Fails when the container, the labels file or the permission to read them is missing."""
        if self.projects.find(project.name) is not None:
            raise errors.project_exists(project.name)
        if injected.find(DenyStorage) is not None:
            raise errors.storage_denied(project.container)
        self.storage.check_container(project.container)
        if project.labels_location is not None:
            read_labels(self.storage, project)
        self.projects.add(project)

    def delete_project(self, name: str) -> None:
        """The project, its models and its jobs. Classification jobs name no project and stay readable."""
        self.projects.delete(name)
        for job in self.job_store.all_jobs():
            if job.project == name:
                self.job_store.forget(job.job_id)

    def reset(self) -> None:
        """Back to the state of a first start; settings stay."""
        self.job_store.clear()
        self.projects.clear()
        self.faults.replace([])
        self.requests.clear()
        self.classifier_statistics.clear()
        self.rate_limiter.clear()
        self.job_store.progressions = _initial_progressions(self.settings)
        logger.info("service_reset")

    def close(self) -> None:
        self.training.close()
        self.storage.close()


def _initial_progressions(settings: EmulatorSettings) -> dict[str, Progression]:
    return {kind: getattr(settings, kind) for kind in ("training", "publishing", "imports", "analysis")}
