"""The records of documents as rows, read from storage, any number of them; and how many there are of those wanted."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from cli.storage import ListedBlob, UserStorage
from cli.target import Target
from shared.documents.ref import is_document_name, record_name

THREADS = 16
# Read ahead of the row that is written: enough for all threads, and a bound on what is held in memory.
AHEAD = 64
# Of documents that wait, so that one can look at them.
NAMED = 3

Row = dict[str, Any]


@dataclass(frozen=True)
class Counted:
    """Of the documents that were asked for, how many have the record of their current version; the first without."""

    documents: int
    classified: int
    failed: int
    first_waiting: tuple[str, ...] = ()

    @property
    def waiting(self) -> int:
        return self.documents - self.classified - self.failed


def read_rows(
    storage: UserStorage,
    target: Target,
    *,
    prefix: str = "",
    decision: str | None = None,
    with_text: bool = False,
    on_unreadable: Callable[[str], object] = lambda _: None,
) -> Iterator[Row]:
    """Classifications, then failures, each in the order of names. With `decision` only classifications that have it.

    A record that cannot be read is named and left out.
    """
    containers = [target.classifications] if decision else [target.classifications, target.failures]

    def read(container: str, name: str) -> Row | None:
        record = storage.read_json(container, name)
        row = _row_of(record)
        if row is None:
            on_unreadable(f"{container}/{name}")
        elif with_text:
            data = storage.read(target.documents, row["name"])
            row["text"] = None if data is None else data.decode("utf-8-sig", errors="replace")
        return row

    with ThreadPoolExecutor(THREADS) as pool:
        for container in containers:
            waiting: deque[Future[Row | None]] = deque()
            for blob in storage.list_blobs(container, prefix, metadata=decision is not None):
                if decision is not None and blob.metadata.get("decision") != decision:
                    continue
                waiting.append(pool.submit(read, container, blob.name))
                if len(waiting) >= AHEAD:
                    yield from _present(waiting.popleft())
            for future in waiting:
                yield from _present(future)


def _present(future: Future[Row | None]) -> Iterator[Row]:
    row = future.result()
    if row is not None:
        yield row


def _row_of(record: Any) -> Row | None:
    """docs/records.md describes a record; None where it is none."""
    try:
        document, is_classified = record["document"], record["status"] == "classified"
        decision, review = record.get("decision") or {}, record.get("review") or {}
        model = record.get("model")
        return {
            "name": document["name"],
            "status": record["status"],
            "classes": [{"name": each["name"], "confidence": each["confidence"]} for each in record.get("classes", [])],
            "decision": decision.get("decision"),
            "reviewed_classes": list(review["classes"]) if review else None,
            "reviewed_by": review.get("by"),
            "model": model["label"] if isinstance(model, dict) else model,
            "uploaded": document["last_modified"],
            "ended": record["timings"]["completed"] if is_classified else record["failed"],
            "code": record.get("code"),
            "message": record.get("message"),
            "etag": document["etag"],
        }
    except (KeyError, TypeError, AttributeError):
        return None


def count_records(
    storage: UserStorage, target: Target, *, prefix: str = "", wanted: Mapping[str, str] | None = None
) -> Counted:
    """By listing alone: the documents below `prefix`, or the `wanted` ones (ETag by name), and their records."""
    documents = dict(wanted) if wanted is not None else _documents(storage, target, prefix)
    etags = {record_name(name): etag for name, etag in documents.items()}
    found: list[set[str]] = []
    for container in (target.classifications, target.failures):
        listed = storage.list_blobs(container, prefix, metadata=True)
        found.append({blob.name for blob in listed if _is_about(blob, etags.get(blob.name))})
    classified, failed = found
    waiting = sorted(name for name in documents if record_name(name) not in classified | failed)
    return Counted(len(documents), len(classified), len(failed - classified), tuple(waiting[:NAMED]))


def _documents(storage: UserStorage, target: Target, prefix: str) -> dict[str, str]:
    blobs = storage.list_blobs(target.documents, prefix)
    return {blob.name: blob.etag for blob in blobs if is_document_name(blob.name)}


def _is_about(record: ListedBlob, etag: str | None) -> bool:
    return etag is not None and record.metadata.get("etag", "").strip('"') == etag.strip('"')
