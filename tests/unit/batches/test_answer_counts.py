"""What a closed batch's metadata count: by class, by confidence, by decision, within what Azure allows."""

from __future__ import annotations

import string
from collections.abc import Sequence

import pytest

from shared.batches.answer_counts import AnswerCounts, AnsweredBy, count_answers
from shared.batches.batch import BatchDocument, BatchFacts, Outcome, plan_batch
from shared.documents.record_schema import (
    BatchReference,
    ClassConfidence,
    ClassificationRecord,
    Decision,
    RecordDecision,
    Timings,
)
from shared.documents.ref import DocumentRef
from shared.language.values import ModelRef, ProjectKind
from tests.fakes import START
from tests.faults.world import MODEL
from tests.services_on_fakes import PipelineOnFakes

METADATA_LIMIT = 8 * 1024


def classified(*classes: tuple[str, float], decision: Decision | None = None) -> ClassificationRecord:
    basis = (
        RecordDecision(decision=decision, threshold=0.8, precision=0.9, confidence=0.9, documents=240)
        if decision
        else None
    )
    return ClassificationRecord(
        document=DocumentRef(name="a.txt", etag='"1"', last_modified=START, size=5),
        project="letters",
        kind=ProjectKind.MULTI,
        model=MODEL,
        api_version="2021-preview",
        classes=[ClassConfidence(name=name, confidence=confidence) for name, confidence in classes],
        warnings=[],
        batch=BatchReference(id="b" * 32, jobs=["job"], attempt=0),
        timings=Timings(uploaded=START, planned=START, submitted=START, completed=START),
        decision=basis,
    )


def facts_of(answers: AnswerCounts, model: ModelRef = MODEL) -> BatchFacts:
    """Of a batch of one document that ended with these counts."""
    document = DocumentRef(name="a.txt", etag='"1"', last_modified=START, size=5)
    batch = plan_batch([BatchDocument(document=document, outcome=Outcome.CLASSIFIED)], START)
    return batch.model_copy(update={"answers": answers, "model": model}).facts()


def size_of(metadata: dict[str, str]) -> int:
    return sum(len(name) + len(value) for name, value in metadata.items())


# counting


def test_documents_are_counted_by_class_by_their_least_sure_class_and_by_decision() -> None:
    counts = count_answers(
        [
            classified(("billing", 0.95), ("legal", 0.42), decision=Decision.REVIEW),
            classified(("billing", 1.0), decision=Decision.ACCEPTED),
            classified(("hr", 0.0), decision=Decision.REVIEW),
            classified(decision=Decision.REVIEW),
        ]
    )
    assert counts == AnswerCounts(
        classified=4,
        classes={"billing": 2, "legal": 1, "hr": 1},
        confidence=(1, 0, 0, 0, 1, 0, 0, 0, 0, 1),
        accepted=1,
        review=3,
    )


def test_where_no_precision_is_asked_for_no_decision_is_counted() -> None:
    counts = count_answers([classified(("billing", 0.95))])
    assert (counts.classified, counts.accepted, counts.review) == (1, 0, 0)


# metadata


CLASSES: dict[str, dict[str, int]] = {
    "plain": {"billing": 3, "legal": 1},
    "signs": {"a=b&c": 2, "100%": 1, "a b+c": 4, "x/y;z,.": 1},
    "other scripts": {"Rechnungsprüfung": 2, "請求書": 1, "счёт": 7},
    "none": {},
}


@pytest.mark.parametrize("case", CLASSES)
def test_the_counts_come_back_from_the_metadata_of_the_closed_batch(case: str) -> None:
    answers = AnswerCounts(classified=9, classes=CLASSES[case], confidence=(0, 1, 2, 0, 0, 0, 0, 0, 0, 5), review=2)
    metadata = facts_of(answers).to_metadata()
    assert all(name.isidentifier() and name.isascii() and value.isascii() for name, value in metadata.items())
    assert all(value and set(value) <= set(string.printable) - set(string.whitespace) for value in metadata.values())
    read = BatchFacts.read(metadata)
    assert read is not None
    assert read.answers == answers
    assert read.answered_by == AnsweredBy(project="letters", label="first", kind=ProjectKind.MULTI)


def test_the_counts_do_not_depend_on_the_order_in_which_classes_came() -> None:
    there, back = AnswerCounts(classes={"a": 1, "b": 2}), AnswerCounts(classes={"b": 2, "a": 1})
    assert there.to_metadata() == back.to_metadata()


