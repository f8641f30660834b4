"""What a person can choose from: the classes of the project, and the container that its texts for training are in."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.errors import (
    BlobNotFoundError,
    BlobUnreadableError,
    ContainerNotAllowedError,
    ProjectUnknownError,
    RetryableError,
)
from shared.json_input import parse_json
from shared.language.authoring_values import Project
from shared.models.labels import parse_labels
from shared.models.labels_store import labels_blob, stored_labels_blob
from shared.storage.ports import BlobStore

# A labels file may have 16 MiB, and a person goes through several documents a minute.
KEPT = timedelta(minutes=1)


@dataclass(frozen=True)
class _Read:
    at: datetime
    etag: str | None
    classes: tuple[str, ...]


class Choices:
    """Reads a project and its labels, and keeps their classes for a minute; a changed labels file is read again."""

    def __init__(
        self,
        state: BlobStore,
        get_project: Callable[[str], Project],
        open_container: Callable[[str], BlobStore],
        *,
        containers: tuple[str, ...],
        clock: Callable[[], datetime],
    ) -> None:
        self._state, self._get_project, self._open_container = state, get_project, open_container
        self._containers, self._clock = containers, clock
        self._projects: dict[str, tuple[datetime, Project]] = {}
        self._read: dict[str, _Read] = {}
        self._turn = threading.RLock()

    def container(self, project: str) -> str:
        """Where the project's labelled documents lie. Raises ContainerNotAllowedError, ProjectUnknownError."""
        found = self._project(project).container
        if found not in self._containers:
            raise ContainerNotAllowedError(found, allowed=self._containers)
        return found

    def classes(self, project: str, *, fresh: bool = False) -> tuple[str, ...]:
        """The classes of the project's labels; empty where they cannot be read. `fresh` looks whether they changed."""
        with self._turn:  # several documents are shown at once: one looks, the others use what it found
            known = self._read.get(project)
            if known is not None and not fresh and self._clock() - known.at < KEPT:
                return known.classes
            try:
                found = self._look(project, known)
            except (RetryableError, ProjectUnknownError, ContainerNotAllowedError, BlobUnreadableError, ValueError):
                return known.classes if known else ()
            self._read[project] = found
            return found.classes

    def _look(self, project: str, known: _Read | None) -> _Read:
        """What was PUT, else the labels file in the project's container, as for a retraining."""
        now, store, name = self._clock(), self._state, stored_labels_blob(project)
        info = store.find(name)
        if info is None:
            store, name = self._open_container(self.container(project)), labels_blob(self._project(project))
            info = store.find(name)
        if info is None:
            return _Read(now, None, ())
        if known is not None and known.etag == info.etag:
            return _Read(now, known.etag, known.classes)
        try:
            blob = store.read(name)
        except BlobNotFoundError:
            return _Read(now, None, ())
        return _Read(now, blob.etag, tuple(name for name in parse_labels(parse_json(blob.data)).classes if name))

    def _project(self, name: str) -> Project:
        """A project keeps its container for as long as it lives; asked for once a minute all the same."""
        now = self._clock()
        kept = self._projects.get(name)
        if kept is not None and now - kept[0] < KEPT:
            return kept[1]
        project = self._get_project(name)
        self._projects[name] = (now, project)
        return project
