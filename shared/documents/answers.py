"""From the answers of analyze jobs to what they say of each document. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from shared.documents.ref import FailureCode
from shared.language.values import AnalyzeJob, ClassScore, LroStatus, ProjectKind, ServiceError, TextClasses

_UNSUCCESSFUL = frozenset({LroStatus.FAILED, LroStatus.CANCELLED})

Weighted: TypeAlias = list[tuple[int, TextClasses]]
"""The classes of a document's texts, each with the text's length."""


@dataclass(frozen=True)
class Answer:
    """All pages of the jobs that were submitted together, by text id.

    `malformed` says what is wrong with a text's result; such a text is in no other member.
    """

    texts: Mapping[str, TextClasses]
    text_errors: Mapping[str, ServiceError]
    malformed: Mapping[str, str]
    completed: datetime | None

    @property
    def text_ids(self) -> set[str]:
        return {*self.texts, *self.text_errors, *self.malformed}

    def of_document(self, lengths: Mapping[str, int]) -> Weighted | ServiceError | str | None:
        """What it says of the document with these texts (lengths by id): its classes, the service's error, what is
        wrong with its result; None where a text is missing."""
        why = next((self.malformed[each] for each in lengths if each in self.malformed), None)
        if why is not None:
            return why
        error = next((self.text_errors[each] for each in lengths if each in self.text_errors), None)
        if error is not None:
            return error
        if not lengths or any(each not in self.texts for each in lengths):
            return None
        return [(length, self.texts[each]) for each, length in lengths.items()]


def merge_pages(pages: Iterable[AnalyzeJob]) -> Answer:
    """The union of the pages. Ids that were not asked for are dropped later.

    Repeats of an id that say the same are one. Those that contradict each other leave the text malformed, because which
    of them is right cannot be known. Of several errors the first counts.
    """
    texts: dict[str, TextClasses] = {}
    errors: dict[str, ServiceError] = {}
    malformed: dict[str, str] = {}
    completed: datetime | None = None
    for page in pages:
        malformed.update(page.malformed)
        for text in page.texts:
            if texts.setdefault(text.id, text) != text:
                malformed[text.id] = "it has two results that differ"
        for text_id, error in page.text_errors.items():
            errors.setdefault(text_id, error)
        completed = max(filter(None, (completed, page.updated)), default=None)
    malformed |= {text_id: "it has a result and an error" for text_id in texts.keys() & errors.keys()}
    return Answer(
        {text_id: text for text_id, text in texts.items() if text_id not in malformed},
        {text_id: error for text_id, error in errors.items() if text_id not in malformed},
        malformed,
        completed,
    )


def why_useless(pages: Sequence[AnalyzeJob], answer: Answer, asked: Collection[str]) -> tuple[FailureCode, str] | None:
    """Why ended jobs say nothing of what was submitted; None where they do. `asked` are the ids of its texts."""
    if answer.text_ids and not answer.text_ids & set(asked):
        why = "the answer is about other texts than those that were submitted"
        return FailureCode.MALFORMED_ANSWER, why
    if not answer.text_ids and any(page.status in _UNSUCCESSFUL for page in pages):
        errors = [error for page in pages for error in page.errors]
        why = error_text(errors[0]) if errors else "no error was given"
        return FailureCode.JOB_FAILED, f"the job failed: {why}"
    return None


def merge_parts(kind: ProjectKind, weighted: Sequence[tuple[int, TextClasses]]) -> list[ClassScore]:
    """The classes of a document from those of its parts, `(length, classes)` each; the most confident first.

    Multi label: a class's highest confidence. Single label: the mean weighted by length, and the best class alone.
    """
    if len(weighted) == 1:
        return list(weighted[0][1].classes)
    if kind is ProjectKind.MULTI:
        best: dict[str, float] = {}
        for _, text in weighted:
            for score in text.classes:
                best[score.name] = max(score.confidence, best.get(score.name, 0.0))
        return _ranked(best)
    total = sum(length for length, _ in weighted) or 1
    mean: dict[str, float] = defaultdict(float)
    for length, text in weighted:
        for score in text.classes:
            mean[score.name] += score.confidence * length / total
    return _ranked(mean)[:1]


def _ranked(scores: Mapping[str, float]) -> list[ClassScore]:
    return [
        ClassScore(name, round(value, 6))
        for name, value in sorted(scores.items(), key=lambda each: (-each[1], each[0]))
    ]


def error_text(error: ServiceError) -> str:
    """Its code alone. The words may quote the document, whose text is not at hand any more to see whether they do."""
    return error.code
