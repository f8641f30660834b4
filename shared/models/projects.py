"""Projects of the Language service, their labels, and their models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from shared.concurrency import FanOut
from shared.documents.content import DocumentReader
from shared.documents.text import count_characters
from shared.errors import (
    BlobNotFoundError,
    BlobUnreadableError,
    ContainerNotAllowedError,
    DocumentRejectedError,
    InputProblem,
    LabelsRefusedError,
    LanguageNotFoundError,
    ProjectUnchangeableError,
    ProjectUnknownError,
    quoted,
)
from shared.language.apis import api_for
from shared.language.apis.base import LanguageApi
from shared.language.authoring_values import Evaluation, LabelledDocument, Project, ReviewedDocument, TrainedModel
from shared.language.client import LanguageClient
from shared.language.values import ProjectKind
from shared.models.acceptance import AcceptanceRule
from shared.models.active_model import ActiveModelStore
from shared.models.golden import Split
from shared.models.label_checks import check_blobs, check_labels, check_sides, fold, warn_of, warn_of_near_duplicates
from shared.models.labels import MAX_PROBLEMS, parse_labels
from shared.models.labels_file import LabelsFile
from shared.models.labels_store import DEFAULT_LABELS, LabelsStore
from shared.models.near_duplicates import Sketch, near_duplicates, sketch
from shared.models.promise import Promises
from shared.storage.ports import BlobStore

# Contents are read to find those that are no text or too long; of more documents only those that are large enough to be
# too long, and no more than this many.
MAX_READ = 2_000

# It is written without a look at what it replaces: never a document, and no name that a path could twist.
LabelsFileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_./-]{0,250}\.json$")]
PROJECT_PATTERN = r"^[A-Za-z0-9_.-]{1,50}$"
ProjectName = Annotated[str, Field(pattern=PROJECT_PATTERN)]


class ProjectRequest(BaseModel):
    """Body of PUT /api/projects/{project}. Without the member `acceptance` the project's stays; null ends it."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    kind: ProjectKind
    language: str = "en-us"
    multilingual: bool = False
    description: str = ""
    container: str | None = None
    labels_file: LabelsFileName = DEFAULT_LABELS
    acceptance: AcceptanceRule | None = None

    @property
    def changes_acceptance(self) -> bool:
        return "acceptance" in self.model_fields_set


@dataclass(frozen=True)
class PutResult:
    project: Project
    created: bool


@dataclass(frozen=True)
class PutLabels:
    """Labels as they were stored, and what is doubtful about them."""

    labels: LabelsFile
    warnings: list[InputProblem]


