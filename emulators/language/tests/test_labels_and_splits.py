"""Labels files in their three forms, splits and metrics."""

from __future__ import annotations

import json
from typing import Any

import pytest

from language_emulator.errors import ServiceError
from language_emulator.limits import CLASS_NAME_2021
from language_emulator.projects.labels import LabelledDocument, LabelSet, parse_labels
from language_emulator.projects.records import SplitOptions
from language_emulator.training.evaluation import evaluate
from language_emulator.training.splits import split_documents

JULY = {
    "intentNames": ["billing", "delivery"],
    "documents": [
        {"location": "a.txt", "culture": "en-us", "intents": [1]},
        {"location": "b.txt", "culture": "en-us", "intents": [0, 1]},
    ],
}
NOVEMBER = {
    "classifiers": [{"name": "billing"}, {"name": "delivery"}],
    "documents": [
        {"location": "a.txt", "language": "en-us", "classifiers": [{"classifierName": "delivery"}]},
        {
            "location": "b.txt",
            "language": "en-us",
            "classifiers": [{"classifierName": "billing"}, {"classifierName": "delivery"}],
        },
    ],
}
PROJECT_FILE = {
    "projectFileVersion": "2022-05-01",
    "metadata": {"projectName": "p"},
    "assets": {
        "classes": [{"category": "billing"}, {"category": "delivery"}],
        "documents": [
            {"location": "a.txt", "language": "en-us", "class": {"category": "delivery"}},
            {"location": "b.txt", "language": "en-us", "classes": [{"category": "billing"}, {"category": "delivery"}]},
        ],
    },
}


def _parse(content: Any, *, single_label: bool = False) -> LabelSet:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return parse_labels(raw, single_label=single_label, class_name=CLASS_NAME_2021)


def _documents(count: int, dataset: str | None = None) -> list[LabelledDocument]:
    return [LabelledDocument.model_validate({"location": f"{n}.txt", "dataset": dataset}) for n in range(count)]


@pytest.mark.parametrize("content", [JULY, NOVEMBER, PROJECT_FILE])
def test_the_three_forms_say_the_same(content: dict[str, Any]) -> None:
    labels = _parse(content)
    assert labels.classes == ["billing", "delivery"]
    assert [document.classes for document in labels.documents] == [["delivery"], ["billing", "delivery"]]
    assert labels.documents[0].language == "en-us"


def test_a_byte_order_mark_is_allowed() -> None:
    assert _parse(b"\xef\xbb\xbf" + json.dumps(JULY).encode()).classes == ["billing", "delivery"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{ // comment\n}", "not JSON"),
        (b"[]", "not a JSON object"),
        ({"documents": []}, "neither intentNames"),
        ({"intentNames": [], "documents": []}, "0 classes"),
        (JULY | {"intentNames": ["a", "a"]}, "class 'a' is listed more than once"),
        (JULY | {"intentNames": ["two words", "b"]}, "characters that are not allowed"),
        (
            JULY | {"documents": [{"location": "a.txt"}] * 2},
            "document 'a.txt' is listed more than once",
        ),
        (JULY | {"documents": [{"location": "a.txt", "intents": ["billing"]}]}, "documents.0.intents.0"),
        (NOVEMBER | {"classifiers": [{"name": "billing"}]}, "'delivery', which is not listed"),
    ],
)
def test_a_bad_file_is_refused_with_what_and_where(content: Any, reason: str) -> None:
    with pytest.raises(ServiceError, match="labels file is not valid") as refusal:
        _parse(content)
    assert reason in refusal.value.message


def test_a_single_label_document_has_one_class() -> None:
    with pytest.raises(ServiceError, match=r"b\.txt has several classes"):
        _parse(JULY, single_label=True)


def test_locations_may_not_leave_the_container() -> None:
    labels = LabelSet(classes=["a"], documents=[LabelledDocument(location="../../x.txt")])
    with pytest.raises(ServiceError, match="leaves the container"):
        labels.at("folder/labels.json")


