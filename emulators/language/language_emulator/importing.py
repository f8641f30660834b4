"""GA jobs on a whole project: import its labels, export it, delete it."""

from __future__ import annotations

from collections.abc import Callable

from language_emulator.board import InstantWork, JobBoard
from language_emulator.errors import storage_denied
from language_emulator.fault_actions import DenyStorage
from language_emulator.faults import Injected
from language_emulator.jobs import (
    DeletionJob,
    ExportJob,
    ImportJob,
    JobFault,
    JobStatus,
)
from language_emulator.learning import read_labels
from language_emulator.projects import Projects
from language_emulator.records import Project
from language_emulator.storage import ProjectStorage


class ProjectJobs(InstantWork):
    """Import fails in its job when the container cannot be read; what the file itself shows is refused at once."""

    def __init__(
        self,
        projects: Projects,
        board: JobBoard,
        storage: ProjectStorage,
        remove: Callable[[str], None],
    ) -> None:
        self._projects = projects
        self._board = board
        self._storage = storage
        self._remove = remove

    def start_import(self, wanted: Project, injected: Injected, job_id: str) -> ImportJob:
        job = ImportJob(job_id=job_id, project=wanted.name, wanted=wanted)
        if injected.find(DenyStorage) is not None:
            job.doomed = JobFault.of(storage_denied(wanted.container))
        return self._board.post(job, injected)

    def start_export(self, name: str, injected: Injected, job_id: str) -> ExportJob:
        """Reads the labels now: the file shows the project as it is at the call."""
        project = self._projects.get(name)
        if project.labels is None and project.labels_location is not None:
            project = project.model_copy(update={"labels": read_labels(self._storage, project)})
        return self._board.post(ExportJob(job_id=job_id, project=name, snapshot=project), injected)

    def start_deletion(self, name: str, injected: Injected, job_id: str) -> DeletionJob:
        self._projects.get(name)
        return self._board.post(DeletionJob(job_id=job_id, doomed_project=name), injected)

    def complete(self, job: ImportJob | ExportJob | DeletionJob) -> JobStatus:
        if isinstance(job, ImportJob):
            self._import(job.wanted)
        elif isinstance(job, DeletionJob) and self._projects.find(job.doomed_project) is not None:
            self._remove(job.doomed_project)
        return JobStatus.SUCCEEDED

    def _import(self, wanted: Project) -> None:
        self._storage.check_container(wanted.container)
        if self._projects.find(wanted.name) is None:
            self._projects.add(wanted)
            return

        def replace(project: Project) -> None:
            project.labels = wanted.labels
            project.labels_location = None
            for field in ("container", "language", "multilingual", "description", "settings"):
                setattr(project, field, getattr(wanted, field))

        self._projects.change(wanted.name, replace)
