"""GA jobs on a whole project: import its labels, export it, delete it."""

from __future__ import annotations

from collections.abc import Callable

from language_emulator.control.actions import DenyStorage
from language_emulator.control.rules import Injected
from language_emulator.errors import storage_denied
from language_emulator.jobs.job_store import InstantWork, JobStore
from language_emulator.jobs.records import DeletionJob, ExportJob, ImportJob, JobFault, JobStatus
from language_emulator.projects.project_labels import read_labels
from language_emulator.projects.records import Project
from language_emulator.projects.storage import ProjectStorage
from language_emulator.projects.store import Projects


class ProjectJobs(InstantWork):
    """Import fails in its job when the container cannot be read; what the file itself shows is refused at once."""

    def __init__(
        self,
        projects: Projects,
        job_store: JobStore,
        storage: ProjectStorage,
        remove: Callable[[str], None],
    ) -> None:
        self._projects = projects
        self._job_store = job_store
        self._storage = storage
        self._remove = remove

    def start_import(self, wanted: Project, injected: Injected, job_id: str) -> ImportJob:
        job = ImportJob(job_id=job_id, project=wanted.name, wanted=wanted)
        if injected.find(DenyStorage) is not None:
            job.injected_error = JobFault.of(storage_denied(wanted.container))
        return self._job_store.post(job, injected)

    def start_export(self, name: str, injected: Injected, job_id: str) -> ExportJob:
        """Reads the labels now: the file shows the project as it is at the call."""
        project = self._projects.get(name)
        if project.labels is None and project.labels_location is not None:
            project = project.model_copy(update={"labels": read_labels(self._storage, project)})
        return self._job_store.post(ExportJob(job_id=job_id, project=name, snapshot=project), injected)

    def start_deletion(self, name: str, injected: Injected, job_id: str) -> DeletionJob:
        self._projects.get(name)
        return self._job_store.post(DeletionJob(job_id=job_id, deleted_project=name), injected)

    def complete(self, job: ImportJob | ExportJob | DeletionJob) -> JobStatus:
        if isinstance(job, ImportJob):
            self._import(job.wanted)
        elif isinstance(job, DeletionJob) and self._projects.find(job.deleted_project) is not None:
            self._remove(job.deleted_project)
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
