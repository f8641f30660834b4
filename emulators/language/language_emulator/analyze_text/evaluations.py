"""Evaluation answers of the GA API: the summary of a model and the results of its test documents."""

from __future__ import annotations

from typing import Any

from language_emulator.analyze_text.bodies import KEY_WORDS, kind_word
from language_emulator.projects.records import ClassResult, DocumentReview, Evaluation, SplitOptions, TrainedModel


def evaluation_body(model: TrainedModel, evaluation: Evaluation, version: str) -> dict[str, Any]:
    micro, macro = evaluation.micro, evaluation.macro
    figures: dict[str, Any] = {
        "classes": {name: _class_body(result) for name, result in evaluation.classes.items()},
        "microF1": micro.f1,
        "microPrecision": micro.precision,
        "microRecall": micro.recall,
        "macroF1": macro.f1,
        "macroPrecision": macro.precision,
        "macroRecall": macro.recall,
    }
    if evaluation.confusion is not None:
        figures = {"confusionMatrix": _confusion_body(evaluation.confusion)} | figures
    return {
        "projectKind": kind_word(model.kind, version),
        "evaluationOptions": _options_body(model.split),
        f"{KEY_WORDS[model.kind]}Evaluation": figures,
    }


def review_body(model: TrainedModel, review: DocumentReview, language: str, version: str) -> dict[str, Any]:
    if model.kind.is_single:
        result: dict[str, Any] = {"expectedClass": review.labelled[0], "predictedClass": review.predicted[0]}
    else:
        result = {"expectedClasses": review.labelled, "predictedClasses": review.predicted}
    return {
        "location": review.location,
        "language": review.language or language,
        "projectKind": kind_word(model.kind, version),
        f"{KEY_WORDS[model.kind]}Result": result,
    }


def _class_body(result: ClassResult) -> dict[str, Any]:
    scores = result.scores
    return {
        "f1": scores.f1,
        "precision": scores.precision,
        "recall": scores.recall,
        "truePositiveCount": result.true_positives,
        "trueNegativeCount": result.true_negatives,
        "falsePositiveCount": result.false_positives,
        "falseNegativeCount": result.false_negatives,
    }


def _confusion_body(confusion: dict[str, dict[str, int]]) -> dict[str, Any]:
    """`normalizedValue` is the percentage of the row, 100 for a row whose documents are all in one cell."""
    rows = {}
    for row, cells in confusion.items():
        total = sum(cells.values()) or 1
        rows[row] = {
            column: {"normalizedValue": 100 * count / total, "rawValue": float(count)}
            for column, count in cells.items()
        }
    return rows


def _options_body(split: SplitOptions | None) -> dict[str, Any]:
    if split is None:
        return {"kind": "percentage", "trainingSplitPercentage": 80, "testingSplitPercentage": 10}
    if split.kind == "manual":
        return {"kind": "manual"}
    return {
        "kind": "percentage",
        "trainingSplitPercentage": split.training_percentage,
        "testingSplitPercentage": split.testing_percentage,
    }
