"""The Language resource as a whole: its parts wired together, its lock, its start and its end."""

from __future__ import annotations

import logging
from datetime import timedelta
from threading import RLock

from language_emulator import errors
from language_emulator.access import Access
from language_emulator.analysis import Analysis
from language_emulator.archive import open_archive
from language_emulator.board import JobBoard
from language_emulator.clock import Clock
from language_emulator.deployments import Deployments
from language_emulator.fault_actions import DenyStorage
from language_emulator.faults import FaultRules, Injected
from language_emulator.importing import ProjectJobs
from language_emulator.learning import read_labels
from language_emulator.pace import Pace
from language_emulator.progression import Progression
from language_emulator.projects import Projects
from language_emulator.publishing import Publishing
from language_emulator.records import Project
from language_emulator.settings import EmulatorSettings
from language_emulator.statistics import ClassifierStatistics, RequestLedger
from language_emulator.storage import ProjectStorage
from language_emulator.tokens import TokenIssuer
from language_emulator.training import Training

logger = logging.getLogger(__name__)


class LanguageService:
    """Everything behind the routes. One lock guards projects and jobs; documents are read outside it."""

    def __init__(self, settings: EmulatorSettings, clock: Clock) -> None:
        lock = RLock()
        archive = open_archive(settings.data)
        self.settings = settings
        self.clock = clock
        self.faults = FaultRules()
        self.requests = RequestLedger()
        self.classifier_statistics = ClassifierStatistics()
        self.pace = Pace(settings, clock)
        self.tokens = TokenIssuer(clock)
        self.access = Access(settings, self.tokens)
        self.storage = ProjectStorage(settings.storage)
        self.projects = Projects(clock, archive, lock)
        self.board = JobBoard(clock, archive, lock, _initial_progressions(settings))
        self.training = Training(
            self.projects, self.board, self.storage, archive, clock, lock, self.classifier_statistics
        )
        self.publishing = Publishing(self.projects, self.board, clock, lock)
        deployment_life = timedelta(days=settings.deployment_days)
        self.deployments = Deployments(self.projects, self.board, clock, lock, deployment_life)
        self.project_jobs = ProjectJobs(self.projects, self.board, self.storage, self.delete_project)
        self.analysis = Analysis(self.board, archive, self.classifier_statistics)
        self._employ()
        self.board.restore(archive.load_jobs())
        self.training.resume()

    def _employ(self) -> None:
        for work, kinds in (
            (self.training, ["training"]),
            (self.publishing, ["publishing"]),
            (self.deployments, ["deployment", "swap"]),
            (self.project_jobs, ["import", "export", "deletion"]),
            (self.analysis, ["analysis"]),
        ):
            for kind in kinds:
                self.board.employ(kind, work)

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
        for job in self.board.all_jobs():
            if job.project == name:
                self.board.forget(job.job_id)

    def reset(self) -> None:
        """Back to the state of a first start; settings stay."""
        self.board.clear()
        self.projects.clear()
        self.faults.replace([])
        self.requests.clear()
        self.classifier_statistics.clear()
        self.pace.clear()
        self.board.progressions = _initial_progressions(self.settings)
        logger.info("service_reset")

    def close(self) -> None:
        self.training.close()
        self.storage.close()


def _initial_progressions(settings: EmulatorSettings) -> dict[str, Progression]:
    return {kind: getattr(settings, kind) for kind in ("training", "publishing", "imports", "analysis")}
