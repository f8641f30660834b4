"""The resource's projects: created, found, changed and deleted, in memory and in the archive."""

from __future__ import annotations

from collections.abc import Callable
from threading import RLock

from language_emulator import errors
from language_emulator.archive import Archive
from language_emulator.clock import Clock
from language_emulator.limits import PROJECTS
from language_emulator.records import Project, TrainedModel


class Projects:
    """Names are case-sensitive. A record handed out never changes: `change` puts an edited copy in its place."""

    def __init__(self, clock: Clock, archive: Archive, lock: RLock) -> None:
        self._clock = clock
        self._archive = archive
        self._lock = lock
        self._projects = {project.name: project for project in archive.load_projects()}

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
            self._archive.save_project(project)

    def change(self, name: str, edit: Callable[[Project], None]) -> Project:
        """Apply `edit`, save, and drop classifiers nothing can ask for any more."""
        with self._lock:
            before = self.get(name)
            project = _editable(before)
            edit(project)
            project.modified = self._clock.now()
            self._projects[name] = project
            self._archive.save_project(project)
            for guid in before.model_guids() - project.model_guids():
                self._archive.delete_classifier(guid)
            return project

    def delete(self, name: str) -> Project:
        with self._lock:
            project = self.get(name)
            del self._projects[name]
            self._archive.delete_project(project)
            for guid in project.model_guids():
                self._archive.delete_classifier(guid)
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
