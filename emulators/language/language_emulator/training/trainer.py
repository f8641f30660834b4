"""From a project's labels to a trained, evaluated model: read, split, fit, evaluate on what was held out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from language_emulator import errors
from language_emulator.limits import TRAINING_CHARACTERS, TRAINING_CHARACTERS_2021
from language_emulator.projects.labels import LabelledDocument, LabelSet
from language_emulator.projects.project_labels import read_labels
from language_emulator.projects.records import DocumentReview, Evaluation, Project, SplitOptions
from language_emulator.projects.storage import ProjectStorage, read_texts
from language_emulator.training.evaluation import evaluate
from language_emulator.training.splits import Split, split_documents

if TYPE_CHECKING:
    from language_emulator.classifier.model import Classifier

OnProgress = Callable[[float], None]


@dataclass(frozen=True)
class TrainedClassifier:
    """What one training found out. `evaluation` is None when there were too few documents to hold any out."""

    classifier: Classifier
    documents: int
    fitting_seconds: float
    evaluation: Evaluation | None
    validation_review: list[DocumentReview]
    test_review: list[DocumentReview]


def train_classifier(
    storage: ProjectStorage, project: Project, options: SplitOptions | None, seed: str, on_progress: OnProgress
) -> TrainedClassifier:
    """Train as the service does: on the training part only, which calibration too is confined to."""
    labels = read_labels(storage, project)
    split = split_documents(_usable(labels, project), options, seed)
    longest = TRAINING_CHARACTERS_2021 if project.labels is None else TRAINING_CHARACTERS
    texts = _read_texts(storage, project.container, split, longest)
    train = [document for document in split.train if texts[document.location].strip()]
    if not train:
        raise errors.project_incomplete("no labelled document has any text")
    on_progress(0.3)

    from language_emulator.classifier.fitting import fit_classifier  # scikit-learn

    begun = time.perf_counter()
    try:
        classifier = fit_classifier(
            [texts[document.location] for document in train],
            [document.classes for document in train],
            labels.classes,
            single_label=project.kind.is_single,
            on_progress=lambda done: on_progress(0.3 + 0.6 * done),
        )
    except ValueError as error:
        raise errors.project_incomplete("the labelled documents hold no words to learn from") from error
    seconds = time.perf_counter() - begun
    test_review = _review(classifier, split.test, texts)
    return TrainedClassifier(
        classifier=classifier,
        documents=len(train),
        fitting_seconds=seconds,
        evaluation=_evaluate(labels.classes, test_review, project) if test_review else None,
        validation_review=_review(classifier, split.validation, texts),
        test_review=test_review,
    )


def _usable(labels: LabelSet, project: Project) -> list[LabelledDocument]:
    """A single-label document without a class says nothing; a multi-label one says "none of them"."""
    usable = [document for document in labels.documents if document.classes or not project.kind.is_single]
    if not usable:
        raise errors.project_incomplete("it has no labelled documents")
    return usable


def _read_texts(storage: ProjectStorage, container: str, split: Split, longest: int) -> dict[str, str]:
    names = [document.location for part in (split.train, split.validation, split.test) for document in part]
    return dict(zip(names, read_texts(storage, container, names, longest=longest), strict=True))


def _review(
    classifier: Classifier, documents: Sequence[LabelledDocument], texts: dict[str, str]
) -> list[DocumentReview]:
    answers = classifier.classify([texts[document.location] for document in documents])
    return [
        DocumentReview(
            location=document.location,
            language=document.language,
            labelled=document.classes,
            predicted=[score.name for score in answer],
        )
        for document, answer in zip(documents, answers, strict=True)
    ]


def _evaluate(classes: list[str], review: list[DocumentReview], project: Project) -> Evaluation:
    return evaluate(
        classes,
        [document.labelled for document in review],
        [document.predicted for document in review],
        single_label=project.kind.is_single,
    )