@pytest.mark.parametrize(("count", "sizes"), [(9, (9, 0, 0)), (10, (8, 1, 1)), (120, (96, 12, 12))])
def test_the_preview_splits_80_10_10_from_ten_documents_on(count: int, sizes: tuple[int, int, int]) -> None:
    split = split_documents(_documents(count), None, "seed")
    assert (len(split.train), len(split.validation), len(split.test)) == sizes
    together = {document.location for part in (split.train, split.validation, split.test) for document in part}
    assert len(together) == count


def test_ga_splits_the_training_documents_by_percentage_and_leaves_test_documents_out() -> None:
    documents = [*_documents(20, "Train"), LabelledDocument(location="kept.txt", dataset="Test")]
    split = split_documents(documents, SplitOptions(training_percentage=75, testing_percentage=25), "seed")
    assert (len(split.train), len(split.test)) == (15, 5)
    assert "kept.txt" not in {document.location for document in (*split.train, *split.test)}


def test_a_manual_split_follows_the_datasets_and_needs_both() -> None:
    documents = [*_documents(9, "Train"), LabelledDocument(location="t.txt", dataset="Test")]
    split = split_documents(documents, SplitOptions(kind="manual"), "seed")
    assert [document.location for document in split.test] == ["t.txt"]
    assert split.train == documents[:9]
    with pytest.raises(ServiceError, match="both datasets"):
        split_documents(_documents(3, "Train"), SplitOptions(kind="manual"), "seed")


def test_a_manual_split_of_too_few_documents_is_not_evaluated_and_trains_on_no_more() -> None:
    documents = [*_documents(8, "Train"), LabelledDocument(location="t.txt", dataset="Test")]
    split = split_documents(documents, SplitOptions(kind="manual"), "seed")
    assert (split.train, split.test) == (documents[:8], [])


# Labels and answers of eight documents. For `a` TP 1, FP 3, FN 1, for `b` TP 1, FP 2, FN 2.
LABELLED = [["a"], ["a"], ["b"], ["b"], ["b"], [], [], []]
ANSWERED = [["a"], [], ["b"], ["a"], ["a"], ["a"], ["b"], ["b"]]


def test_micro_figures_come_from_summed_counts_as_in_the_quickstarts_sample() -> None:
    # TP 2, FP 5, FN 3 are the sums behind the sample's 0.33333334, 0.2857143 and 0.4.
    evaluation = evaluate(["a", "b"], LABELLED, ANSWERED, single_label=False)
    micro, macro, of_a = evaluation.micro, evaluation.macro, evaluation.classes["a"]
    assert (micro.f1, micro.precision, micro.recall) == pytest.approx((1 / 3, 2 / 7, 2 / 5))
    assert macro.precision == pytest.approx((1 / 4 + 1 / 3) / 2)
    assert (of_a.true_positives, of_a.false_positives, of_a.false_negatives, of_a.true_negatives) == (1, 3, 1, 3)
    assert of_a.scores.precision == pytest.approx(1 / 4)
    assert evaluation.confusion is None


def test_a_zero_denominator_gives_zero() -> None:
    scores = evaluate(["a"], [["a"]], [[]], single_label=False).classes["a"].scores
    assert (scores.precision, scores.recall, scores.f1) == (0, 0, 0)


def test_documents_without_any_class_have_an_evaluation_without_classes() -> None:
    evaluation = evaluate(["a", "b"], [[], []], [[], ["a"]], single_label=False)
    assert (evaluation.classes, evaluation.micro.f1, evaluation.macro.f1) == ({}, 0, 0)


def test_a_project_of_one_class_is_scored_on_that_class_alone() -> None:
    evaluation = evaluate(["a"], [["a"], ["a"], []], [["a"], [], []], single_label=False)
    assert (evaluation.micro.precision, evaluation.micro.recall) == (1, 1 / 2)


def test_classes_no_test_document_has_are_left_out_but_count_as_wrong() -> None:
    evaluation = evaluate(["a", "b"], [["a"], ["a"]], [["a"], ["b"]], single_label=True)
    assert set(evaluation.classes) == {"a"}
    assert evaluation.micro.precision == pytest.approx(1 / 2)
    assert evaluation.macro.precision == 1
    assert evaluation.confusion == {"a": {"a": 1, "b": 0}, "b": {"a": 1, "b": 0}}
