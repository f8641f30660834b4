"""What the emulator remembers of a project: plain records, saved as JSON. No behaviour beyond looking inside."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal
from uuid import uuid4

from pydantic import BaseModel, Field

from language_emulator.projects.labels import LabelSet


class ProjectKind(StrEnum):
    """How many classes a document of the project can have."""

    SINGLE_LABEL = "singleLabel"
    MULTI_LABEL = "multiLabel"

    @property
    def is_single(self) -> bool:
        return self is ProjectKind.SINGLE_LABEL


def new_guid() -> str:
    return str(uuid4())


class SplitOptions(BaseModel):
    """How a GA training divides the documents; the 2021 preview always splits 80/10/10."""

    kind: Literal["percentage", "manual"] = "percentage"
    training_percentage: int = 80
    testing_percentage: int = 20


class Scores(BaseModel):
    """Precision, recall and their harmonic mean."""

    precision: float = 0.0
    recall: float = 0.0
    f1: float = 0.0


class ClassResult(BaseModel):
    """Right and wrong answers about one class."""

    true_positives: int
    true_negatives: int
    false_positives: int
    false_negatives: int
    scores: Scores


class Evaluation(BaseModel):
    """What the held-out test documents say of a model; how they are counted is in `training/evaluation.py`."""

    classes: dict[str, ClassResult]
    micro: Scores
    macro: Scores
    confusion: dict[str, dict[str, int]] | None = None


class DocumentReview(BaseModel):
    """One held-out document: what a person said and what the model says."""

    location: str
    language: str | None
    labelled: list[str]
    predicted: list[str]


class TrainedModel(BaseModel):
    """One training's result. `guid` names this version for ever; `label` names the newest trained under it."""

    guid: str = Field(default_factory=new_guid)
    label: str
    kind: ProjectKind
    config_version: str
    split: SplitOptions | None
    training_job_id: str
    started: datetime
    trained: datetime
    evaluated: datetime
    documents: int
    evaluation: Evaluation | None = None
    validation_review: list[DocumentReview] = []
    test_review: list[DocumentReview] = []


class Publication(BaseModel):
    """A model id of the 2021 preview. It stays answerable until its project or model is deleted."""

    model_id: str
    model_guid: str
    model_label: str
    started: datetime
    published: datetime


class Deployment(BaseModel):
    """A named slot of the GA API and the model version in it."""

    name: str
    model_guid: str
    model_label: str
    config_version: str
    trained: datetime
    deployed: datetime
    expires: datetime


class Project(BaseModel):
    """A project of either API version; both see the same ones."""

    guid: str = Field(default_factory=new_guid)
    name: str
    kind: ProjectKind
    container: str
    language: str
    multilingual: bool = False
    description: str = ""
    settings: dict[str, Any] = {}
    created: datetime
    modified: datetime
    # 2021 preview: the labels stay in the container and are read at each training.
    labels_location: str | None = None
    # GA: the labels came with an import.
    labels: LabelSet | None = None
    models: dict[str, TrainedModel] = {}
    publications: list[Publication] = []
    deployments: dict[str, Deployment] = {}

    @property
    def current_publication(self) -> Publication | None:
        """The one deployed model of the 2021 preview."""
        return self.publications[-1] if self.publications else None

    def model_guids(self) -> set[str]:
        """Every model version something can still ask for."""
        return (
            {model.guid for model in self.models.values()}
            | {publication.model_guid for publication in self.publications}
            | {deployment.model_guid for deployment in self.deployments.values()}
        )
