"""Answers in numbers: how many documents, by class and by tenth of confidence. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

TENTHS = 10


def tenth_of(confidence: float) -> int:
    """0 for confidences below 0.1, and so on; 9 for 0.9 and all above."""
    return min(max(int(confidence * TENTHS), 0), TENTHS - 1)


@dataclass(frozen=True)
class Distribution:
    """How many `documents` were answered, by class and by tenth of confidence, the lowest first.

    `other_classes` are answers whose class is not known: up to so many may be missing from any class.
    """

    documents: int = 0
    classes: Mapping[str, int] = field(default_factory=dict)
    confidence: Sequence[int] = (0,) * TENTHS
    other_classes: int = 0

    @property
    def without_class(self) -> int:
        """Documents to which the model gave no class; they are in no tenth."""
        return self.documents - sum(self.confidence)


def add_up(parts: Iterable[Distribution]) -> Distribution:
    documents, other, classes, confidence = 0, 0, Counter[str](), [0] * TENTHS
    for part in parts:
        documents += part.documents
        other += part.other_classes
        classes.update(part.classes)
        for tenth, number in enumerate(part.confidence):
            confidence[tenth] += number
    return Distribution(documents, dict(classes), tuple(confidence), other)
