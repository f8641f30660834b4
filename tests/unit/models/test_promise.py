"""What a project asks for, and what a model is good for under it: made at a publication and when the rule changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from shared.errors import StateUnreadableError
from shared.language.values import ModelRef, ProjectKind
from shared.models.acceptance import Acceptance, AcceptanceRule, Right, Threshold
from shared.models.active_model import ACTIVE_MODEL, Active, ActiveModelRecord, ActiveModelStore
from shared.models.project_settings import ProjectSettings, ProjectSettingsStore, project_settings_blob
from shared.models.promise import Promises, golden_results, why_nothing_is_accepted
from shared.models.threshold import GoldenResult, choose_threshold
from shared.models.trial import AnsweredClass, Trial, TrialDocument, TrialStore, trial_blob
from tests.fakes import START, FakeBlobStore, VirtualClock

RULE = AcceptanceRule(precision=0.9, confidence=0.9)
STRICTER = AcceptanceRule(precision=0.97, confidence=0.9)
FROM_SETTINGS = ModelRef(project="letters", kind=ProjectKind.MULTI, reference="set", label="set")


def model_of(label: str, project: str = "letters") -> ModelRef:
    return ModelRef(project=project, kind=ProjectKind.MULTI, reference=label, label=label)


def record_of(label: str, project: str = "letters", **members: Any) -> ActiveModelRecord:
    return ActiveModelRecord(model=model_of(label, project), api_version="2021-preview", published=START, **members)


def document(
    labels: Sequence[str], answered: dict[str, float], *, error: str | None = None, number: int = 0
) -> TrialDocument:
    classes = tuple(AnsweredClass(name=name, confidence=confidence) for name, confidence in answered.items())
    return TrialDocument(location=f"{number}.txt", etag='"1"', labels=tuple(labels), classes=classes, error=error)


def trial_of(label: str, *documents: TrialDocument, project: str = "letters") -> Trial:
    return Trial(
        project=project,
        kind=ProjectKind.MULTI,
        label=label,
        api_version="2021-preview",
        ended=START,
        documents=documents,
    )


def sure_and_unsure(label: str = "first", *, right: int = 300, wrong: int = 100, at: float = 0.955) -> Trial:
    """All right at `at`, all wrong at 0.405."""
    return trial_of(
        label,
        *(document(["a"], {"a": at}, number=number) for number in range(right)),
        *(document(["a"], {"b": 0.405}, number=number) for number in range(wrong)),
    )


class Place:
    """A state container, and two processes that make promises in it. `before` is given each call's name."""

    def __init__(self, *, from_settings: ModelRef | None = None) -> None:
        self.clock = VirtualClock()
        self.before: Callable[[str], None] = lambda _: None
        self.calls = 0
        self.state = FakeBlobStore("state", self.clock, self._call)
        self.settings, self.trials = ProjectSettingsStore(self.state), TrialStore(self.state)
        self.ours, self.theirs = (
            Promises(
                self.settings,
                self.trials,
                ActiveModelStore(self.state, from_settings=from_settings, cache=timedelta(seconds=5), clock=self.clock),
            )
            for _ in range(2)
        )

    def _call(self, name: str, effect: Callable[[], Any]) -> Any:
        self.before(name)
        self.calls += 1
        return effect()

    def in_use(self) -> ActiveModelRecord:
        return ActiveModelRecord.model_validate_json(self.state.blobs[ACTIVE_MODEL].data)

    def put(self, trial: Trial) -> None:
        self.trials.put(trial)


@pytest.fixture
def place() -> Place:
    return Place()


# What the golden documents show


GOLDEN: dict[str, tuple[TrialDocument, Right, GoldenResult | None]] = {
    "single label, right": (document(["a"], {"a": 0.8}), Right.EXACT, GoldenResult(0.8, True)),
    "single label, wrong": (document(["a"], {"b": 0.8}), Right.EXACT, GoldenResult(0.8, False)),
    "as sure as the least sure class": (
        document(["a", "b"], {"a": 0.8, "b": 0.6}),
        Right.EXACT,
        GoldenResult(0.6, True),
    ),
    "a class too few, exactly": (document(["a", "b"], {"a": 0.8}), Right.EXACT, GoldenResult(0.8, False)),
    "a class too few, of those named": (
        document(["a", "b"], {"a": 0.8}),
        Right.ALL_CLASSES,
        GoldenResult(0.8, True),
    ),
    "no class is never sure": (document([], {}), Right.EXACT, GoldenResult(0.0, True)),
    "no answer is no result": (document(["a"], {}, error="refused"), Right.EXACT, None),
}


