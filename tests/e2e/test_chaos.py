"""A short chaos run (`python -m bench chaos`) breaks no promise, and what is broken afterwards on purpose is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.chaos.run import Chaos, Options, running_chaos
from shared.documents.record_schema import ClassificationRecord, FailureRecord
from shared.documents.ref import FailureCode, record_name

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

DOCUMENTS = 60
SETTLE_SECONDS = 240.0


@pytest.mark.long
def test_a_short_chaos_run_breaks_no_promise_and_would_show_a_broken_one(tmp_path: Path) -> None:
    options = Options(
        documents=DOCUMENTS,
        # The same storm in every run, as far as processes allow; `bench chaos` is for new ones.
        seed=7,
        language_api="2023-04-01",
        nets=True,
        kills=2,
        settle_seconds=SETTLE_SECONDS,
    )
    print(options)
    with running_chaos(tmp_path, options, print) as chaos:
        outcome = chaos.run()
        assert outcome.settled
        assert not any(outcome.findings.all().values()), outcome.findings.all()
        assert set(outcome.operations.values()) == {"succeeded"}
        assert len(outcome.kills) == options.kills
        assert outcome.findings.classified > 0
        assert outcome.requests["storage"] > 0

        spoil(chaos)
        found = chaos.examine().all()
        assert {kind: len(lines) for kind, lines in found.items()} == {
            "lost": 1,
            "stale": 1,
            "double": 1,
            "wrong": 2,
            "stray": 1,
            "open": 1,
            "dead_letters": 1,
        }, found


def spoil(chaos: Chaos) -> None:
    """Lose a record, make one stale and one double, swap classes, and leave what should not be left."""
    settings = chaos.stack.settings
    classifications = chaos.stack.container(settings.classifications_container)
    failures, pipeline = (
        chaos.stack.container(name) for name in (settings.failures_container, settings.pipeline_container)
    )

    def write(record: ClassificationRecord, name: str) -> None:
        classifications.put(record_name(name), record.to_json(), metadata=record.facts().to_metadata())

    lost, stale, double, swapped, differing = classified(chaos)[:5]
    classifications.delete(record_name(lost.document.name))
    older = stale.document.model_copy(update={"etag": '"0x0LD"'})
    write(stale.model_copy(update={"document": older}), stale.document.name)
    failure = FailureRecord(
        document=double.document, code=FailureCode.JOB_FAILED, message="on purpose", failed=double.timings.planned
    )
    failures.put(record_name(double.document.name), failure.to_json(), metadata=failure.facts().to_metadata())
    write(swapped.model_copy(update={"classes": [*swapped.classes, *swapped.classes]}), swapped.document.name)
    classifications.put(
        record_name(differing.document.name),
        differing.to_json(),
        metadata=differing.facts().to_metadata() | {"size": str(differing.document.size + 1)},
    )
    pipeline.put("batches/open/0.json", b"{}")
    pipeline.put("dead-letters/batches/0.json", b'{"body": "{}"}')


def classified(chaos: Chaos) -> list[ClassificationRecord]:
    """Records of documents that are there, each with classes."""
    classifications = chaos.stack.container(chaos.stack.settings.classifications_container)
    records = [
        ClassificationRecord.model_validate_json(classifications.read(info.name).data)
        for info in classifications.list()
    ]
    return [each for each in records if each.document.name in chaos.ledger.current and each.classes]
