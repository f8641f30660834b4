"""Where projects, jobs and classifiers are kept: in memory, or in a folder that survives a restart.

Layout of the folder: `projects/<guid>.json`, `jobs/<id>.json`, `models/<guid>/` (arrays and JSON). Files are
replaced whole, so a crash leaves the old or the new one.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pydantic import BaseModel, TypeAdapter

from language_emulator.jobs import AnyJob, Job
from language_emulator.records import Project

if TYPE_CHECKING:
    from language_emulator.classifier.model import Classifier


class Archive(Protocol):
    """Write-through persistence; the living objects are with their owners."""

    def save_project(self, project: Project) -> None: ...
    def delete_project(self, project: Project) -> None: ...
    def load_projects(self) -> Iterator[Project]: ...
    def save_job(self, job: Job) -> None: ...
    def delete_job(self, job_id: str) -> None: ...
    def load_jobs(self) -> Iterator[Job]: ...
    def save_classifier(self, guid: str, classifier: Classifier) -> None: ...
    def delete_classifier(self, guid: str) -> None: ...
    def find_classifier(self, guid: str) -> Classifier | None: ...


class MemoryArchive:
    """Keeps classifiers, which have no other owner, and forgets the rest at the end of the process."""

    def __init__(self) -> None:
        self._classifiers: dict[str, Classifier] = {}

    def save_project(self, project: Project) -> None: ...

    def delete_project(self, project: Project) -> None: ...

    def load_projects(self) -> Iterator[Project]:
        return iter(())

    def save_job(self, job: Job) -> None: ...

    def delete_job(self, job_id: str) -> None: ...

    def load_jobs(self) -> Iterator[Job]:
        return iter(())

    def save_classifier(self, guid: str, classifier: Classifier) -> None:
        self._classifiers[guid] = classifier

    def delete_classifier(self, guid: str) -> None:
        self._classifiers.pop(guid, None)

    def find_classifier(self, guid: str) -> Classifier | None:
        return self._classifiers.get(guid)


class FolderArchive(MemoryArchive):
    """The same, written to disk; classifiers are read when first asked for and then stay in memory."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._projects = folder / "projects"
        self._jobs = folder / "jobs"
        self._models = folder / "models"
        for part in (self._projects, self._jobs, self._models):
            part.mkdir(parents=True, exist_ok=True)

    def save_project(self, project: Project) -> None:
        _replace(self._projects / f"{project.guid}.json", project)

    def delete_project(self, project: Project) -> None:
        (self._projects / f"{project.guid}.json").unlink(missing_ok=True)

    def load_projects(self) -> Iterator[Project]:
        for path in sorted(self._projects.glob("*.json")):
            yield Project.model_validate_json(path.read_bytes())

    def save_job(self, job: Job) -> None:
        _replace(self._jobs / f"{job.job_id}.json", job)

    def delete_job(self, job_id: str) -> None:
        (self._jobs / f"{job_id}.json").unlink(missing_ok=True)

    def load_jobs(self) -> Iterator[Job]:
        known: TypeAdapter[AnyJob] = TypeAdapter(AnyJob)
        for path in sorted(self._jobs.glob("*.json")):
            yield known.validate_json(path.read_bytes())

    def save_classifier(self, guid: str, classifier: Classifier) -> None:
        from language_emulator.classifier.model import save_classifier

        super().save_classifier(guid, classifier)
        save_classifier(classifier, self._models / guid)

    def delete_classifier(self, guid: str) -> None:
        super().delete_classifier(guid)
        shutil.rmtree(self._models / guid, ignore_errors=True)

    def find_classifier(self, guid: str) -> Classifier | None:
        from language_emulator.classifier.model import load_classifier

        if (known := super().find_classifier(guid)) is not None:
            return known
        with suppress(FileNotFoundError):
            classifier = load_classifier(self._models / guid)
            super().save_classifier(guid, classifier)
            return classifier
        return None


def open_archive(folder: Path | None) -> Archive:
    return FolderArchive(folder) if folder is not None else MemoryArchive()


def _replace(path: Path, record: BaseModel) -> None:
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(record.model_dump_json(), encoding="utf-8")
    unfinished.replace(path)
