"""What is shown of a trial: figures by class, confused classes, calibration, and what could be accepted."""

from __future__ import annotations

import pytest

from shared.language.values import ProjectKind
from shared.models.acceptance import AcceptanceRule, Right
from shared.models.project_settings import ProjectSettings, ProjectSettingsStore
from shared.models.statistics import lower_bound
from shared.models.trial import AnsweredClass, Trial, TrialDocument, TrialStore
from shared.reports.trials import TrialBody, TrialReport, confusion, trial_body
from tests.fakes import START, FakeBlobStore
from tests.services_on_fakes import PipelineOnFakes


def document(labels: str, answer: str, confidence: float = 0.9, *, error: str | None = None) -> TrialDocument:
    """Classes are letters."""
    classes = tuple(AnsweredClass(name=name, confidence=confidence) for name in answer)
    return TrialDocument(location="x.txt", etag='"1"', labels=tuple(labels), classes=classes, error=error)


def trial(*documents: TrialDocument) -> Trial:
    return Trial(
        project="letters",
        kind=ProjectKind("single_label"),
        label="first",
        api_version="2023-04-01",
        ended=START,
        documents=documents,
    )


def body(*documents: TrialDocument, rule: AcceptanceRule | None = None) -> TrialBody:
    return trial_body(trial(*documents), rule or AcceptanceRule())


def pairs(*documents: TrialDocument) -> dict[tuple[str | None, str | None], int]:
    return {(each.labelled, each.answered): each.documents for each in confusion(documents)}


def test_figures_of_each_class_are_those_of_its_counts() -> None:
    found = {each.name: each for each in body(document("a", "a"), document("a", "b"), document("b", "b")).per_class}
    assert (found["a"].documents, found["a"].precision, found["a"].recall) == (2, 1.0, 0.5)
    assert (found["b"].documents, found["b"].precision, found["b"].recall) == (1, 0.5, 1.0)


def test_documents_without_an_answer_are_counted_apart() -> None:
    found = body(document("a", "a"), document("a", "", error="too large"))
    assert (found.documents, found.failed) == (1, 1)


CONFUSED = {
    "right": ("a", "a", {("a", "a"): 1}),
    "taken for another": ("a", "b", {("a", "b"): 1}),
    "missed": ("a", "", {("a", None): 1}),
    "added": ("", "a", {(None, "a"): 1}),
    "one of two missed": ("ab", "a", {("a", "a"): 1, ("b", None): 1}),
    "one of two taken for another": ("ab", "ac", {("a", "a"): 1, ("b", "c"): 1}),
    "nothing and nothing": ("", "", {}),
}


@pytest.mark.parametrize("case", CONFUSED)
def test_what_was_taken_for_what(case: str) -> None:
    labels, answer, expected = CONFUSED[case]
    assert pairs(document(labels, answer)) == expected


def test_the_most_frequent_confusion_comes_first() -> None:
    found = confusion([document("a", "b"), document("b", "b"), document("b", "b")])
    assert [each.documents for each in found] == [2, 1]


def test_confidences_are_counted_by_tenths_and_one_belongs_to_the_last() -> None:
    found = body(
        document("a", "a", 1.0), document("a", "b", 0.94), document("a", "a", 0.05), document("a", "")
    ).calibration
    assert [(each.from_, each.to, each.documents, each.right) for each in found] == [(0.0, 0.1, 1, 1), (0.9, 1.0, 2, 1)]
    assert found[1].mean_confidence == pytest.approx(0.97)


def test_the_acceptance_curve_accepts_more_and_more_and_bounds_what_is_right() -> None:
    documents = [document("a", "a" if number % 5 else "b", number / 50) for number in range(1, 50)]
    curve = body(*documents).acceptance_curve
    accepted = [point.accepted for point in curve]
    assert accepted == sorted(set(accepted))
    assert accepted[-1] == len(documents)
    for point in curve:
        sure = [each for each in documents if each.classes[0].confidence >= point.threshold]
        right = sum(each.labels == (each.classes[0].name,) for each in sure)
        assert (point.accepted, point.right) == (len(sure), right)
        assert point.at_least == lower_bound(right, of=len(sure), confidence=0.9)


def test_what_counts_as_right_is_what_the_project_says() -> None:
    documents = [document("ab", "a")]
    assert body(*documents).calibration[0].right == 0
    assert body(*documents, rule=AcceptanceRule(right=Right.ALL_CLASSES)).calibration[0].right == 1


def test_a_trial_is_found_by_project_and_model_and_read_by_the_rule_of_the_project(world: PipelineOnFakes) -> None:
    state: FakeBlobStore = world.state
    report = TrialReport(TrialStore(state), ProjectSettingsStore(state))
    assert report("letters", model="first") is None
    TrialStore(state).put(trial(document("ab", "a")))
    ProjectSettingsStore(state).put("letters", ProjectSettings(acceptance=AcceptanceRule(right=Right.ALL_CLASSES)))
    found = report("letters", model="first")
    assert found is not None
    assert (found.model, found.right, found.calibration[0].right) == ("first", Right.ALL_CLASSES, 1)
    assert found.to_members()["calibration"][0]["from"] == 0.9
