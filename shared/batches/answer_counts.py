"""What a batch's documents were classified as, in numbers: by class, by confidence and by decision. Pure.

The counts are written once, with the closed batch, and into its blob's metadata, so that a listing can add them up.
Azure allows metadata 8 KiB in all, in ASCII, under names that are C# identifiers ("Setting and retrieving properties
and metadata for Blob service resources"). A batch has 25 documents at most, and in a multi-label project each may have
200 classes: those that have no room are counted together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Annotated
from urllib.parse import parse_qsl, quote, quote_plus, unquote

from pydantic import Field, NonNegativeInt, ValidationError

from shared.documents.record_schema import ClassificationRecord, Decision
from shared.durable.record import StoredModel
from shared.language.values import ProjectKind
from shared.models.acceptance import result_confidence
from shared.models.distribution import TENTHS, tenth_of

# Of the 8,192 that all metadata of a blob may have; names of classes are percent-encoded in it.
MAX_CLASSES_BYTES = 5_000
# Of a project's and a model's name. The service allows no name that is nearly as long.
MAX_NAME_BYTES = 1_000
_SEPARATOR = "."

Tenths = Annotated[tuple[NonNegativeInt, ...], Field(min_length=TENTHS, max_length=TENTHS)]


class AnsweredBy(StoredModel):
    """The model that classified a batch's documents: its project, its label, and the project's kind."""

    project: str
    label: str
    kind: ProjectKind

    def to_metadata(self) -> dict[str, str]:
        """Nothing where a name has no room: that a batch is closed counts for more than that it is counted."""
        project, label = quote(self.project), quote(self.label)
        if max(len(project), len(label)) > MAX_NAME_BYTES:
            return {}
        return {"project": project, "model": label, "kind": self.kind.value}

    @classmethod
    def read(cls, metadata: Mapping[str, str]) -> AnsweredBy | None:
        """None where the metadata name none."""
        project, label, kind = (metadata.get(name, "") for name in ("project", "model", "kind"))
        if not project or not label or kind not in list(ProjectKind):
            return None
        return cls(project=unquote(project), label=unquote(label), kind=ProjectKind(kind))


class AnswerCounts(StoredModel):
    """`classes` counts documents by class, `other_classes` those classes that had no room, each with each document.

    `confidence` counts documents by the tenth that their least sure class lies in, the lowest first; documents without
    a class are in none. `accepted` and `review` are 0 where the project asks for no precision.
    """

    classified: NonNegativeInt = 0
    classes: dict[str, NonNegativeInt] = Field(default_factory=dict)
    other_classes: NonNegativeInt = 0
    confidence: Tenths = (0,) * TENTHS
    accepted: NonNegativeInt = 0
    review: NonNegativeInt = 0

    def to_metadata(self) -> dict[str, str]:
        """What is 0 is left out, but for `classified`: it tells from the batches of releases that did not count."""
        classes, other = _encode(self.classes)
        values = {
            "classes": classes,
            "other_classes": str(self.other_classes + other),
            "confidence": _SEPARATOR.join(map(str, self.confidence)) if any(self.confidence) else "",
            "accepted": str(self.accepted),
            "review": str(self.review),
        }
        return {"classified": str(self.classified)} | {
            name: value for name, value in values.items() if value not in ("", "0")
        }

    @classmethod
    def read(cls, metadata: Mapping[str, str]) -> AnswerCounts | None:
        """None where there are none, as in batches that are open or of an earlier release, or they cannot be read."""
        if "classified" not in metadata:
            return None
        present = {name: value for name, value in metadata.items() if name in cls.model_fields and value}
        tenths = present.pop("confidence", _SEPARATOR.join("0" * TENTHS)).split(_SEPARATOR)
        classes = dict(parse_qsl(present.pop("classes", "")))
        try:
            return cls.model_validate(present | {"confidence": tenths, "classes": classes})
        except ValidationError:
            return None


def count_answers(records: Iterable[ClassificationRecord]) -> AnswerCounts:
    """The counts of these classifications."""
    classified, classes, confidence, decisions = 0, Counter[str](), [0] * TENTHS, Counter[Decision]()
    for record in records:
        classified += 1
        classes.update({each.name for each in record.classes})
        sure = result_confidence(each.confidence for each in record.classes)
        if sure is not None:
            confidence[tenth_of(sure)] += 1
        if record.decision is not None:
            decisions[record.decision.decision] += 1
    return AnswerCounts(
        classified=classified,
        classes=dict(classes),
        confidence=tuple(confidence),
        accepted=decisions[Decision.ACCEPTED],
        review=decisions[Decision.REVIEW],
    )


def _encode(classes: Mapping[str, int]) -> tuple[str, int]:
    """As a form's fields, the most frequent first, and the sum of those that had no room."""
    pairs, size, other = [], 0, 0
    for name, number in sorted(classes.items(), key=lambda each: (-each[1], each[0])):
        pair = f"{quote_plus(name)}={number}"
        if size + len(pair) + 1 > MAX_CLASSES_BYTES:
            other += number
            continue
        pairs.append(pair)
        size += len(pair) + 1
    return "&".join(pairs), other
