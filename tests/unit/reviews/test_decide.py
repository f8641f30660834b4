"""What may be decided, what a decision refuses, and what it leaves as a label."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Event
from typing import Any

import pytest

from shared.errors import BadRequestError, ReviewDecidedError, ReviewOutdatedError, ReviewUnknownError
from shared.language.authoring_values import LabelledDocument
from shared.language.values import ProjectKind
from shared.models.acceptance import Right
from shared.reviews.decide import SHOWN_CHARACTERS
from shared.reviews.item import version_key
from shared.reviews.labels import AddedLabels
from tests.review_world import AUDIT, TO_REVIEW, ReviewWorld, decide_all
from tests.unit.operations.operations_world import labels


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> ReviewWorld:
    decide_all(monkeypatch)
    return ReviewWorld()


def decide(world: ReviewWorld, review_id: str, *classes: str, by: str = "anna", skip: bool = False) -> None:
    world.services.reviews.decide(review_id, classes, skip=skip, by=by)


# What is shown


def test_an_item_is_shown_with_its_text_and_the_classes_of_the_project(world: ReviewWorld) -> None:
    shown = world.services.reviews.show(world.classified())
    assert (shown.text, shown.is_truncated, shown.decision) == ("about billing", False, None)
    assert shown.choices == ("billing", "shipping")
    assert [(each.name, each.confidence) for each in shown.item.classes] == [("billing", 0.9)]


def test_of_a_long_text_the_first_100_000_characters_are_shown(world: ReviewWorld) -> None:
    shown = world.services.reviews.show(world.classified(text="billing " + "x" * SHOWN_CHARACTERS))
    assert shown.is_truncated
    assert shown.text is not None
    assert len(shown.text) == SHOWN_CHARACTERS


def test_of_documents_that_are_shown_at_once_one_looks_up_the_classes(world: ReviewWorld) -> None:
    ids, training = [world.classified(f"{number}.txt") for number in range(4)], world.stores["training"]
    looked: list[str] = []
    another, real = Event(), training.read

    def read(name: str, **options: Any) -> Any:
        looked.append(name)
        if len(looked) > 1:
            another.set()
        another.wait(0.3)  # time for another to look as well
        return real(name, **options)

    training.read = read  # type: ignore[method-assign]
    with ThreadPoolExecutor(len(ids)) as pool:
        shown = pool.map(world.services.reviews.show, ids)
        assert {each.choices for each in shown} == {("billing", "shipping")}
    assert len(looked) == 1


@pytest.mark.parametrize("review_id", ["00000-" + "0" * 40, "90000-" + version_key("a.txt", etag='"0x1"')])
def test_what_never_waited_is_unknown(world: ReviewWorld, review_id: str) -> None:
    for act in (world.services.reviews.show, lambda each: decide(world, each, "billing")):
        with pytest.raises(ReviewUnknownError, match="GET /api/reviews lists what waits"):
            act(review_id)
    with pytest.raises(ReviewUnknownError):
        world.services.reviews.undo(review_id, by="anna")


def test_a_decided_item_is_shown_with_its_decision_even_when_the_document_is_gone(world: ReviewWorld) -> None:
    review_id = world.classified()
    decide(world, review_id, "shipping")
    world.remove("a.txt")
    shown = world.services.reviews.show(review_id)
    assert shown.text is None
    assert shown.decision is not None
    assert (shown.decision.classes, shown.decision.by) == (("shipping",), "anna")


def test_looking_at_an_item_whose_version_is_gone_ends_its_waiting(world: ReviewWorld) -> None:
    review_id = world.classified()
    world.remove("a.txt")
    with pytest.raises(ReviewOutdatedError):
        world.services.reviews.show(review_id)
    assert world.open_ids() == []


def test_a_text_that_a_lowered_limit_refuses_is_decided_without_being_shown(world: ReviewWorld) -> None:
    review_id = world.classified()
    world.change_settings(pipeline_max_document_bytes=5)
    assert world.services.reviews.show(review_id).text is None
    decide(world, review_id, "billing")
    assert [each.text for each in world.decisions()] == [None]


def test_what_was_decided_of_a_version_that_is_gone_can_be_undone(world: ReviewWorld) -> None:
    review_id = world.classified()
    decide(world, review_id, "billing")
    world.remove("a.txt")
    assert world.services.reviews.undo(review_id, by="anna").decision is None
    assert (world.decisions(), world.added_labels(), world.open_ids()) == ([], [], [])


def test_without_labels_the_choices_are_what_the_model_named(world: ReviewWorld) -> None:
    review_id = world.classified()
    world.stores["training"]._delete("labels.json", None)
    assert world.services.reviews.show(review_id).choices == ("billing",)


# What may be decided


def test_classes_that_the_project_does_not_have_are_refused_by_name(world: ReviewWorld) -> None:
    with pytest.raises(BadRequestError, match=r"classes\[1\]: 'tax' is not a class of project 'letters'"):
        decide(world, world.classified(), "billing", "tax")
    assert world.decisions() == []


def test_a_class_that_was_added_to_the_labels_a_moment_ago_can_be_chosen(world: ReviewWorld) -> None:
    review_id = world.classified()
    world.services.reviews.show(review_id)
    content = labels()
    content["assets"]["classes"].append({"category": "tax"})
    world.put_labels(content)
    decide(world, review_id, "tax")
    assert [each.classes for each in world.added_labels("letters")] == [("tax",)]


def test_a_multi_label_document_may_have_no_class_and_a_class_twice_is_one(world: ReviewWorld) -> None:
    decide(world, world.classified("none.txt"))
    decide(world, world.classified("twice.txt"), "billing", "billing")
    assert sorted(each.classes for each in world.added_labels("letters")) == [(), ("billing",)]


@pytest.mark.parametrize("classes", [(), ("billing", "shipping")])
def test_a_single_label_document_has_exactly_one_class(world: ReviewWorld, classes: tuple[str, ...]) -> None:
    review_id = world.classified()
    name = f"reviews/open/{review_id}.json"
    item = json.loads(world.stores["state"].blobs[name].data)
    world.stores["state"].write_unhooked(name, json.dumps(item | {"kind": ProjectKind.SINGLE.value}).encode())
    with pytest.raises(BadRequestError, match="exactly 1"):
        decide(world, review_id, *classes)


# What is refused because something has changed


def test_a_document_that_was_overwritten_is_refused_with_what_changed_and_waits_no_longer(world: ReviewWorld) -> None:
    review_id = world.classified()
    world.upload("a.txt", "about shipping", event=False)
    with pytest.raises(ReviewOutdatedError, match=r"'a\.txt' was overwritten at 2026-03-01"):
        decide(world, review_id, "billing")
    assert world.open_ids() == []
    assert world.decisions() == []


def test_a_document_that_was_deleted_is_refused(world: ReviewWorld) -> None:
    review_id = world.classified()
    world.remove("a.txt")
    with pytest.raises(ReviewOutdatedError, match=r"'a\.txt' was deleted"):
        decide(world, review_id, skip=True)
    assert world.open_ids() == []


def test_an_item_whose_record_is_not_there_is_not_decided(world: ReviewWorld) -> None:
    review_id = world.classified()
    world.stores["classifications"]._delete("a.txt.json", None)
    with pytest.raises(ReviewOutdatedError, match="has no classification of this version"):
        decide(world, review_id, "billing")
    assert world.open_ids() == [review_id]


def test_what_another_has_decided_is_told_with_who_and_what(world: ReviewWorld) -> None:
    review_id = world.classified()
    decide(world, review_id, "billing")
    with pytest.raises(ReviewDecidedError, match=r"'a\.txt' was decided as 'billing' by 'anna' at 2026-03-01"):
        decide(world, review_id, "shipping", by="bert")
    with pytest.raises(ReviewDecidedError):
        decide(world, review_id, "billing", by="bert")
    decide(world, review_id, "billing")  # a repeat is none


# What it leaves


def test_a_decision_becomes_a_label_and_a_member_of_the_record(world: ReviewWorld) -> None:
    review_id = world.classified()
    decide(world, review_id, "shipping")
    location = f"reviewed-{review_id[6:]}.txt"
    assert world.added_labels("letters") == [LabelledDocument(location, "", ("shipping",))]
    assert world.added_labels("other") == []
    record = world.classification("a.txt")
    assert record is not None
    assert record.review is not None
    assert (record.review.classes, record.review.by) == (("shipping",), "anna")
    metadata = world.stores["classifications"].blobs["a.txt.json"].info.metadata
    assert metadata == record.facts().to_metadata()


def test_of_several_decided_versions_the_last_decided_is_the_label(world: ReviewWorld) -> None:
    decide(world, world.classified(), "billing")
    second = world.classified(text="about shipping")
    decide(world, second, "shipping")
    assert [each.location for each in world.added_labels("letters")] == [f"reviewed-{second[6:]}.txt"]
    world.services.reviews.undo(second, by="anna")
    assert [each.classes for each in world.added_labels("letters")] == [("billing",)]


def test_a_text_that_the_service_does_not_train_on_becomes_no_label(world: ReviewWorld) -> None:
    review_id = world.classified(text="billing " + "x" * world.services.reviews.longest())
    decide(world, review_id, "billing")
    assert world.added_labels("letters") == []
    assert [each.text for each in world.decisions()] == [None]
    assert world.classification("a.txt").review is not None  # type: ignore[union-attr]


def test_a_project_that_was_created_anew_does_not_inherit_labels(world: ReviewWorld) -> None:
    decide(world, world.classified(), "billing")
    labels = world.services.operation_steps.retrain.labels.added_labels
    assert isinstance(labels, AddedLabels)
    after = replace(labels, created=lambda _: world.clock())
    assert (len(labels("letters")), after("letters")) == (1, [])


def test_a_label_whose_text_was_removed_is_left_out(world: ReviewWorld, caplog: pytest.LogCaptureFixture) -> None:
    review_id = world.classified()
    decide(world, review_id, "billing")
    world.stores["training"]._delete(f"reviewed-{review_id[6:]}.txt", None)
    assert world.added_labels("letters") == []
    assert "labels_left_out project=letters decisions=1 labels=0" in caplog.text


def test_classes_that_metadata_cannot_hold_are_read_from_the_decision(world: ReviewWorld) -> None:
    content = labels()
    content["assets"]["classes"] = [{"category": f"東京 {number} " + "x" * 40} for number in range(150)]
    world.put_labels(content)
    review_id = world.classified()
    names = world.services.reviews.choices.classes("letters", fresh=True)
    decide(world, review_id, *names)
    assert [each.classes for each in world.added_labels("letters")] == [names]


def test_undoing_takes_all_of_it_back(world: ReviewWorld) -> None:
    review_id = world.classified()
    decide(world, review_id, "shipping")
    shown = world.services.reviews.undo(review_id, by="bert")
    assert shown.decision is None
    assert world.state_of("a.txt", "about billing") == "open"
    assert [name for name in world.stores["training"].blobs if name.startswith("reviewed-")] == []
    assert world.services.reviews.undo(review_id, by="bert").decision is None  # a repeat is no error


# What reports and retrainings read


def test_audits_since_the_model_was_published_say_how_often_it_was_right(
    world: ReviewWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = world.classified("before.txt")
    decide(world, before, "billing")
    decide_all(monkeypatch, AUDIT)
    early = world.classified("early.txt")
    decide(world, early, "shipping")
    world.clock.advance(timedelta(minutes=1))
    since = world.clock()
    for number, classes in enumerate((["billing"], ["billing", "shipping"], ["shipping"])):
        decide(world, world.classified(f"{number}.txt"), *classes)
    decide(world, world.classified("skipped.txt"), skip=True)
    decide_all(monkeypatch, TO_REVIEW)
    decide(world, world.classified("unsure.txt"), "shipping")

    def audited(rule: Right, model: str = "first") -> tuple[int, int, bool]:
        world.begin()
        found = world.services.reviews.decisions.audited("letters", model=model, since=since, rule=rule)
        assert world.calls == 1
        return found.right, found.of, found.listed_all

    assert audited(Right.EXACT) == (1, 3, True)
    assert audited(Right.ALL_CLASSES) == (2, 3, True)
    assert audited(Right.EXACT, model="second") == (0, 0, True)
