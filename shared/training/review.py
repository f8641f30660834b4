"""Looking at models: the list, an evaluation, the reviewed documents, and two models compared class by class."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from shared.language.dialects import dialect_for
from shared.language.models import Evaluation
from shared.models.gate import Metric
from shared.training.context import Training
from shared.training.operation import evaluation_record
from shared.training.start import list_models


def models_body(training: Training, project: str) -> list[dict[str, Any]]:
    """Every trained model, and which one is in use."""
    in_use = training.active_model.find_label(project)
    return [
        {
            "model": model.label,
            "trained": model.trained.value,
            "trained_at": model.trained_at.isoformat() if model.trained_at else None,
            "evaluated": model.evaluated.value,
            "published": model.published.value,
            "model_id": model.model_id,
            "in_use": model.label == in_use,
        }
        for model in list_models(training, project)
    ]


def evaluation_body(training: Training, project: str, label: str) -> dict[str, Any]:
    evaluation = _evaluation(training, project, label)
    return {"kind": evaluation.kind.value, **evaluation_record(label, evaluation).model_dump()}


def validation_body(training: Training, project: str, label: str, *, only_mismatched: bool) -> dict[str, Any]:
    """Documents the model was not trained on, labelled against predicted classes."""
    dialect = dialect_for(training.settings.language_api)
    documents = training.language.send_pages(lambda page: dialect.get_review(project, label=label, page=page))
    shown = [document for document in documents if document.is_mismatched or not only_mismatched]
    return {
        "model": label,
        "documents": len(documents),
        "mismatched": sum(document.is_mismatched for document in documents),
        "shown": [asdict(document) | {"mismatched": document.is_mismatched} for document in shown],
    }


def comparison_body(training: Training, project: str, first: str, second: str) -> dict[str, Any]:
    """Deltas (second minus first) of the whole and of each class; None where only one model knows the class."""
    one, other = _evaluation(training, project, first), _evaluation(training, project, second)
    classes = {name: _class_delta(one, other, name) for name in sorted(set(one.classes) | set(other.classes))}
    return {
        "models": [first, second],
        "delta": {name: round(getattr(other, name) - getattr(one, name), 6) for name in Metric},
        "classes": classes,
    }


def _class_delta(one: Evaluation, other: Evaluation, name: str) -> dict[str, float] | None:
    ours, theirs = one.classes.get(name), other.classes.get(name)
    if ours is None or theirs is None:
        return None
    return {key: round(getattr(theirs, key) - getattr(ours, key), 6) for key in ("precision", "recall", "f1")}


def _evaluation(training: Training, project: str, label: str) -> Evaluation:
    dialect = dialect_for(training.settings.language_api)
    return training.language.send(dialect.get_evaluation(project, label=label))