@pytest.mark.parametrize("letter", ["x", "é", "請"])
def test_the_most_classes_with_the_longest_names_fit_and_what_has_no_room_is_counted_together(letter: str) -> None:
    classes = {f"{number:03}".rjust(50, letter): 25 - number % 25 for number in range(200)}
    model = ModelRef(project="請" * 50, kind=ProjectKind.MULTI, reference="r", label="é" * 50)
    metadata = facts_of(AnswerCounts(classified=25, classes=classes, confidence=(2,) * 10), model).to_metadata()
    assert size_of(metadata) <= METADATA_LIMIT - 500, "what a deferral adds must have room too"
    read = BatchFacts.read(metadata)
    assert read is not None
    assert read.answers is not None
    assert read.answers.classes.items() < classes.items()
    assert sum(read.answers.classes.values()) + read.answers.other_classes == sum(classes.values())
    assert min(read.answers.classes.values()) >= max(
        number for name, number in classes.items() if name not in read.answers.classes
    )


def test_a_name_that_no_service_gives_leaves_the_model_out_and_the_counts_in() -> None:
    model = ModelRef(project="p", kind=ProjectKind.SINGLE, reference="r", label="é" * 400)
    metadata = facts_of(AnswerCounts(classified=1, classes={"hr": 1}), model).to_metadata()
    read = BatchFacts.read(metadata)
    assert read is not None
    assert read.answers == AnswerCounts(classified=1, classes={"hr": 1})
    assert read.answered_by is None
    assert size_of(metadata) < 1_000


ODD: Sequence[dict[str, str]] = [
    {"classified": "many"},
    {"confidence": "1.2"},
    {"confidence": "a.b"},
    {"classes": "hr=few"},
]


@pytest.mark.parametrize("changed", ODD)
def test_counts_that_were_tampered_with_are_none_and_the_batch_is_listed_all_the_same(changed: dict[str, str]) -> None:
    metadata = facts_of(AnswerCounts(classified=1, classes={"hr": 1}, confidence=(0,) * 9 + (1,))).to_metadata()
    read = BatchFacts.read(metadata | changed)
    assert read is not None
    assert (read.documents, read.answers) == (1, None)


def test_a_batch_of_an_earlier_release_has_no_counts() -> None:
    metadata = facts_of(AnswerCounts(classified=1)).to_metadata()
    earlier = {name: value for name, value in metadata.items() if name in ("state", "documents", "created", "due")}
    read = BatchFacts.read(earlier)
    assert read is not None
    assert (read.answers, read.answered_by) == (None, None)


# batches that end


def test_a_batch_that_is_not_at_its_end_counts_nothing(world: PipelineOnFakes) -> None:
    world.service.reads_before_done = 1_000_000
    world.upload("letter.txt", "about billing")
    world.deliver_for(minutes=1)
    facts = world.the_open_one().record.facts()
    assert (facts.answers, facts.answered_by) == (None, None)
    assert set(facts.to_metadata()) == {"created", "due", "state", "documents"}


def test_a_closed_batch_counts_its_answers_and_names_its_model(world: PipelineOnFakes) -> None:
    world.upload("a.txt", "about billing")
    world.upload("b.txt", "about billing and shipping")
    world.upload("blank.txt", " ")
    world.run()
    (batch,) = world.closed_batches()
    (listed,) = world.batches.store.list_all_closed()
    records = [record for name in ("a.txt", "b.txt") if (record := world.classification(name))]
    assert listed.facts is not None
    assert listed.facts.answers == count_answers(records) == batch.answers
    assert listed.facts.answered_by == AnsweredBy(project=MODEL.project, label=MODEL.label, kind=MODEL.kind)
    assert listed.facts.answers is not None
    assert (listed.facts.answers.classified, listed.facts.documents) == (2, 3)


def test_a_batch_without_a_classification_is_not_taken_for_one_that_was_not_counted(world: PipelineOnFakes) -> None:
    world.upload("blank.txt", " ")
    world.run()
    (listed,) = world.batches.store.list_all_closed()
    assert listed.facts is not None
    assert listed.facts.answers == AnswerCounts()
    assert listed.facts.answered_by is None


def test_counting_costs_no_call(world: PipelineOnFakes) -> None:
    """What a batch does in the app's own container: created, saved with its job, closed, removed."""
    world.upload_letters(25)
    world.run()
    own = [call.removeprefix("state.") for call in world.trace if call.startswith("state.")]
    assert [call for call in own if call in ("create", "put", "replace", "delete")] == [
        "create",
        "replace",
        "put",
        "delete",
    ]
