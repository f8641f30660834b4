"""Projects: create or update, read, delete; and the labels file, checked before it replaces the stored one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from shared.documents.text import decode
from shared.errors import DocumentRejectedError, InputProblem, LanguageNotFoundError, PermanentError
from shared.language.dialects import dialect_for
from shared.language.dialects.base import Dialect
from shared.language.models import Project, ProjectKind
from shared.models.labels import LabelsFile, check_labels, parse_labels, to_july_form
from shared.storage.ports import BlobNotFoundError, BlobStore
from shared.training.active_model import ACTIVE_MODEL
from shared.training.context import Training

DEFAULT_LABELS = "labels.json"
# Contents are read to find those that are not text; beyond this many documents only their listing is checked.
MAX_READ = 2_000

ProjectName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,50}$")]


class ProjectRequest(BaseModel):
    """Body of PUT /api/projects/{project}."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: ProjectKind
    language: str = "en-us"
    multilingual: bool = False
    description: str = ""
    container: str | None = None
    labels_file: str = DEFAULT_LABELS


class ProjectUnchangeableError(PermanentError):
    """The service lets one change the description only."""


class LabelsRefusedError(PermanentError):
    """The labels file has faults; all of them are listed."""

    def __init__(self, faults: list[InputProblem]) -> None:
        super().__init__(f"the labels file has {len(faults)} faults; nothing was replaced")
        self.faults = faults


@dataclass(frozen=True)
class PutResult:
    project: Project
    created: bool


def put_project(training: Training, name: str, request: ProjectRequest) -> PutResult:
    """Create the project, or update its description. Raises ProjectUnchangeableError for any other change."""
    dialect = _dialect(training)
    wanted = Project(
        name=name,
        kind=request.kind,
        language=request.language,
        container=request.container or training.settings.training_container,
        labels_location=request.labels_file,
        multilingual=request.multilingual,
        description=request.description,
    )
    if dialect.has_deployments and request.labels_file != DEFAULT_LABELS:
        raise ProjectUnchangeableError(
            f"{dialect.api_version} takes labels by import; the file is always {DEFAULT_LABELS} of the container"
        )
    existing = find_project(training, name)
    if existing is None:
        training.language.send(dialect.create_project(wanted))
        return PutResult(training.language.send(dialect.get_project(name)), created=True)
    _refuse_other_changes(existing, wanted)
    if existing.description != wanted.description:
        training.language.send(dialect.update_project(replace(existing, description=wanted.description)))
        existing = training.language.send(dialect.get_project(name))
    return PutResult(existing, created=False)


def _refuse_other_changes(existing: Project, wanted: Project) -> None:
    fixed = ["kind", "container", "multilingual"]
    if existing.labels_location:  # versions that take labels by import do not keep the file's name
        fixed.append("labels_location")
    changed = [name for name in fixed if getattr(existing, name) != getattr(wanted, name)]
    if existing.language.lower() != wanted.language.lower():
        changed.append("language")
    if changed:
        raise ProjectUnchangeableError(
            f"the service cannot change {', '.join(changed)} of project {existing.name!r}; "
            "only its description; delete the project and create it again"
        )


def find_project(training: Training, name: str) -> Project | None:
    try:
        return training.language.send(_dialect(training).get_project(name))
    except LanguageNotFoundError:
        return None


def delete_project(training: Training, name: str) -> bool:
    """Delete it at the service, and the active-model pointer if it names this project. Documents and results stay."""
    try:
        training.language.send(_dialect(training).delete_project(name))
        existed = True
    except LanguageNotFoundError:
        existed = False
    record = training.active_model.find_record()
    if record is not None and record.model.project == name:
        training.state.delete(ACTIVE_MODEL)
        training.active_model.forget()
    return existed


def put_labels(training: Training, project: Project, content: Any) -> LabelsFile:
    """Check a labels file and replace the stored one. Raises LabelsRefusedError with every fault and its place."""
    container = training.open_container(project.container)
    labels = parse_labels(content)
    sizes = {info.name: info.size for info in container.list() if info.name != project.labels_location}
    faults = check_labels(labels, sizes) + labels.kind_fits(project.kind)
    if not faults:
        faults = _unreadable(training, container, labels)
    if faults:
        raise LabelsRefusedError(faults)
    container.put(labels_blob(project), to_july_form(labels))
    return labels


def labels_blob(project: Project) -> str:
    """Where the labels file lies in the project's container; versions that take labels by import do not keep a name."""
    return project.labels_location or DEFAULT_LABELS


def _unreadable(training: Training, container: BlobStore, labels: LabelsFile) -> list[InputProblem]:
    if len(labels.documents) > MAX_READ:
        return []

    def fault(each: tuple[int, str]) -> InputProblem | None:
        number, location = each
        try:
            decode(container.read(location).data)
        except (BlobNotFoundError, DocumentRejectedError) as error:
            return InputProblem(list(labels.placed)[number], f"{location!r} cannot be read: {error}")
        return None

    locations = [(number, document.location) for number, document in enumerate(labels.documents)]
    return [found for found in training.pipeline.fan_out(fault, locations) if found is not None]


def project_body(project: Project) -> Mapping[str, Any]:
    """A project as the HTTP functions answer it."""
    return {
        "name": project.name,
        "kind": project.kind.value,
        "language": project.language,
        "multilingual": project.multilingual,
        "description": project.description,
        "container": project.container,
        "labels_file": project.labels_location,
        "created": project.created.isoformat() if project.created else None,
        "modified": project.modified.isoformat() if project.modified else None,
    }


def _dialect(training: Training) -> Dialect:
    return dialect_for(training.settings.language_api)