@pytest.mark.parametrize("case", GOLDEN)
def test_a_golden_document_is_a_result_with_its_confidence_right_or_wrong(case: str) -> None:
    tried, right, expected = GOLDEN[case]
    assert golden_results(trial_of("first", tried), right) == ([] if expected is None else [expected])


def test_a_project_that_asks_for_nothing_has_no_promise(place: Place) -> None:
    place.put(sure_and_unsure())
    assert place.ours.find("letters", label="first") is None


def test_the_promise_is_what_the_trial_shows_under_the_rule(place: Place) -> None:
    place.put(sure_and_unsure())
    place.ours.set_rule("letters", RULE)
    found = place.ours.find("letters", label="first")
    assert found is not None
    assert found.rule == RULE
    assert found.threshold == choose_threshold(golden_results(sure_and_unsure(), Right.EXACT), RULE)
    assert (found.threshold.threshold, found.threshold.documents, found.threshold.right) == (0.41, 400, 300)


def test_without_a_trial_nothing_is_accepted_and_it_says_how_many_golden_documents_it_takes(place: Place) -> None:
    place.ours.set_rule("letters", AcceptanceRule(precision=0.95, confidence=0.9))
    found = place.ours.find("letters", label="first")
    assert found is not None
    assert (found.threshold.threshold, found.threshold.documents, found.threshold.documents_needed) == (None, 0, 59)


def test_every_model_is_judged_by_its_own_trial(place: Place) -> None:
    place.ours.set_rule("letters", RULE)
    place.put(sure_and_unsure("first", at=0.955))
    place.put(sure_and_unsure("second", wrong=50))
    place.put(trial_of("first", *sure_and_unsure(at=0.605).documents, project="other"))
    place.put(sure_and_unsure("third", right=10, wrong=0))
    shown = {label: place.ours.find("letters", label=label) for label in ("first", "second", "third")}
    documents = {label: each.threshold.documents for label, each in shown.items() if each is not None}
    assert documents == {"first": 400, "second": 350, "third": 10}


# A publication and a change of the rule


def test_a_published_model_is_in_use_with_its_promise(place: Place) -> None:
    place.put(sure_and_unsure())
    place.ours.set_rule("letters", RULE)
    place.ours.switch(record_of("first", operation="20260301-a"))
    expected = place.ours.find("letters", label="first")
    assert place.in_use() == record_of("first", operation="20260301-a", acceptance=expected)
    assert place.theirs.active_model.find() == Active(model_of("first"), acceptance=expected)


def test_another_model_has_a_promise_of_its_own(place: Place) -> None:
    place.ours.set_rule("letters", RULE)
    place.put(sure_and_unsure("first"))
    place.ours.switch(record_of("first"))
    place.ours.switch(record_of("second"))
    promised = place.in_use().acceptance
    assert promised is not None
    assert (promised.threshold.threshold, promised.threshold.documents) == (None, 0)


def test_a_rule_that_changes_holds_for_the_model_in_use_at_once_and_null_ends_it(place: Place) -> None:
    place.put(sure_and_unsure())
    place.ours.switch(record_of("first"))
    assert place.in_use().acceptance is None
    for rule in (RULE, STRICTER, None):
        place.ours.set_rule("letters", rule)
        assert place.ours.show("letters").rule == rule
        promised = place.in_use().acceptance
        assert (promised.rule if promised else None) == rule
        assert promised == place.ours.find("letters", label="first")


def test_a_rule_that_is_put_again_reads_a_trial_that_came_later(place: Place) -> None:
    place.ours.set_rule("letters", RULE)
    place.ours.switch(record_of("first"))
    place.put(sure_and_unsure())
    place.ours.set_rule("letters", RULE)
    promised = place.in_use().acceptance
    assert promised is not None
    assert promised.threshold.threshold == 0.41


def test_the_rule_of_another_project_leaves_the_model_in_use_alone(place: Place) -> None:
    place.ours.switch(record_of("first"))
    before = place.state.blobs[ACTIVE_MODEL].info.etag
    place.ours.set_rule("other", RULE)
    assert place.state.blobs[ACTIVE_MODEL].info.etag == before


