"""The resource's projects: created, found, changed and deleted, in memory and on disk."""

from __future__ import annotations

from collections.abc import Callable
from threading import RLock

from language_emulator import errors
from language_emulator.classifier.store import ClassifierStore
from language_emulator.clock import Clock
from language_emulator.limits import DOCUMENTS_FOR_EVALUATION, PROJECTS
from language_emulator.persistence import RecordFolder
from language_emulator.projects.records import Evaluation, Project, TrainedModel


class Projects:
    """Names are case-sensitive. A record handed out never changes: `change` puts an edited copy in its place."""

    def __init__(self, clock: Clock, records: RecordFolder[Project], classifiers: ClassifierStore, lock: RLock) -> None:
        self._clock = clock
        self._records = records
        self._classifiers = classifiers
        self._lock = lock
        self._projects = {project.name: project for project in records.load()}

    def get(self, name: str) -> Project:
        with self._lock:
            if name not in self._projects:
                raise errors.project_not_found(name)
            return self._projects[name]

    def find(self, name: str) -> Project | None:
        with self._lock:
            return self._projects.get(name)

    def select(self) -> list[Project]:
        with self._lock:
            return sorted(self._projects.values(), key=lambda project: project.name)

    def add(self, project: Project) -> None:
        with self._lock:
            if project.name in self._projects:
                raise errors.project_exists(project.name)
            if len(self._projects) >= PROJECTS:
                raise errors.quota_exceeded(f"A resource holds at most {PROJECTS} projects.")
            self._projects[project.name] = project
            self._records.save(project.guid, project)

    def change(self, name: str, edit: Callable[[Project], None]) -> Project:
        """Apply `edit`, save, and drop classifiers nothing can ask for any more."""
        with self._lock:
            before = self.get(name)
            project = _editable(before)
            edit(project)
            project.modified = self._clock.now()
            self._projects[name] = project
            self._records.save(project.guid, project)
            for guid in before.model_guids() - project.model_guids():
                self._classifiers.delete(guid)
            return project

    def delete(self, name: str) -> Project:
        with self._lock:
            project = self.get(name)
            del self._projects[name]
            self._records.delete(project.guid)
            for guid in project.model_guids():
                self._classifiers.delete(guid)
            return project

    def clear(self) -> None:
        with self._lock:
            for name in list(self._projects):
                self.delete(name)


def _editable(project: Project) -> Project:
    """A copy whose collections are its own; what is in them is replaced, never edited."""
    return project.model_copy(
        update={
            "models": dict(project.models),
            "publications": list(project.publications),
            "deployments": dict(project.deployments),
        }
    )


def get_model(project: Project, label: str) -> TrainedModel:
    if label not in project.models:
        raise errors.model_not_found(label)
    return project.models[label]


def get_evaluation(model: TrainedModel) -> Evaluation:
    if model.evaluation is None:
        raise errors.evaluation_unavailable(model.label, DOCUMENTS_FOR_EVALUATION)
    return model.evaluation
