"""Projects, their models, and how well those do."""

from __future__ import annotations

from datetime import datetime

from shared.language.authoring_values import Project, ReviewedDocument, TrainedModel
from shared.models.acceptance import AcceptanceRule
from shared.models.evaluations import EvaluationFigures
from shared.models.labels_store import labels_blob
from shared.models.projects import PutLabels
from shared.models.promise import Promise
from shared.reports.bodies import Body, ProblemPlace, place_list

# Of the documents that a model was not trained on, in one answer.
LISTED_REVIEWED = 1_000


class ProjectBody(Body):
    """A project. `labels_file` is empty for versions that take labels by import.

    `acceptance` is null where it asks for no precision; `warnings` say what keeps the app from promising it now.
    """

    name: str
    kind: str
    language: str
    multilingual: bool
    description: str
    container: str
    labels_file: str
    created: datetime | None
    modified: datetime | None
    acceptance: AcceptanceRule | None
    warnings: list[str]


class DeletedModel(Body):
    """Answer to DELETE .../models/{model}."""

    model: str
    deleted: bool = True


class DeletedProject(Body):
    """Answer to DELETE /api/projects/{project}."""

    name: str
    deleted: bool = True


class StoredLabels(Body):
    """Answer to PUT .../labels: labelled documents, in all and by class, and the blob they were stored in.

    `documents` counts those without a class too, which `unlabelled` counts alone. `warnings` are 100 at most;
    `more_warnings` counts the others.
    """

    documents: int
    unlabelled: int
    classes: dict[str, int]
    stored: str
    warnings: list[ProblemPlace]
    more_warnings: int


class ModelBody(Body):
    """A trained model and how far it has come. `model_id` is what the 2021 preview calls it once it is published."""

    model: str
    trained: str
    trained_at: datetime | None
    evaluated: str
    published: str
    model_id: str | None
    in_use: bool


class ModelList(Body):
    """GET .../models"""

    models: list[ModelBody]


class EvaluationBody(EvaluationFigures):
    """GET .../evaluation?model=...: the service's figures on its own test documents."""

    kind: str


class ReviewedBody(Body):
    """A document the model was not trained on: its labels beside the model's classes."""

    location: str
    language: str
    labelled: list[str]
    predicted: list[str]
    mismatched: bool


class ValidationBody(Body):
    """GET .../validation?model=...: `documents` and `mismatched` count all of them, whatever is `shown`.

    Of those to show, 1,000 at most; `skip` asks for those that come next, null when there are none.
    """

    model: str
    documents: int
    mismatched: int
    shown: list[ReviewedBody]
    skip: int | None


def project_body(project: Project, promise: Promise) -> ProjectBody:
    return ProjectBody(
        name=project.name,
        kind=project.kind,
        language=project.language,
        multilingual=project.multilingual,
        description=project.description,
        container=project.container,
        labels_file=project.labels_location,
        created=project.created,
        modified=project.modified,
        acceptance=promise.rule,
        warnings=list(promise.warnings),
    )


def stored_labels(project: Project, put: PutLabels) -> StoredLabels:
    warnings, more = place_list(put.warnings)
    return StoredLabels(
        documents=len(put.labels.placed),
        unlabelled=len(put.labels.unlabelled),
        classes=put.labels.counts,
        stored=labels_blob(project),
        warnings=warnings,
        more_warnings=more,
    )


def model_list(models: list[TrainedModel], *, in_use: str | None) -> ModelList:
    """`in_use` is the label of the model in use."""
    return ModelList(
        models=[
            ModelBody(
                model=model.label,
                trained=model.trained,
                trained_at=model.trained_at,
                evaluated=model.evaluated,
                published=model.published,
                model_id=model.model_id,
                in_use=model.label == in_use,
            )
            for model in models
        ]
    )


def validation_body(
    label: str, documents: list[ReviewedDocument], *, only_mismatched: bool, skip: int = 0
) -> ValidationBody:
    asked = [document for document in documents if document.is_mismatched or not only_mismatched]
    shown, end = asked[skip : skip + LISTED_REVIEWED], skip + LISTED_REVIEWED
    return ValidationBody(
        model=label,
        documents=len(documents),
        mismatched=sum(document.is_mismatched for document in documents),
        shown=[
            ReviewedBody(
                location=document.location,
                language=document.language,
                labelled=list(document.labelled),
                predicted=list(document.predicted),
                mismatched=document.is_mismatched,
            )
            for document in shown
        ],
        skip=end if end < len(asked) else None,
    )
