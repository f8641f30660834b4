"""A document's texts in analyze requests: read, split, with their ids, and grouped under the service's limits. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from shared.documents.content import DocumentReader
from shared.documents.ref import MAX_CHARACTERS_PER_JOB, MAX_DOCUMENTS_PER_JOB, MAX_REQUEST_BYTES, FailureCode
from shared.documents.text import DocumentWarning, split_text
from shared.errors import DocumentRejectedError
from shared.language.values import TextInput
from shared.storage.ports import Blob

# Room in the 1 MB request for ids, keys and the model's name around the texts.
MAX_TEXT_BYTES = MAX_REQUEST_BYTES - 20_000
_GROUP_DIGITS = 8


class Oversized(StrEnum):
    """What to do with a document over the service's limit of 125,000 characters."""

    SPLIT = "split"
    TRUNCATE = "truncate"
    REJECT = "reject"


@dataclass(frozen=True)
class DocumentTexts:
    """One document as it is submitted. `index` is its place among those that it is submitted with."""

    index: int
    texts: tuple[TextInput, ...] = ()
    warnings: tuple[DocumentWarning, ...] = ()


@dataclass(frozen=True)
class AnalyzeRequest:
    """Texts of one POST, and the warnings their documents carry so far."""

    texts: tuple[TextInput, ...]
    warnings: dict[str, list[tuple[str, str]]]


@dataclass(frozen=True)
class TextReader:
    """From a blob to the texts of its document. `oversized` says what becomes of one over the service's limit."""

    reader: DocumentReader
    oversized: Oversized

    def read(self, blob: Blob, *, group: str, index: int) -> DocumentTexts:
        """`group` is what the document is submitted with. Raises DocumentRejectedError with its code."""
        decoded = self.reader.read(blob)
        texts, warnings = self._texts(decoded.text, group=group, index=index)
        return DocumentTexts(index, texts, (*decoded.warnings, *warnings))

    def _texts(self, text: str, *, group: str, index: int) -> tuple[tuple[TextInput, ...], tuple[DocumentWarning, ...]]:
        if len(text) <= MAX_CHARACTERS_PER_JOB:
            return (TextInput(text_id(group, index), text),), ()
        if self.oversized is Oversized.REJECT:
            raise DocumentRejectedError(
                f"the document has {len(text)} characters, the service takes {MAX_CHARACTERS_PER_JOB}; "
                "split it, or set PIPELINE_OVERSIZED to split",
                code=FailureCode.TOO_LARGE,
            )
        parts = split_text(text, MAX_CHARACTERS_PER_JOB)
        if self.oversized is Oversized.TRUNCATE:
            note = f"only the first {len(parts[0])} of {len(text)} characters were classified"
            return (TextInput(text_id(group, index), parts[0]),), (DocumentWarning("DocumentTruncated", note),)
        note = f"{len(text)} characters were classified in {len(parts)} parts and merged"
        texts = tuple(TextInput(text_id(group, index, part=number), part) for number, part in enumerate(parts))
        return texts, (DocumentWarning("DocumentSplit", note),)


def build_requests(documents: Sequence[DocumentTexts]) -> list[AnalyzeRequest]:
    """Group the texts under the service's limits. The same documents always give the same groups."""
    groups: list[list[TextInput]] = []
    characters = size = 0
    for text in (text for document in documents for text in document.texts):
        text_bytes = len(text.text.encode())
        fits = characters + len(text.text) <= MAX_CHARACTERS_PER_JOB and size + text_bytes <= MAX_TEXT_BYTES
        if not groups or len(groups[-1]) == MAX_DOCUMENTS_PER_JOB or not fits:
            groups.append([])
            characters = size = 0
        groups[-1].append(text)
        characters += len(text.text)
        size += text_bytes
    notes = {each.index: [(warning.code, warning.message) for warning in each.warnings] for each in documents}
    return [AnalyzeRequest(tuple(group), _warnings(group, notes)) for group in groups]


def _warnings(group: list[TextInput], notes: dict[int, list[tuple[str, str]]]) -> dict[str, list[tuple[str, str]]]:
    indexes = dict.fromkeys(document_index(text.id) for text in group)
    return {str(index): notes[index] for index in indexes if notes[index]}


def text_id(group: str, index: int, *, part: int | None = None) -> str:
    """The id of a document's text, or of one part of it, in a job's request.

    It begins with digits of the id of what is submitted, so that no answer about anything else can be taken for ours.
    """
    whole = f"{group[:_GROUP_DIGITS]}.{index}"
    return whole if part is None else f"{whole}.{part}"


def document_index(text_id_: str) -> int:
    """Also of the ids `INDEX` and `INDEX.PART`, which an earlier release gave to jobs that may still be under way."""
    parts = text_id_.split(".")
    return int(parts[1] if len(parts[0]) == _GROUP_DIGITS else parts[0])