def test_a_rule_that_changes_keeps_a_hold_and_everything_else_of_the_record(place: Place) -> None:
    record = record_of("first", operation="20260301-a", held_until=START + timedelta(minutes=15))
    place.ours.switch(record)
    place.ours.set_rule("letters", RULE)
    assert place.in_use() == record.model_copy(update={"acceptance": place.ours.find("letters", label="first")})


def test_before_a_model_is_published_a_rule_is_only_kept(place: Place) -> None:
    place.ours.set_rule("letters", RULE)
    assert ACTIVE_MODEL not in place.state.blobs


def interleaved(
    prepared: Callable[[], Place], first: Callable[[Place], None], second: Callable[[Place], None]
) -> list[Place]:
    """`second` as a whole before each call of `first`, and after the last."""
    alone = prepared()
    first(alone)
    places = []
    for number in range(alone.calls + 1):
        place = prepared()

        def before(_: str, *, place: Place = place, number: int = number) -> None:
            if place.calls == number:
                place.before = lambda _: None
                second(place)

        place.before = before
        first(place)
        if number == alone.calls:
            second(place)
        places.append(place)
    return places


def prepared() -> Place:
    place = Place()
    for label in ("first", "second"):
        place.put(sure_and_unsure(label, at=0.955 if label == "first" else 0.705))
    place.ours.set_rule("letters", RULE)
    place.ours.switch(record_of("first"))
    place.calls = 0
    return place


def prepared_with_a_change_that_died() -> Place:
    """The model in use still goes by the stricter rule, and the project asks for the other one."""
    place = prepared()
    place.ours.set_rule("letters", STRICTER)
    place.settings.put("letters", ProjectSettings(acceptance=RULE))
    place.calls = 0
    return place


def publish(place: Place) -> None:
    place.ours.switch(record_of("second"))


def change(place: Place) -> None:
    place.theirs.set_rule("letters", STRICTER)


def change_back(place: Place) -> None:
    place.ours.set_rule("letters", RULE)


@pytest.mark.parametrize(
    ("prepare", "first", "second", "in_use"),
    [
        pytest.param(prepared, publish, change, "second", id="a rule in the middle of a publication"),
        pytest.param(prepared, change, publish, "second", id="a publication in the middle of a rule"),
        pytest.param(prepared, change_back, change, "first", id="a rule in the middle of another"),
        pytest.param(
            prepared_with_a_change_that_died,
            change_back,
            change,
            "first",
            id="a rule in the middle of another, which one that died has left undone",
        ),
    ],
)
def test_whatever_comes_between_the_model_in_use_goes_by_the_rule_that_stays(
    prepare: Callable[[], Place], first: Callable[[Place], None], second: Callable[[Place], None], in_use: str
) -> None:
    places = interleaved(prepare, first, second)
    assert len(places) > 4
    for number, place in enumerate(places):
        record = place.in_use()
        assert record.model.label == in_use, number
        assert record.acceptance == place.ours.find("letters", label=in_use), number


# What cannot be read


def test_a_trial_that_cannot_be_read_does_not_stop_a_publication_and_nothing_is_accepted(place: Place) -> None:
    place.ours.set_rule("letters", RULE)
    place.state.write_unhooked(trial_blob("letters", label="first"), b"{")
    place.ours.switch(record_of("first"))
    promised = place.in_use().acceptance
    assert promised == Acceptance(rule=RULE, threshold=choose_threshold([], RULE))


def test_settings_that_cannot_be_read_leave_the_rule_of_the_model_before_and_nothing_is_accepted(
    place: Place,
) -> None:
    place.put(sure_and_unsure("first"))
    place.put(sure_and_unsure("second"))
    place.ours.set_rule("letters", RULE)
    place.ours.switch(record_of("first"))
    place.state.write_unhooked(project_settings_blob("letters"), b"{")
    place.ours.switch(record_of("second"))
    assert place.in_use().model.label == "second"
    assert place.in_use().acceptance == Acceptance(rule=RULE, threshold=choose_threshold([], RULE))
    with pytest.raises(StateUnreadableError, match="projects/letters"):
        place.ours.show("letters")
    place.ours.set_rule("letters", RULE)
    promised = place.in_use().acceptance
    assert promised is not None
    assert promised.threshold.threshold == 0.41