@dataclass(frozen=True)
class Projects:
    """Projects at the service, under one version of its API.

    `containers` are those that a project may have; a project that names none has the first.
    """

    language: LanguageClient
    language_api: str
    active_model: ActiveModelStore
    labels: LabelsStore
    promises: Promises
    containers: tuple[str, ...]
    open_container: Callable[[str], BlobStore]
    reader: DocumentReader
    fan_out: FanOut

    @property
    def api(self) -> LanguageApi:
        return api_for(self.language_api)

    def put(self, name: str, request: ProjectRequest) -> PutResult:
        """Create the project, or update its description and what it asks for. Raises ProjectUnchangeableError for any
        other change.

        Raises ContainerNotAllowedError.
        """
        result = self._put_at_service(name, request)
        if request.changes_acceptance:
            self.promises.set_rule(name, request.acceptance)
        return result

    def _put_at_service(self, name: str, request: ProjectRequest) -> PutResult:
        wanted = Project(
            name=name,
            kind=request.kind,
            language=request.language,
            container=request.container or self.containers[0],
            labels_location=request.labels_file,
            multilingual=request.multilingual,
            description=request.description,
        )
        self._check_container(wanted)
        if self.api.takes_labels_by_import and request.labels_file != DEFAULT_LABELS:
            raise ProjectUnchangeableError(
                f"{self.language_api} takes labels by import; the file is always {DEFAULT_LABELS} of the container"
            )
        existing = self.find(name)
        if existing is None:
            self.language.send(self.api.create_project(wanted))
            return PutResult(self.language.send(self.api.get_project(name)), created=True)
        _refuse_other_changes(existing, wanted)
        if existing.description != wanted.description:
            self.language.send(self.api.update_project(replace(existing, description=wanted.description)))
            existing = self.language.send(self.api.get_project(name))
        return PutResult(existing, created=False)

    def find(self, name: str) -> Project | None:
        try:
            return self.language.send(self.api.get_project(name))
        except LanguageNotFoundError:
            return None

    def get(self, name: str) -> Project:
        """Raises ProjectUnknownError."""
        project = self.find(name)
        if project is None:
            raise ProjectUnknownError(name)
        return project

    def delete(self, name: str) -> None:
        """Delete it at the service, and here its stored labels, its settings, its trials, and the active model if that
        is its own.

        Documents, records and the labels file in the container stay; where the service read that file without the
        golden documents, it is made whole again. Raises ProjectUnknownError.
        """
        existing = self.find(name)
        if existing is not None and not self.api.takes_labels_by_import:
            self.labels.restore_file(existing)
        try:
            self.language.send(self.api.delete_project(name))
        except LanguageNotFoundError as error:
            self._forget(name)
            raise ProjectUnknownError(name) from error
        self._forget(name)

    def _forget(self, name: str) -> None:
        self.active_model.remove(name)
        # A project of the same name, created later, begins with labels of its own.
        self.labels.delete(name)
        self.promises.forget(name)

    def put_labels(self, project: Project, content: Any) -> PutLabels:
        """Check a labels file and replace the stored one. Raises LabelsRefusedError with every problem.

        Raises ContainerNotAllowedError for a project that was put on its container by other means than this app.
        """
        self._check_container(project)
        container = self.open_container(project.container)
        rules = self.api.label_rules
        labels = parse_labels(content)
        sizes = {info.name: info.size for info in container.list() if info.name != project.labels_location}
        sides = self.labels.sides(labels)
        found = chain(
            check_labels(labels, rules),
            check_sides(labels, sides),
            labels.kind_fits(project.kind),
            check_blobs(labels, sizes, container=project.container),
        )
        problems = list(islice(found, MAX_PROBLEMS))
        warnings = warn_of(labels, sides, project.kind)
        if self.labels.golden_percent and not sides.golden:
            what = "no document is golden: models are judged by documents that the service chooses at random"
            warnings.append(InputProblem(labels.documents_place, what))
        if not problems:
            problems, more = self._check_contents(container, labels, sides, sizes)
            warnings += more
        if problems:
            raise LabelsRefusedError(fold(problems))
        self.labels.put(project, labels, service_reads_file=not self.api.takes_labels_by_import)
        return PutLabels(labels, fold(warnings))

    def _check_container(self, project: Project) -> None:
        if project.container not in self.containers:
            raise ContainerNotAllowedError(project.container, allowed=self.containers)

    def _check_contents(
        self, container: BlobStore, labels: LabelsFile, sides: Split, sizes: Mapping[str, int]
    ) -> tuple[list[InputProblem], list[InputProblem]]:
        """Documents that are no text or too long; then, as warnings, golden ones that are like others."""
        longest = self.api.label_rules.max_characters
        read = list(labels.placed.items())
        if len(read) > MAX_READ:
            read = [each for each in read if sizes[each[1].location] > longest][:MAX_READ]

        def problem_or_sketch(each: tuple[str, LabelledDocument]) -> InputProblem | Sketch:
            place, document = each
            location = quoted(document.location)
            try:
                text = self.reader.read(container.read(document.location)).text
            except (BlobNotFoundError, BlobUnreadableError, DocumentRejectedError) as error:
                return InputProblem(place, f"{location} cannot be read: {error}")
            characters = count_characters(text)
            if characters > longest:
                what = f"{location} has {characters} characters; the service trains on {longest} at most: split it"
                return InputProblem(place, what)
            return sketch(text)

        found = dict(zip([place for place, _ in read], self.fan_out(problem_or_sketch, read), strict=True))
        problems = [each for each in found.values() if isinstance(each, InputProblem)]
        sketches = {place: each for place, each in found.items() if isinstance(each, Sketch)}
        golden = {each.location for each in sides.golden}
        is_golden = {place: labels.placed[place].location in golden for place in sketches}
        like_others = near_duplicates(
            {place: each for place, each in sketches.items() if is_golden[place]},
            {place: each for place, each in sketches.items() if not is_golden[place]},
        )
        warnings = list(warn_of_near_duplicates(labels, like_others))
        if unread := len(labels.placed) - len(read):
            what = (
                f"the contents of {unread} documents were not read: whether all are text, and whether golden documents "
                "are like others, is not known"
            )
            warnings.append(InputProblem(labels.documents_place, what))
        return problems, warnings

    def list_models(self, name: str) -> list[TrainedModel]:
        """Every trained model. Raises ProjectUnknownError."""
        try:
            return self.language.send_pages(lambda page: self.api.list_models(name, page=page))
        except LanguageNotFoundError as error:
            raise ProjectUnknownError(name) from error

    def get_evaluation(self, name: str, *, label: str) -> Evaluation:
        """How the service evaluated a model on its test set. Raises LanguageNotFoundError."""
        return self.language.send(self.api.get_evaluation(name, label=label))

    def list_reviewed(self, name: str, *, label: str) -> list[ReviewedDocument]:
        """Documents the model was not trained on, their labels beside its predictions."""
        return self.language.send_pages(lambda page: self.api.get_review(name, label=label, page=page))


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
