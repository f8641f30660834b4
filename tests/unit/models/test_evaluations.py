"""Evaluations as the app keeps and shows them, and two models compared."""

from __future__ import annotations

import json

import pytest

from shared.language.authoring_values import ClassEvaluation, Evaluation
from shared.language.values import ProjectKind
from shared.models.evaluations import ClassDelta, EvaluationFigures, compare, evaluation_figures
from shared.models.gate import Metric

BILLING = ClassEvaluation(0.5, 0.25, 0.333, true_positives=3, true_negatives=5, false_positives=7, false_negatives=9)
SHIPPING = ClassEvaluation(1.0, 0.75, 0.857, true_positives=2, true_negatives=4, false_positives=0, false_negatives=1)


def evaluation(**classes: ClassEvaluation) -> Evaluation:
    return Evaluation(
        kind=ProjectKind.MULTI,
        classes=classes,
        micro_f1=0.81,
        micro_precision=0.82,
        micro_recall=0.83,
        macro_f1=0.84,
        macro_precision=0.85,
        macro_recall=0.86,
    )


def figures(label: str, *, add: float = 0.0, **f1_by_class: float) -> EvaluationFigures:
    """A model whose six metrics are 0.1 to 0.6 and a bit more, with classes of the given F1."""
    metrics = {metric.value: number / 10 + add for number, metric in enumerate(Metric, start=1)}
    counts = {"true_positives": 1, "true_negatives": 1, "false_positives": 1, "false_negatives": 1}
    classes = {name: {"precision": f1 + 0.1, "recall": f1 - 0.1, "f1": f1} | counts for name, f1 in f1_by_class.items()}
    return EvaluationFigures.model_validate({"label": label, "classes": classes} | metrics)


def test_the_figures_are_those_of_the_service_under_their_own_names() -> None:
    kept = evaluation_figures("first", evaluation(shipping=SHIPPING, billing=BILLING))
    assert json.loads(kept.model_dump_json()) == {
        "label": "first",
        "micro_f1": 0.81,
        "micro_precision": 0.82,
        "micro_recall": 0.83,
        "macro_f1": 0.84,
        "macro_precision": 0.85,
        "macro_recall": 0.86,
        "classes": {
            "billing": {
                "precision": 0.5,
                "recall": 0.25,
                "f1": 0.333,
                "true_positives": 3,
                "true_negatives": 5,
                "false_positives": 7,
                "false_negatives": 9,
            },
            "shipping": {
                "precision": 1.0,
                "recall": 0.75,
                "f1": 0.857,
                "true_positives": 2,
                "true_negatives": 4,
                "false_positives": 0,
                "false_negatives": 1,
            },
        },
    }


def test_kept_figures_are_read_back_the_same_and_ignore_what_a_newer_release_added() -> None:
    kept = evaluation_figures("first", evaluation(billing=BILLING))
    stored = json.loads(kept.model_dump_json()) | {"of_a_newer_release": 1}
    assert EvaluationFigures.model_validate(stored) == kept


def test_a_better_second_model_has_positive_deltas_and_a_worse_one_negative() -> None:
    worse, better = figures("worse", billing=0.4), figures("better", add=0.25, billing=0.7)
    assert compare(worse, better).delta == dict.fromkeys(Metric, 0.25)
    assert compare(better, worse).delta == dict.fromkeys(Metric, -0.25)
    assert compare(worse, better).classes == {"billing": ClassDelta(precision=0.3, recall=0.3, f1=0.3)}
    assert compare(better, worse).classes == {"billing": ClassDelta(precision=-0.3, recall=-0.3, f1=-0.3)}


@pytest.mark.parametrize("metric", Metric)
def test_each_metric_has_a_delta_of_its_own(metric: Metric) -> None:
    first = figures("first")
    second = first.model_copy(update={metric.value: 0.9})
    delta = compare(first, second).delta
    assert delta[metric] == round(0.9 - metric.of(first), 6)
    assert all(delta[other] == 0 for other in Metric if other is not metric)


@pytest.mark.parametrize("figure", ["precision", "recall", "f1"])
def test_each_figure_of_a_class_has_a_delta_of_its_own(figure: str) -> None:
    first = figures("first", billing=0.5)
    changed = first.classes["billing"].model_copy(update={figure: 0.95})
    delta = compare(first, first.model_copy(update={"classes": {"billing": changed}})).classes["billing"]
    assert delta is not None
    expected = dict.fromkeys(("precision", "recall", "f1"), 0.0)
    expected[figure] = round(0.95 - getattr(first.classes["billing"], figure), 6)
    assert delta.model_dump() == expected


def test_a_class_that_only_one_model_knows_is_named_without_a_delta_and_names_are_sorted() -> None:
    compared = compare(figures("first", shipping=0.5, billing=0.5), figures("second", shipping=0.6, contract=0.5))
    assert list(compared.classes) == ["billing", "contract", "shipping"]
    assert compared.classes["billing"] is None
    assert compared.classes["contract"] is None
    assert compared.classes["shipping"] == ClassDelta(precision=0.1, recall=0.1, f1=0.1)


def test_a_comparison_names_both_models_in_order_and_is_plain_json() -> None:
    compared = json.loads(compare(figures("first"), figures("second", add=0.1)).model_dump_json())
    assert compared == {
        "models": ["first", "second"],
        "delta": {metric.value: 0.1 for metric in Metric},
        "classes": {},
    }


def test_deltas_have_six_digits_so_that_binary_fractions_do_not_show() -> None:
    compared = compare(figures("first", add=0.1), figures("second", add=0.2234567))
    assert set(compared.delta.values()) == {0.123457}
