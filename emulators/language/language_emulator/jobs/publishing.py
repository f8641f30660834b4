"""Publishing of the 2021 preview: one deployed model per project, reached by a model id."""

from __future__ import annotations

from threading import RLock

from language_emulator.clock import Clock
from language_emulator.control.rules import Injected
from language_emulator.jobs.job_store import InstantWork, JobStore
from language_emulator.jobs.records import JobStatus, PublishingJob
from language_emulator.projects.records import Project, ProjectKind, Publication
from language_emulator.projects.store import Projects, get_model

_ID_WORDS = {ProjectKind.SINGLE_LABEL: "SingleClassification", ProjectKind.MULTI_LABEL: "MultiClassification"}


class Publishing(InstantWork):
    """A new publication replaces the project's deployed model; older ids go on answering for jobs in flight."""

    def __init__(self, projects: Projects, job_store: JobStore, clock: Clock, lock: RLock) -> None:
        self._projects = projects
        self._job_store = job_store
        self._clock = clock
        self._lock = lock

    def start(self, project_name: str, label: str, injected: Injected) -> PublishingJob:
        with self._lock:
            get_model(self._projects.get(project_name), label)
            return self._job_store.post(PublishingJob(project=project_name, model_label=label), injected)

    def find(self, model_id: str) -> tuple[Project, Publication] | None:
        """The publication a model id names, current or not."""
        for project in self._projects.select():
            for publication in project.publications:
                if publication.model_id == model_id:
                    return project, publication
        return None

    def complete(self, job: PublishingJob) -> JobStatus:
        # As it is now: the name may have been trained again meanwhile.
        model = get_model(self._projects.get(job.project), job.model_label)
        publication = Publication(
            model_id=f"{model.guid}_{_ID_WORDS[model.kind]}_latest",
            model_guid=model.guid,
            model_label=job.model_label,
            started=job.created,
            published=self._clock.now(),
        )

        def put_last(project: Project) -> None:
            others = [known for known in project.publications if known.model_id != publication.model_id]
            project.publications = [*others, publication]

        self._projects.change(job.project, put_last)
        job.model_id = publication.model_id
        return JobStatus.SUCCEEDED
