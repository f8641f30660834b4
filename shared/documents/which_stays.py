"""Two records of one document: which one stays. Pure.

| the record found is about        | and                                  | then              |
|----------------------------------|--------------------------------------|-------------------|
| the same version                 | was written by the same batch        | it stays          |
| the same version                 | its batch was planned later          | it stays          |
| the same version                 | its batch was planned earlier        | it gives way      |
| another version, modified earlier| (or it does not say when)            | it gives way      |
| another version, modified later  |                                      | it stays          |
| another version, same second     | blob times have whole seconds        | the source decides|
"""

from __future__ import annotations

from enum import StrEnum

from shared.documents.record_schema import RecordFacts
from shared.documents.ref import DocumentRef


class Age(StrEnum):
    """How old the version is that a record is about, beside another version of the document."""

    OLDER = "older"
    SAME = "same"
    NEWER = "newer"
    SAME_SECOND = "same_second"


def age_of(found: RecordFacts, document: DocumentRef) -> Age:
    """The age of a record's version beside `document`."""
    if found.is_about(document.etag):
        return Age.SAME
    if found.modified is None or found.modified < document.last_modified:
        return Age.OLDER
    return Age.NEWER if found.modified > document.last_modified else Age.SAME_SECOND


def replaces_same_version(ours: RecordFacts, found: RecordFacts) -> bool:
    """Does our record replace one about the same version?

    A second pass of one batch changes nothing; of two batches the later planned one stays. Failure records have no
    planning time: of two batches the later written one stays.
    """
    if found.batch == ours.batch:
        return False
    return found.planned is None or (ours.planned is not None and found.planned <= ours.planned)
