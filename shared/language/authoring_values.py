"""What callers give the authoring API and get back, whatever its version. No document waits for any of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Generic, TypeVar

from shared.language.values import LroStatus, Page, ProjectKind, ServiceError

T = TypeVar("T")


@dataclass(frozen=True)
class Project:
    """A project's definition; `labels_location` is the labels file's blob name in `container` (2021 preview)."""

    name: str
    kind: ProjectKind
    language: str
    container: str
    labels_location: str = ""
    multilingual: bool = False
    description: str = ""
    created: datetime | None = None
    modified: datetime | None = None


@dataclass(frozen=True)
class LabelRules:
    """What an API version allows in labels, by its own page of limits.

    `class_name` covers whole names and `class_name_in_words` says the same. `languages` are in lower case; with
    `any_region` only the part before the first dash counts.
    """

    min_classes: int
    max_classes: int
    min_documents: int
    max_documents: int
    max_characters: int
    class_name: re.Pattern[str]
    class_name_in_words: str
    languages: frozenset[str]
    any_region: bool

    def knows_language(self, code: str) -> bool:
        wanted = code.lower()
        return wanted.partition("-")[0] in self._primary_tags if self.any_region else wanted in self.languages

    @cached_property
    def _primary_tags(self) -> frozenset[str]:
        return frozenset(each.partition("-")[0] for each in self.languages)


@dataclass(frozen=True)
class AuthoringJob:
    """A training, import, publishing, deployment or swap job. `percent` (0 to 100) and `model_id` may be unknown."""

    id: str
    status: LroStatus
    errors: tuple[ServiceError, ...] = ()
    expires: datetime | None = None
    percent: int | None = None
    evaluation_status: LroStatus | None = None
    model_id: str | None = None
    created: datetime | None = None


@dataclass(frozen=True)
class TrainedModel:
    """A model of a project and how far it has come. `model_id` is set once the model is published."""

    label: str
    trained: LroStatus
    trained_at: datetime | None
    evaluated: LroStatus
    published: LroStatus
    model_id: str | None = None


@dataclass(frozen=True)
class ClassEvaluation:
    """One class on the test set: its counts, and precision, recall and F1 from 0 to 1."""

    precision: float
    recall: float
    f1: float
    true_positives: int
    true_negatives: int
    false_positives: int
    false_negatives: int


@dataclass(frozen=True)
class Evaluation:
    """A model on its test set. Micro figures sum the classes' counts, macro figures average the classes."""

    kind: ProjectKind
    classes: Mapping[str, ClassEvaluation]
    micro_f1: float
    micro_precision: float
    micro_recall: float
    macro_f1: float
    macro_precision: float
    macro_recall: float


@dataclass(frozen=True)
class ReviewedDocument:
    """A document of the test set: the classes people gave it, and those the model predicted."""

    location: str
    language: str
    labelled: tuple[str, ...]
    predicted: tuple[str, ...]

    @property
    def is_mismatched(self) -> bool:
        return set(self.labelled) != set(self.predicted)


@dataclass(frozen=True)
class LabelledDocument:
    """A training document: its blob name relative to the labels file, its classes, and its split if it has one."""

    location: str
    language: str
    classes: tuple[str, ...]
    dataset: str | None = None


@dataclass(frozen=True)
class TrainingConfig:
    """A version of the training itself (dated API), and the day its models expire."""

    version: str
    expires: date | None


@dataclass(frozen=True)
class Deployment:
    """A named slot that serves one model (dated API). `label` is None when it cannot be read from the model id."""

    name: str
    label: str | None
    model_id: str
    expires: date | None


@dataclass(frozen=True)
class Listing(Generic[T]):
    """One page of a list; `next_page` is None on the last."""

    items: tuple[T, ...]
    next_page: Page | None = None
