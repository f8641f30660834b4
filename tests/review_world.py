"""The pipeline on fakes where every result goes to review, and what must hold of each version at rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

import pytest

from shared.batches import poll
from shared.batches.results import Results, resolve
from shared.documents.record_schema import (
    BatchReference,
    ClassConfidence,
    ClassificationRecord,
    Decision,
    RecordDecision,
    Timings,
)
from shared.documents.ref import DocumentRef
from shared.language.authoring_values import LabelledDocument
from shared.reviews.decision import DECIDED, LOG, ReviewDecision
from shared.reviews.item import OPEN, ReviewItem, review_id_of, version_key
from shared.reviews.sweep import ReviewSweep
from tests.fakes import START
from tests.faults.world import MODEL, Crash
from tests.unit.operations.operations_world import OperationsWorld

T = TypeVar("T")

TO_REVIEW = RecordDecision(decision=Decision.REVIEW, threshold=0.95, precision=0.95, confidence=0.9, documents=100)
AUDIT = TO_REVIEW.model_copy(update={"is_audit": True, "threshold": 0.5})


def record(
    name: str = "a.txt", *, etag: str = '"0x1"', decision: RecordDecision | None = TO_REVIEW, **classes: float
) -> ClassificationRecord:
    return ClassificationRecord(
        document=DocumentRef(name=name, etag=etag, last_modified=START, size=4),
        project="letters",
        kind=MODEL.kind,
        model=MODEL,
        api_version="2023-04-01",
        classes=[ClassConfidence(name=each, confidence=score) for each, score in classes.items()],
        warnings=[],
        batch=BatchReference(id="b1", jobs=["j1"], attempt=0),
        timings=Timings(uploaded=START, planned=START, submitted=START, completed=START),
        decision=decision,
    )


def decide_all(monkeypatch: pytest.MonkeyPatch, decision: RecordDecision | None = TO_REVIEW) -> None:
    """Every classification from here on has that decision."""

    def decided(*args: object, **kwargs: object) -> Results:
        results = resolve(*args, **kwargs)  # type: ignore[arg-type]
        results.classified = {
            index: record.model_copy(update={"decision": decision}) for index, record in results.classified.items()
        }
        return results

    monkeypatch.setattr(poll, "resolve", decided)


@dataclass
class ReviewWorld(OperationsWorld):
    """`meanwhile` runs once, before the effect of the call number `meanwhile_at` (counted from `begin`)."""

    meanwhile: Callable[[], object] | None = None
    meanwhile_at: int = 0
    trace: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.begin()

    def begin(self) -> None:
        """Calls and crashes are counted from here."""
        self.calls, self.crashes = 0, 0
        self.trace.clear()

    def call(self, name: str, effect: Callable[[], T]) -> T:
        self.trace.append(name)
        if self.meanwhile is not None and self.calls + 1 == self.meanwhile_at:
            act, self.meanwhile = self.meanwhile, None
            act()
        return super().call(name, effect)

    def classified(self, name: str = "a.txt", text: str = "about billing") -> str:
        """Upload a document, have it classified, and return the id under which it waits for review."""
        if self.label_in_use() is None:
            self.publish("first")
        document = self.upload(name, text)
        self.run()
        self.begin()
        return self.waiting_id(document)

    def put_waiting(self, name: str, text: str) -> str:
        """As `classified`, at a tenth of the cost: what the pipeline leaves, without the pipeline."""
        document = self.upload(name, text, event=False)
        made = record(billing=0.9).model_copy(update={"document": document})
        self.services.reviews.queue.enqueue({0: made}, again=())
        self.services.records.write_classifications({0: made}, {})
        self.begin()
        return self.waiting_id(document)

    def waiting_id(self, document: DocumentRef) -> str:
        key = version_key(document.name, etag=document.etag)
        (found,) = [each for each in self.open_ids() if each.endswith(key)]
        return found

    def open_ids(self) -> list[str]:
        return sorted(review_id_of(name) for name in self.stores["state"].blobs if name.startswith(OPEN))

    @contextmanager
    def crashing(self, number: int, moment: str) -> Iterator[None]:
        """The process dies at that call, counted from here, if there are so many; the next one starts with nothing."""
        self.begin()
        self.crash_at = (number, moment)
        try:
            yield
        except Crash:
            self.start_process()
        finally:
            self.crash_at = None

    def sweep_reviews(self) -> None:
        """Of everything that waits, once it is old enough."""
        self.clock.advance(timedelta(minutes=20))
        for _ in range(2):
            ReviewSweep(
                self.stores["state"],
                self.services.reviews,
                self.services.records,
                lambda f, xs: [f(x) for x in xs],
                self.clock,
            )()

    def decisions(self) -> list[ReviewDecision]:
        blobs = self.stores["state"].blobs
        return [ReviewDecision.model_validate_json(blobs[name].data) for name in blobs if name.startswith(DECIDED)]

    def added_labels(self, project: str = "letters") -> list[LabelledDocument]:
        """What the next retraining adds to the project's labels."""
        return list(self.services.operation_steps.retrain.labels.added_labels(project))

    def log_lines(self) -> list[str]:
        return [name for name in self.stores["state"].blobs if name.startswith(LOG)]

    def state_of(self, name: str, text: str) -> str:
        """`open` or `decided`; fails where the current version of a document is neither wholly."""
        info = self.stores["documents"].blobs[name].info
        key = version_key(name, etag=info.etag)
        items = [
            ReviewItem.model_validate_json(self.stores["state"].blobs[f"{OPEN}{each}.json"].data)
            for each in self.open_ids()
            if each.endswith(key)
        ]
        decisions = [each for each in self.decisions() if each.key == key]
        record = self.classification(name)
        labels = [each for each in self.added_labels() if key in each.location]
        lines = [each for each in self.log_lines() if key in each]
        assert record is not None
        if not decisions:
            assert len(items) == 1, "it waits for review, once"
            assert (record.review, labels, lines) == (None, [], [])
            return "open"
        (decision,) = decisions
        assert decision.withdrawn is None
        assert items == [], "it waits no longer"
        if decision.skipped:
            assert (record.review, labels, lines) == (None, [], [])
            return "skipped"
        assert record.review == decision.review
        assert [each.classes for each in labels] == [decision.classes]
        assert self.stores["training"].blobs[labels[0].location].data == text.encode()
        assert len(lines) == 1
        return "decided"
