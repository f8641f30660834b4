"""The checker of the chaos bench is shown a sound storage, and then each fault that it exists to find."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bench.chaos.checker import Classes, Findings, Snapshot, StoredRecord, judge
from bench.chaos.work import Content, Ledger
from shared.documents.record_schema import (
    BatchReference,
    ClassConfidence,
    ClassificationRecord,
    FailureRecord,
    Timings,
)
from shared.documents.ref import DocumentRef, FailureCode, record_name
from shared.language.values import ModelRef, ProjectKind

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MODEL = ModelRef(project="demo", kind=ProjectKind.MULTI, reference="m1", label="first")
KEPT, BLANK, GONE, NOTE = "kept.txt", "blank.txt", "gone.txt", "note.md"
JUNK = "junk of ours"


def analyze(model: ModelRef, texts: Sequence[str]) -> list[Classes]:
    return [[(f"{model.label}:{text}", 0.75)] for text in texts]


def ref(name: str, etag: str) -> DocumentRef:
    return DocumentRef(name=name, etag=etag, last_modified=NOW, size=7)


def classification(name: str, etag: str, text: str, *, classes: str | None = None) -> StoredRecord:
    record = ClassificationRecord(
        document=ref(name, etag),
        project="demo",
        kind=ProjectKind.MULTI,
        model=MODEL,
        api_version="2021-preview",
        classes=[ClassConfidence(name=classes or f"first:{text}", confidence=0.75)],
        warnings=[],
        batch=BatchReference(id="b", jobs=["j"], attempt=0),
        timings=Timings(uploaded=NOW, planned=NOW, submitted=NOW, completed=NOW),
    )
    return StoredRecord(record.facts(), record.to_json())


def failure(name: str, etag: str, code: FailureCode) -> StoredRecord:
    record = FailureRecord(document=ref(name, etag), code=code, message="why", failed=NOW, batch="b")
    return StoredRecord(record.facts(), record.to_json())


@pytest.fixture
def ledger() -> Ledger:
    """A document that was overwritten, one that can only fail, one that is gone, and what is no document."""
    ledger = Ledger()
    ledger.put(KEPT, '"1"', Content(b"old", "old"))
    ledger.put(KEPT, '"2"', Content(b"new", "new"))
    ledger.put(BLANK, '"3"', Content(b" ", None, frozenset({FailureCode.EMPTY})))
    ledger.put(GONE, '"4"', Content(b"gone", "gone"))
    ledger.deleted(GONE)
    ledger.put(NOTE, '"5"', Content(b"note"))
    return ledger


@pytest.fixture
def sound() -> Snapshot:
    return Snapshot(
        documents={KEPT: '"2"', BLANK: '"3"', NOTE: '"5"'},
        classifications={
            record_name(KEPT): classification(KEPT, '"2"', "new"),
            record_name(GONE): classification(GONE, '"4"', "gone"),
        },
        failures={record_name(BLANK): failure(BLANK, '"3"', FailureCode.EMPTY)},
        dead_letters={"dead-letters/documents/1.json": JUNK},
    )


def found(ledger: Ledger, snapshot: Snapshot) -> Findings:
    return judge(ledger, snapshot, analyze, explained=[JUNK])


def with_classification(snapshot: Snapshot, name: str, record: StoredRecord | None) -> Snapshot:
    records = {**snapshot.classifications, record_name(name): record}
    return replace(snapshot, classifications={key: each for key, each in records.items() if each is not None})


def with_failure(snapshot: Snapshot, name: str, record: StoredRecord) -> Snapshot:
    return replace(snapshot, failures={**snapshot.failures, record_name(name): record})


def test_a_sound_storage_breaks_no_promise(ledger: Ledger, sound: Snapshot) -> None:
    findings = found(ledger, sound)
    assert not any(findings.all().values())
    assert (findings.classified, findings.failed, findings.given_up) == (2, 1, 0)


FAULTS: dict[str, tuple[str, Callable[[Snapshot], Snapshot]]] = {
    "a document without a record": ("lost", lambda good: with_classification(good, KEPT, None)),
    "a record of an older version": (
        "stale",
        lambda good: with_classification(good, KEPT, classification(KEPT, '"1"', "old")),
    ),
    "a classification and a failure of one version": (
        "double",
        lambda good: with_failure(good, KEPT, failure(KEPT, '"2"', FailureCode.POISONED)),
    ),
    "a stale failure beside the right classification": (
        "stale",
        lambda good: with_failure(good, KEPT, failure(KEPT, '"1"', FailureCode.NO_RESULT)),
    ),
    "another text's classes": (
        "wrong",
        lambda good: with_classification(good, KEPT, classification(KEPT, '"2"', "new", classes="first:other")),
    ),
    "another text's classes for a document that is gone": (
        "wrong",
        lambda good: with_classification(good, GONE, classification(GONE, '"4"', "gone", classes="first:other")),
    ),
    "metadata unlike the content": (
        "wrong",
        lambda good: with_classification(
            good,
            KEPT,
            StoredRecord(classification(KEPT, '"2"', "new").facts, classification(KEPT, '"1"', "old").data),
        ),
    ),
    "a record about another name": (
        "wrong",
        lambda good: with_classification(good, KEPT, classification("other.txt", '"2"', "new")),
    ),
    "content that is no record": (
        "wrong",
        lambda good: with_classification(good, KEPT, StoredRecord(classification(KEPT, '"2"', "new").facts, b"{}")),
    ),
    "a classification of what holds no text": (
        "wrong",
        lambda good: replace(
            with_classification(good, BLANK, classification(BLANK, '"3"', " ")),
            failures={},
        ),
    ),
    "a failure that nothing explains": (
        "wrong",
        lambda good: with_failure(
            with_classification(good, KEPT, None), KEPT, failure(KEPT, '"2"', FailureCode.POISONED)
        ),
    ),
    "a failure of the service's for what holds no text": (
        "wrong",
        lambda good: with_failure(good, BLANK, failure(BLANK, '"3"', FailureCode.JOB_FAILED)),
    ),
    "a record of what is no document": (
        "stray",
        lambda good: with_classification(good, NOTE, classification(NOTE, '"5"', "note")),
    ),
    "a record of a name that was never uploaded": (
        "stray",
        lambda good: with_classification(good, "never.txt", classification("never.txt", '"9"', "never")),
    ),
    "a record of a version that was never uploaded, of a document that is gone": (
        "stray",
        lambda good: with_classification(good, GONE, classification(GONE, '"9"', "gone")),
    ),
    "a document that the app has changed": (
        "stray",
        lambda good: replace(good, documents={**good.documents, KEPT: '"9"'}),
    ),
    "an open batch": ("open", lambda good: replace(good, open_batches=["batches/open/1.json"])),
    "an open operation": ("open", lambda good: replace(good, open_operations=["operations/open/1.json"])),
    "a message that is left": ("open", lambda good: replace(good, messages={"batches": 1})),
    "a dead letter of our own making": (
        "dead_letters",
        lambda good: replace(good, dead_letters={"dead-letters/batches/1.json": '{"schema": 1, "id": "b"}'}),
    ),
}


@pytest.mark.parametrize(("kind", "spoil"), FAULTS.values(), ids=FAULTS)
def test_each_fault_is_found_as_what_it_is(
    ledger: Ledger, sound: Snapshot, kind: str, spoil: Callable[[Snapshot], Snapshot]
) -> None:
    assert found(ledger, spoil(sound)).all()[kind]


def test_three_bad_answers_of_the_service_are_counted_and_break_nothing(ledger: Ledger, sound: Snapshot) -> None:
    spoiled = with_failure(with_classification(sound, KEPT, None), KEPT, failure(KEPT, '"2"', FailureCode.JOB_FAILED))
    findings = found(ledger, spoiled)
    assert not any(findings.all().values())
    assert findings.given_up == 1
