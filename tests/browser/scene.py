"""A running app that has something to show: the samples classified and waiting for review, and two models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from cli.datasets import SAMPLES, load_dataset
from shared.batches.answer_counts import count_answers
from shared.batches.batch import BatchDocument, plan_batch
from shared.documents.record_schema import ClassConfidence
from shared.documents.ref import DocumentRef, FailureCode, record_name
from shared.reviews.item import item_of
from tests.browser import hostile
from tests.e2e.conftest import QUICK, Cloud, running_cloud

NEW = SAMPLES / "new"
PROJECT = "demo"
BLANKS = 3
# Documents are announced by the API: what is written beside the pipeline must not be taken for uploads.
_UNWATCHED = QUICK | {"blob_scan": 3_600.0}


@contextmanager
def running_scene(
    folder: Path,
    *,
    host_kind: str = "stand-in",
    with_hostile: bool = False,
    changes: Mapping[str, str] | None = None,
) -> Iterator[Cloud]:
    """`with_hostile` adds 200 documents whose names and texts are attacks, one in ten of them failed; `changes` are as
    those of `running_cloud`."""
    with running_cloud(
        folder, dataset=load_dataset(SAMPLES), host_kind=host_kind, timings=_UNWATCHED, changes=changes
    ) as running:
        # Nothing was tried yet, so nothing can be promised: every classification waits for review.
        running.api.call("PUT", f"/api/projects/{PROJECT}", {"kind": "multi_label", "acceptance": {"precision": 0.95}})
        texts = {f"inbox/{path.relative_to(NEW).as_posix()}": path.read_bytes() for path in sorted(NEW.rglob("*.txt"))}
        texts |= {f"inbox/blank {number}.txt": b" \n" for number in range(BLANKS)}
        for name, text in texts.items():
            running.upload(name, text)
            running.api.call("POST", f"/api/documents/classify?{urlencode({'name': name})}")
        running.wait_until_settled("inbox/")
        if with_hostile:
            for name, attack in zip(hostile.names(), hostile.texts(), strict=True):
                if len(name) == hostile.LONGEST:
                    add_failed(running, name)
                else:
                    add_classified(running, name, attack.encode(), waiting=True)
            add_closed_batch(running, [*hostile.names()[:3], "constructor"])
        running.follow(f"/api/projects/{PROJECT}/retrain", {"model": "second", "force": True})
        yield running


def add_classified(cloud: Cloud, name: str, text: bytes, *, waiting: bool) -> None:
    """A document with the record that the pipeline wrote of a sample; `waiting` for review as that does, or not."""
    services = cloud.stack.services
    like = cloud.classification("inbox/mail-0733.txt")
    assert like is not None
    etag = services.records.documents.put(name, text)
    document = DocumentRef(name=name, etag=etag, last_modified=like.document.last_modified, size=len(text))
    record = like.model_copy(update={"document": document})
    services.records.classifications.put(record_name(name), record.to_json(), metadata=record.facts().to_metadata())
    item = item_of(record) if waiting else None
    if item is not None:
        services.reviews.queue.put(item)


def add_closed_batch(cloud: Cloud, classes: Sequence[str]) -> None:
    """A batch that was classified as these, for the metrics."""
    like, batches = cloud.classification("inbox/mail-0733.txt"), cloud.stack.services.batches
    assert like is not None
    named = [ClassConfidence(name=name, confidence=0.9) for name in classes]
    answers = count_answers([like.model_copy(update={"classes": named})])
    batch = plan_batch([BatchDocument(document=like.document)], batches.clock())
    stored = batches.store.create(batch)
    assert stored is not None
    batches.store.close(stored.change(answers=answers))


def add_failed(cloud: Cloud, name: str) -> None:
    services = cloud.stack.services
    services.records.documents.put(name, b" ")
    info = services.records.documents.find(name)
    assert info is not None
    document = DocumentRef(name=name, etag=info.etag, last_modified=info.last_modified, size=info.size)
    services.records.write_failure(document, FailureCode.EMPTY, "the document holds no text")
