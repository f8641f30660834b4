"""The verdict on a chaos run: every document compared by content with what was uploaded. Decides, reads nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError

from bench.chaos.work import Content, Ledger
from shared.documents.record_schema import ClassificationRecord, FailureRecord, RecordFacts
from shared.documents.ref import FailureCode, is_document_name, record_name
from shared.language.values import ModelRef

WEATHER = frozenset(
    {FailureCode.JOB_FAILED, FailureCode.JOB_EXPIRED, FailureCode.NO_RESULT, FailureCode.MALFORMED_ANSWER}
)
"""What three bad answers of the service to the same document end in: right, as long as the weather was bad."""

Classes = list[tuple[str, float]]
Analyze = Callable[[ModelRef, Sequence[str]], Sequence[Classes]]
"""The classes of texts by a model, straight from the service."""


@dataclass(frozen=True)
class StoredRecord:
    """A record's blob: what its metadata say, and its content."""

    facts: RecordFacts
    data: bytes


@dataclass(frozen=True)
class Snapshot:
    """What storage holds when everything has settled. Records and dead letters by blob name."""

    documents: Mapping[str, str]
    classifications: Mapping[str, StoredRecord]
    failures: Mapping[str, StoredRecord]
    open_batches: Sequence[str] = ()
    open_operations: Sequence[str] = ()
    dead_letters: Mapping[str, str] = field(default_factory=dict)
    """Bodies of the messages."""
    messages: Mapping[str, int] = field(default_factory=dict)
    """What is left in each queue that is not empty."""


@dataclass
class Findings:
    """Broken promises by kind, one line each; and how many documents the service's bad answers gave up."""

    lost: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    double: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    """Metadata unlike content, classes unlike the service's, a record that the version could not get."""
    stray: list[str] = field(default_factory=list)
    """A record of something that never was a document, or was never uploaded like that."""
    open: list[str] = field(default_factory=list)
    """Batches, operations and messages that should be done."""
    dead_letters: list[str] = field(default_factory=list)
    given_up: int = 0
    classified: int = 0
    failed: int = 0

    def all(self) -> dict[str, list[str]]:
        kinds = ("lost", "stale", "double", "wrong", "stray", "open", "dead_letters")
        return {kind: getattr(self, kind) for kind in kinds}


def judge(ledger: Ledger, snapshot: Snapshot, analyze: Analyze, *, explained: Sequence[str] = ()) -> Findings:
    """`explained` are the bodies of messages that the run itself spoiled: those may be dead letters."""
    return _Judge(ledger, snapshot, analyze).judge(explained)


@dataclass
class _Judge:
    ledger: Ledger
    snapshot: Snapshot
    analyze: Analyze
    findings: Findings = field(default_factory=Findings)
    to_compare: dict[ModelRef, list[tuple[str, str, ClassificationRecord]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """Name, text and record of every classification, by model."""

    def judge(self, explained: Sequence[str]) -> Findings:
        snapshot, findings = self.snapshot, self.findings
        changed = set(snapshot.documents.items()) ^ set(self.ledger.current.items())
        findings.stray += [f"{name!r}: the document itself is not what was uploaded" for name, _ in sorted(changed)]
        names = {record_name(name): name for name, _ in self.ledger.versions}
        for name, etag in sorted(self.ledger.documents.items()):
            self._check_presence(name, etag)
        for record, stored in sorted(snapshot.classifications.items()):
            self._check_record(record, names.get(record), stored, is_failure=False)
        for record, stored in sorted(snapshot.failures.items()):
            self._check_record(record, names.get(record), stored, is_failure=True)
        self._compare_classes()
        findings.open += [f"batch {each}" for each in snapshot.open_batches]
        findings.open += [f"operation {each}" for each in snapshot.open_operations]
        findings.open += [f"{count} messages in {queue}" for queue, count in snapshot.messages.items() if count]
        findings.dead_letters += [
            f"{blob}: {body[:200]}" for blob, body in snapshot.dead_letters.items() if body not in explained
        ]
        return findings

    def _check_presence(self, name: str, etag: str) -> None:
        key = record_name(name)
        found = [each for each in (self.snapshot.classifications.get(key), self.snapshot.failures.get(key)) if each]
        if len(found) > 1:
            self.findings.double.append(f"{name!r}: a classification and a failure record")
        if not found:
            self.findings.lost.append(f"{name!r} {etag}: no record")
        for each in found:
            if not each.facts.is_about(etag):
                self.findings.stale.append(f"{name!r}: the record is about {each.facts.etag}, current is {etag}")

    def _check_record(self, blob: str, name: str | None, stored: StoredRecord, *, is_failure: bool) -> None:
        findings = self.findings
        if name is None or not is_document_name(name):
            findings.stray.append(f"{blob!r}: a record of what is no document")
            return
        try:
            schema = FailureRecord if is_failure else ClassificationRecord
            record = schema.model_validate_json(stored.data)
        except ValidationError:
            findings.wrong.append(f"{blob!r}: the record cannot be read")
            return
        if record.document.name != name or record.facts() != stored.facts:
            findings.wrong.append(f"{name!r}: the record's metadata and content differ")
        content = self.ledger.versions.get((name, record.document.etag))
        if content is None:
            findings.stray.append(f"{name!r}: no version {record.document.etag} was ever uploaded")
        elif isinstance(record, FailureRecord):
            self._check_failure(name, content, record)
        elif content.text is None:
            findings.wrong.append(f"{name!r}: classified, although it holds nothing that could be")
        else:
            self.to_compare[record.model].append((name, content.text, record))

    def _check_failure(self, name: str, content: Content, record: FailureRecord) -> None:
        self.findings.failed += 1
        if record.code in content.failures:
            return
        if record.code in WEATHER and content.text is not None:
            self.findings.given_up += 1
        else:
            self.findings.wrong.append(f"{name!r}: failed as {record.code}: {record.message}")

    def _compare_classes(self) -> None:
        for model, entries in self.to_compare.items():
            expected = self.analyze(model, [text for _, text, _ in entries])
            for (name, _, record), classes in zip(entries, expected, strict=True):
                self.findings.classified += 1
                if rounded((each.name, each.confidence) for each in record.classes) != rounded(classes):
                    self.findings.wrong.append(f"{name!r}: not the classes that {model.label} gives its text")


def rounded(classes: Iterable[tuple[str, float]]) -> Classes:
    return [(name, round(confidence, 5)) for name, confidence in classes]
