"""From the pages of an answer to what each document gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.batches.batch import Batch, BatchDocument, JobReference, Outcome, plan_batch
from shared.batches.results import SERVICE_WARNING, Results, resolve
from shared.documents.answers import Answer, error_text, merge_pages, merge_parts
from shared.documents.record_schema import Decision
from shared.documents.ref import DocumentRef
from shared.language.values import AnalyzeJob, ClassScore, LroStatus, ModelRef, ProjectKind, ServiceError, TextClasses
from shared.models.acceptance import Acceptance, AcceptanceRule, Threshold
from tests.fakes import START
from tests.faults.world import MODEL

SINGLE = MODEL.model_copy(update={"kind": ProjectKind.SINGLE})


def classes(text_id: str, **scores: float) -> TextClasses:
    return TextClasses(text_id, tuple(ClassScore(name, score) for name, score in scores.items()))


def page(
    *texts: TextClasses, updated: datetime | None = None, errors: Mapping[str, ServiceError] | None = None
) -> AnalyzeJob:
    return AnalyzeJob(LroStatus.SUCCEEDED, None, updated, None, texts, errors or {})


# merge_parts

PARTS: dict[str, tuple[ProjectKind, list[tuple[int, dict[str, float]]], list[tuple[str, float]]]] = {
    "multi: a class's highest confidence": (
        ProjectKind.MULTI,
        [(100, {"a": 0.2, "b": 0.9}), (900, {"a": 0.6})],
        [("b", 0.9), ("a", 0.6)],
    ),
    "multi: the highest confidence may come first": (
        ProjectKind.MULTI,
        [(5, {"a": 0.6}), (5, {"a": 0.2})],
        [("a", 0.6)],
    ),
    "single: six digits are kept": (ProjectKind.SINGLE, [(1, {"a": 1.0}), (2, {"a": 0.0})], [("a", 0.333333)]),
    "multi: parts without classes add none": (ProjectKind.MULTI, [(5, {}), (5, {})], []),
    "multi: ties by name": (ProjectKind.MULTI, [(5, {"b": 0.5}), (5, {"a": 0.5})], [("a", 0.5), ("b", 0.5)]),
    "single: the mean weighted by length": (
        ProjectKind.SINGLE,
        [(100, {"a": 1.0}), (300, {"b": 0.8})],
        [("b", 0.6)],
    ),
    "single: a short sure part does not outvote a long one": (
        ProjectKind.SINGLE,
        [(10, {"a": 1.0}), (990, {"b": 0.5})],
        [("b", 0.495)],
    ),
    "single: parts that agree": (ProjectKind.SINGLE, [(50, {"a": 0.8}), (50, {"a": 0.6})], [("a", 0.7)]),
    "single: parts of no length": (ProjectKind.SINGLE, [(0, {"a": 0.8}), (0, {"a": 0.6})], [("a", 0.0)]),
}


@pytest.mark.parametrize("case", PARTS)
def test_the_classes_of_parts_are_merged_by_the_project_s_kind(case: str) -> None:
    kind, parts, expected = PARTS[case]
    merged = merge_parts(kind, [(length, classes("0", **scores)) for length, scores in parts])
    assert [(each.name, each.confidence) for each in merged] == expected


@pytest.mark.parametrize("kind", ProjectKind)
def test_a_document_of_one_part_keeps_its_classes_as_they_came(kind: ProjectKind) -> None:
    text = classes("0", b=0.123456789, a=0.9)
    assert merge_parts(kind, [(5, text)]) == list(text.classes)


SCORES = st.dictionaries(st.sampled_from("abc"), st.floats(0, 1), max_size=3)


@settings(deadline=None)
@given(st.sampled_from(ProjectKind), st.lists(st.tuples(st.integers(1, 1_000), SCORES), min_size=2, max_size=6))
def test_merged_confidences_stay_between_0_and_1_and_are_ranked(
    kind: ProjectKind, parts: list[tuple[int, dict[str, float]]]
) -> None:
    merged = merge_parts(kind, [(length, classes("0", **scores)) for length, scores in parts])
    confidences = [each.confidence for each in merged]
    assert all(0 <= confidence <= 1 for confidence in confidences)
    assert confidences == sorted(confidences, reverse=True)
    assert len(merged) <= (1 if kind is ProjectKind.SINGLE else 3)


# merge_pages


def test_pages_are_united_and_a_result_that_is_repeated_as_it_was_counts_once() -> None:
    answer = merge_pages([page(classes("0", a=0.5)), page(classes("0", a=0.5), classes("1", a=0.5))])
    assert answer.texts == {"0": classes("0", a=0.5), "1": classes("1", a=0.5)}
    assert answer.malformed == {}


CONTRADICTIONS: dict[str, tuple[list[AnalyzeJob], str]] = {
    # pages -> why the text is malformed
    "two results on one page": (
        [page(classes("0", a=0.5), classes("0", b=0.5), classes("1", a=1))],
        "it has two results that differ",
    ),
    "two results on two pages": (
        [page(classes("0", a=0.5)), page(classes("0", a=0.6), classes("1", a=1))],
        "it has two results that differ",
    ),
    "a result and an error": (
        [page(classes("0", a=0.5), classes("1", a=1), errors={"0": ServiceError("A", "a")})],
        "it has a result and an error",
    ),
    "an error, and a result on the next page": (
        [page(errors={"0": ServiceError("A", "a")}), page(classes("0", a=0.5), classes("1", a=1))],
        "it has a result and an error",
    ),
    "a result and one that cannot be read": (
        [page(classes("0", a=0.5), classes("1", a=1)), replace(page(), malformed={"0": "odd"})],
        "odd",
    ),
}


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_of_results_that_contradict_each_other_none_is_taken_and_the_reason_is_given(case: str) -> None:
    pages, why = CONTRADICTIONS[case]
    answer = merge_pages(pages)
    assert (list(answer.texts), answer.text_errors, answer.malformed) == (["1"], {}, {"0": why})


def test_errors_are_united_and_the_first_of_an_id_wins() -> None:
    first, second = ServiceError("A", "a"), ServiceError("B", "b")
    answer = merge_pages([page(errors={"0": first}), page(errors={"0": second, "1": second})])
    assert answer.text_errors == {"0": first, "1": second}


def test_the_answer_was_completed_when_its_last_page_was_updated() -> None:
    later = START + timedelta(seconds=5)
    assert merge_pages([page(updated=later), page(updated=None), page(updated=START)]).completed == later
    assert merge_pages([page()]).completed is None


# resolve


def batch_of(*texts: dict[str, int], ended: dict[int, Outcome] | None = None, count: int = 2) -> Batch:
    documents = [
        BatchDocument(document=DocumentRef(name=f"{number}.txt", etag=f'"{number}"', last_modified=START, size=5))
        for number in range(count)
    ]
    references = tuple(
        JobReference(
            job_id=f"job-{number}",
            submitted=START,
            expires=START,
            texts=each,
            warnings={text.split(".")[0]: [("DocumentSplit", "in parts")] for text in each if "." in text},
        )
        for number, each in enumerate(texts)
    )
    batch = plan_batch(documents, START).model_copy(update={"jobs": references, "api_version": "2021-preview"})
    return batch.model_copy(update={"documents": batch.with_outcomes(ended or {})})


def answer_of(*texts: TextClasses, errors: Mapping[str, ServiceError] | None = None) -> Answer:
    return merge_pages([page(*texts, errors=errors)])


def resolved(batch: Batch, model: ModelRef, answer: Answer) -> Results:
    return resolve(batch, model, answer, api_version="2021-preview")


TWO = batch_of({"0": 5, "1": 5})
ODD = ServiceError("InvalidDocument", "odd")

RESOLVED: dict[str, tuple[Batch, Answer, list[int], list[int], list[int]]] = {
    # batch, answer -> classified, failed, missing
    "both classified": (TWO, answer_of(classes("0", a=1), classes("1", b=1)), [0, 1], [], []),
    "one without classes": (TWO, answer_of(classes("0"), classes("1", b=1)), [0, 1], [], []),
    "one in errors": (TWO, answer_of(classes("0", a=1), errors={"1": ODD}), [0], [1], []),
    "one in neither list": (TWO, answer_of(classes("0", a=1)), [0], [], [1]),
    "nothing at all": (TWO, answer_of(), [], [], [0, 1]),
    "ids nobody asked for": (
        TWO,
        answer_of(classes("0", a=1), classes("1", b=1), classes("9", a=1), classes("x", a=1), errors={"7": ODD}),
        [0, 1],
        [],
        [],
    ),
    "an id that only looks alike": (TWO, answer_of(classes("00", a=1), classes("1", b=1)), [1], [], [0]),
    "a part in errors": (
        batch_of({"0": 5, "1.0": 5}, {"1.1": 5}),
        answer_of(classes("0", a=1), classes("1.0", b=1), errors={"1.1": ODD}),
        [0],
        [1],
        [],
    ),
    "a part in neither list": (
        batch_of({"0": 5, "1.0": 5}, {"1.1": 5}),
        answer_of(classes("0", a=1), classes("1.0", b=1)),
        [0],
        [],
        [1],
    ),
    "one that had ended before": (
        batch_of({"0": 5}, ended={1: Outcome.DELETED}),
        answer_of(classes("0", a=1), classes("1", b=1)),
        [0],
        [],
        [],
    ),
    "one that was never sent": (batch_of({"0": 5}), answer_of(classes("0", a=1)), [0], [], [1]),
}


@pytest.mark.parametrize("case", RESOLVED)
def test_every_open_document_is_classified_failed_or_missing(case: str) -> None:
    batch, answer, classified, failed, missing = RESOLVED[case]
    results = resolved(batch, MODEL, answer)
    assert (sorted(results.classified), sorted(results.failed), results.missing) == (classified, failed, missing)
    assert all(error == ODD for error in results.failed.values())


def test_a_document_is_malformed_when_one_of_its_parts_is() -> None:
    batch = batch_of({"0": 5, "1.0": 5}, {"1.1": 5})
    answer = merge_pages([replace(page(classes("0", a=1), classes("1.0", b=1)), malformed={"1.1": "odd"})])
    results = resolved(batch, MODEL, answer)
    assert (list(results.classified), results.malformed, results.failed, results.missing) == ([0], {1: "odd"}, {}, [])


def test_what_is_raised_for_one_document_is_kept_and_the_others_have_their_classes() -> None:
    odd = TextClasses("0", (ClassScore("a", "high"),))  # type: ignore[arg-type]
    results = resolved(TWO, MODEL, answer_of(odd, classes("1", b=1)))
    assert (list(results.classified), results.failed, results.malformed, results.missing) == ([1], {}, {}, [])
    (raised,) = results.raised.items()
    assert (raised[0], type(raised[1])) == (0, ValidationError)


def test_a_record_names_its_version_model_and_jobs() -> None:
    batch = batch_of({"0": 5, "1.0": 30}, {"1.1": 10})
    answer = answer_of(classes("0", a=1), classes("1.0", a=0.4), classes("1.1", b=1.0))
    record = resolved(batch, SINGLE, answer).classified[1]
    assert record.document == batch.documents[1].document
    assert record.model == SINGLE
    assert record.api_version == "2021-preview"
    assert record.batch.id == batch.id
    assert record.batch.jobs == ["job-0", "job-1"]
    assert [(each.name, each.confidence) for each in record.classes] == [("a", 0.3)]
    assert [warning.code for warning in record.warnings] == ["DocumentSplit"]


def test_the_parts_of_a_multi_label_document_are_merged_by_its_project_s_kind() -> None:
    batch = batch_of({"0.0": 5, "0.1": 5}, count=1)
    record = resolved(batch, MODEL, answer_of(classes("0.0", a=0.4), classes("0.1", a=0.2, b=0.9))).classified[0]
    assert [(each.name, each.confidence) for each in record.classes] == [("b", 0.9), ("a", 0.4)]


def test_a_record_says_when_the_service_completed_it() -> None:
    answer = merge_pages([page(classes("0", a=1), updated=START + timedelta(seconds=3))])
    record = resolved(batch_of({"0": 5}, count=1), MODEL, answer).classified[0]
    assert record.timings.completed == START + timedelta(seconds=3)


def test_an_answer_without_pages_was_never_completed() -> None:
    assert merge_pages([]).completed is None


def test_the_service_s_warnings_reach_the_record() -> None:
    text = TextClasses("0", (ClassScore("a", 1.0),), (ServiceError("LongWordsInDocument", "long"),))
    record = resolved(batch_of({"0": 5}, count=1), MODEL, answer_of(text)).classified[0]
    (warning,) = record.warnings
    assert (warning.code, warning.message) == ("LongWordsInDocument", SERVICE_WARNING), "its words may quote the text"


def test_the_same_answer_gives_the_same_bytes() -> None:
    answer = answer_of(classes("0", a=0.1, b=0.2), classes("1", b=1))
    first, second = resolved(TWO, MODEL, answer), resolved(TWO, MODEL, answer)
    assert [each.to_json() for each in first.classified.values()] == [
        each.to_json() for each in second.classified.values()
    ]


# decision


def accepting(threshold: float | None) -> Acceptance:
    rule = AcceptanceRule(precision=0.95, confidence=0.9)
    return Acceptance(rule=rule, threshold=Threshold(threshold=threshold, documents=240))


DECIDED: dict[str, tuple[Acceptance | None, float, dict[str, float], tuple[Decision, bool] | None]] = {
    # what was promised, AUDIT_PERCENT, classes -> the decision, and whether it is an audit
    "no rule": (None, 100, {"a": 1.0}, None),
    "at the threshold": (accepting(0.7), 0, {"a": 0.7}, (Decision.ACCEPTED, False)),
    "below it": (accepting(0.7), 100, {"a": 0.6999}, (Decision.REVIEW, False)),
    "one of its classes below it": (accepting(0.7), 0, {"a": 0.9, "b": 0.6}, (Decision.REVIEW, False)),
    "all of its classes above it": (accepting(0.7), 0, {"a": 0.9, "b": 0.8}, (Decision.ACCEPTED, False)),
    "no class": (accepting(0.01), 0, {}, (Decision.REVIEW, False)),
    "no promise": (accepting(None), 100, {"a": 1.0}, (Decision.REVIEW, False)),
    "accepted and audited": (accepting(0.7), 100, {"a": 0.7}, (Decision.REVIEW, True)),
}


@pytest.mark.parametrize("case", DECIDED)
def test_a_result_is_decided_by_its_least_sure_class_and_the_batch_s_promise(case: str) -> None:
    acceptance, percent, scores, expected = DECIDED[case]
    batch = batch_of({"0": 5}, count=1).model_copy(update={"acceptance": acceptance, "audit_percent": percent})
    record = resolved(batch, MODEL, answer_of(classes("0", **scores))).classified[0]
    assert ((record.decision.decision, record.decision.is_audit) if record.decision else None) == expected
    assert record.facts().decision == (expected[0] if expected else None)
    assert resolved(batch, MODEL, answer_of(classes("0", **scores))).classified[0].to_json() == record.to_json()


def test_a_decision_names_what_it_rests_on() -> None:
    batch = batch_of({"0": 5}, count=1).model_copy(update={"acceptance": accepting(0.7)})
    record = resolved(batch, MODEL, answer_of(classes("0", a=0.8))).classified[0]
    assert record.decision is not None
    assert record.decision.model_dump(mode="json") == {
        "decision": "accepted",
        "is_audit": False,
        "threshold": 0.7,
        "precision": 0.95,
        "confidence": 0.9,
        "documents": 240,
    }


def test_a_document_in_parts_is_decided_by_its_merged_classes() -> None:
    batch = batch_of({"0.0": 900, "0.1": 100}, count=1).model_copy(update={"acceptance": accepting(0.7)})
    record = resolved(batch, SINGLE, answer_of(classes("0.0", a=0.8), classes("0.1", a=0.1))).classified[0]
    assert record.decision is not None
    assert ([each.confidence for each in record.classes], record.decision.decision) == ([0.73], Decision.ACCEPTED)


def test_an_error_s_text_is_its_code_and_none_of_its_words() -> None:
    assert error_text(ServiceError("InvalidDocument", "the text 'Dear Sir' is odd")) == "InvalidDocument"
