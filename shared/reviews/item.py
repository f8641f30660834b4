"""An item that waits for review: pipeline/reviews/open/<rank>-<key>.json, the least sure first. Pure.

The rank is the confidence, so that the queue is a listing in the order of names. An audit's rank is drawn by its key
from the same range, evenly between 0 and the threshold: its own confidence would put it behind everything that waits,
and an order that depends on it would make those that people come to an unfair sample. The key is a hash of the
document's name, then one of its ETag: a version has one key, whatever model classifies it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal
from urllib.parse import quote, unquote

from pydantic import AwareDatetime, Field, TypeAdapter, ValidationError

from shared.documents.record_schema import ClassConfidence, ClassificationRecord, Decision
from shared.documents.ref import DocumentRef
from shared.durable.record import StoredModel
from shared.language.values import ProjectKind
from shared.models.acceptance import result_confidence

OPEN = "reviews/open/"
REVIEW_ID = r"^[0-9]{5}-[0-9a-f]{40}$"
_RANKS = 100_000
_NAME_DIGITS, _ETAG_DIGITS = 24, 16
# Of the 8 KiB that names and values of a blob's metadata may have in all. What does not fit is read from the blob.
METADATA_BYTES = 6_000


class Reason(StrEnum):
    """Why a person is asked: the result is not sure enough, or is one of the random share that checks the others."""

    REVIEW = "review"
    AUDIT = "audit"


class ReviewItem(StoredModel):
    """A classification that a person is to look at. `model` is the label of the one that made it."""

    schema_version: Annotated[Literal[1], Field(alias="schema")] = 1
    id: str
    document: DocumentRef
    project: str
    kind: ProjectKind
    model: str
    reason: Reason
    confidence: float | None
    classes: tuple[ClassConfidence, ...]
    created: AwareDatetime

    @property
    def key(self) -> str:
        return key_of(self.id)

    def to_json(self) -> bytes:
        return self.model_dump_json(by_alias=True, indent=1).encode()

    def to_metadata(self) -> dict[str, str]:
        """What a listing shows. The name and the classes are left out where they do not fit."""
        values = {
            "etag": self.document.etag,
            "model": quote(self.model),
            "reason": self.reason.value,
            "created": self.created.isoformat(),
        }
        if self.confidence is not None:
            values["confidence"] = str(self.confidence)
        pairs = [[each.name, each.confidence] for each in self.classes]
        whole = values | {"name": quote(self.document.name), "classes": _packed(pairs)}
        return whole if sum(len(name) + len(value) for name, value in whole.items()) <= METADATA_BYTES else values


class ListedReview(StoredModel):
    """An item as a listing shows it."""

    id: str
    name: str
    etag: str
    model: str
    reason: Reason
    confidence: float | None = None
    classes: tuple[ClassConfidence, ...]
    created: AwareDatetime

    @classmethod
    def read(cls, review_id: str, metadata: Mapping[str, str]) -> ListedReview | None:
        """None where the metadata are not ours, or leave out what did not fit."""
        try:
            values: dict[str, Any] = {name: value for name, value in metadata.items() if value}
            values |= {name: unquote(values[name]) for name in ("name", "model")}
            values["classes"] = [
                {"name": name, "confidence": confidence}
                for name, confidence in _PAIRS.validate_json(unquote(values["classes"]))
            ]
            return cls.model_validate(values | {"id": review_id})
        except (KeyError, ValidationError):
            return None

    @classmethod
    def of(cls, item: ReviewItem) -> ListedReview:
        return cls(
            id=item.id,
            name=item.document.name,
            etag=item.document.etag,
            model=item.model,
            reason=item.reason,
            confidence=item.confidence,
            classes=item.classes,
            created=item.created,
        )


_PAIRS: TypeAdapter[list[tuple[str, float]]] = TypeAdapter(list[tuple[str, float]], config={"defer_build": True})


def item_of(record: ClassificationRecord) -> ReviewItem | None:
    """The item of a classification that a person is to look at; None for one that counts as it is, or is decided."""
    decision = record.decision
    if decision is None or record.review is not None:
        return None
    if decision.decision is not Decision.REVIEW and not decision.is_audit:
        return None
    confidence = result_confidence(each.confidence for each in record.classes)
    key = version_key(record.document.name, etag=record.document.etag)
    drawn_below = decision.threshold if decision.is_audit else None
    return ReviewItem(
        id=f"{_rank(confidence, key=key, drawn_below=drawn_below):05d}-{key}",
        document=record.document,
        project=record.project,
        kind=record.kind,
        model=record.model.label,
        reason=Reason.AUDIT if decision.is_audit else Reason.REVIEW,
        confidence=confidence,
        classes=tuple(record.classes),
        # The service's own time: writing the item twice gives the same bytes.
        created=record.timings.completed or record.timings.submitted,
    )


def version_key(name: str, *, etag: str) -> str:
    """40 hexadecimal digits; the first 24 are the document's, whatever its version."""
    digits = hashlib.sha256(name.encode()).hexdigest()[:_NAME_DIGITS]
    return digits + hashlib.sha256(etag.encode()).hexdigest()[:_ETAG_DIGITS]


def document_key(key: str) -> str:
    """What the keys of all versions of a document have in common."""
    return key[:_NAME_DIGITS]


def key_of(review_id: str) -> str:
    return review_id.partition("-")[2]


def open_name(review_id: str) -> str:
    return f"{OPEN}{review_id}.json"


def review_id_of(blob_name: str) -> str:
    return blob_name.rpartition("/")[2].removesuffix(".json")


def _rank(confidence: float | None, *, key: str, drawn_below: float | None) -> int:
    if drawn_below is not None:
        digest = hashlib.sha256(b"audit\0" + key.encode()).digest()
        confidence = drawn_below * int.from_bytes(digest[:8], "big") / 2**64
    return min(max(int((confidence or 0.0) * _RANKS), 0), _RANKS - 1)


def _packed(value: object) -> str:
    return quote(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