def test_a_model_in_use_that_cannot_be_read_is_not_replaced_by_a_rule(place: Place) -> None:
    place.state.write_unhooked(ACTIVE_MODEL, b"{")
    with pytest.raises(StateUnreadableError, match=ACTIVE_MODEL):
        place.ours.set_rule("letters", RULE)
    assert place.state.blobs[ACTIVE_MODEL].data == b"{"
    assert place.ours.show("letters").rule == RULE


# A project that is deleted


def test_of_a_deleted_project_settings_and_trials_go_and_of_others_none(place: Place) -> None:
    for project in ("letters", "letters2", "lett"):
        place.ours.set_rule(project, RULE)
        place.put(trial_of("first", project=project))
    place.ours.forget("letters")
    assert sorted(place.state.blobs) == [
        "projects/lett.json",
        "projects/letters2.json",
        "trials/lett/first.json",
        "trials/letters2/first.json",
    ]
    place.ours.forget("letters")


# What is said


WARNINGS: dict[str, tuple[Threshold, str | None]] = {
    "something is accepted": (Threshold(threshold=0.5, documents=400), None),
    "no golden documents": (
        Threshold(threshold=None, documents=0, documents_needed=59),
        "0 golden documents are too few for a promise, which takes about 59 (never fewer than 30); publish the model",
    ),
    "too few golden documents": (
        Threshold(threshold=None, documents=14, documents_needed=59),
        "14 golden documents are too few for a promise, which takes about 59 (never fewer than 30); label more",
    ),
    "no hope": (Threshold(threshold=None, documents=400), "400 golden documents show no confidence from which on"),
}


@pytest.mark.parametrize("case", WARNINGS)
def test_why_nothing_is_accepted_is_said_in_words(case: str) -> None:
    threshold, expected = WARNINGS[case]
    said = why_nothing_is_accepted(threshold)
    assert (said is None) == (expected is None)
    if said is not None and expected is not None:
        assert said.startswith("every classification goes to review: ")
        assert expected in said


def test_a_project_that_asks_for_nothing_is_warned_of_nothing(place: Place) -> None:
    place.ours.switch(record_of("first"))
    assert place.ours.show("letters") == place.ours.show("other")
    assert place.ours.show("letters").warnings == ()


def test_before_the_first_publication_it_says_what_a_promise_takes(place: Place) -> None:
    place.ours.set_rule("letters", AcceptanceRule(precision=0.95, confidence=0.9))
    (warning,) = place.ours.show("letters").warnings
    assert "no model of the project is in use" in warning
    assert "59 golden documents" in warning


def test_with_a_promise_there_is_no_warning_and_without_one_it_says_what_is_missing(place: Place) -> None:
    place.ours.set_rule("letters", RULE)
    place.ours.switch(record_of("first"))
    (warning,) = place.ours.show("letters").warnings
    assert "0 golden documents are too few" in warning
    place.put(sure_and_unsure())
    place.ours.set_rule("letters", RULE)
    assert place.ours.show("letters").warnings == ()


def test_a_rule_that_was_kept_and_did_not_reach_the_model_in_use_is_named(place: Place) -> None:
    place.ours.switch(record_of("first"))
    place.before = dies_at_the_first_read_of_the_model
    with pytest.raises(KeyboardInterrupt):
        place.ours.set_rule("letters", RULE)
    place.before = lambda _: None
    assert place.theirs.show("letters").warnings == ("the model in use does not go by this rule yet; put it again",)
    place.ours.set_rule("letters", RULE)
    place.theirs.active_model.forget()
    assert "golden documents are too few" in place.theirs.show("letters").warnings[0]


def dies_at_the_first_read_of_the_model(name: str) -> None:
    if name == "state.read":
        raise KeyboardInterrupt


def test_a_model_of_the_settings_carries_no_decision_and_that_is_said() -> None:
    place = Place(from_settings=FROM_SETTINGS)
    place.ours.set_rule("letters", RULE)
    assert place.ours.active_model.find() == Active(FROM_SETTINGS)
    (warning,) = place.ours.show("letters").warnings
    assert "LANGUAGE_MODEL (set)" in warning
    assert "no decision" in warning
