"""Queue messages: small, strict, and free of anything that could lead elsewhere."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from pydantic import ValidationError

from shared.documents.messages import DocumentMessage, Source, WakeMessage
from shared.documents.ref import DocumentRef, is_document_name
from shared.messages import Message, StepMessage
from tests.fakes import START

DOCUMENT = DocumentRef(name="a.txt", etag='"0x8D"', last_modified=START, size=7)
BATCH_ID = "0123456789abcdef" * 2

MESSAGES: dict[str, Message] = {
    "document": DocumentMessage(container="documents", document=DOCUMENT, source=Source.REDRIVE, requested=START),
    "wake": WakeMessage(),
    "batch": StepMessage(id=BATCH_ID, polls=7, failures_in_a_row=3),
    "operation": StepMessage(id="20260301120000-0123456789ab", polls=2),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_reads_back_as_itself(name: str) -> None:
    message = MESSAGES[name]
    assert type(message).model_validate_json(message.to_text()) == message


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_carries_its_schema_number(name: str) -> None:
    assert json.loads(MESSAGES[name].to_text())["schema"] == 1


def in_queue(message: Message) -> int:
    return len(base64.b64encode(message.to_text().encode()))


@pytest.mark.parametrize(
    "message", [MESSAGES["wake"], MESSAGES["batch"], StepMessage(id=BATCH_ID, polls=99_999, failures_in_a_row=99_999)]
)
def test_step_and_wake_messages_stay_under_200_bytes_in_the_queue(message: Message) -> None:
    assert in_queue(message) <= 200


@pytest.mark.parametrize("letter", ["a", "\u00e9", "\U0001f600", '"'], ids=["ascii", "accent", "emoji", "quote"])
def test_a_document_message_with_the_longest_name_fits_a_queue_message(letter: str) -> None:
    document = DOCUMENT.model_copy(update={"name": letter * 1_020 + ".txt"})
    assert in_queue(DocumentMessage(container="d" * 63, document=document)) <= 65_536


def changed(message: Message, **changes: Any) -> str:
    return json.dumps(json.loads(message.to_text()) | changes)


def document_with(**changes: Any) -> tuple[type[Message], str]:
    document = json.loads(DOCUMENT.model_dump_json()) | changes
    return DocumentMessage, changed(MESSAGES["document"], document=document)


FORGED: dict[str, tuple[type[Message], str]] = {
    "an empty ETag": document_with(etag=""),
    "an ETag without quotes": document_with(etag="0x8D"),
    "a weak ETag, which storage never gives": document_with(etag='W/"0x8D"'),
    "an ETag that no header can hold": document_with(etag='"\u20ac"'),
    "an ETag with a header of its own": document_with(etag='"a"\r\nX: 1'),
    "an ETag that ends in a line break": document_with(etag='"a"\n'),
    "an ETag with a quote inside": document_with(etag='"a"b"'),
    "an ETag of 201 characters": document_with(etag=f'"{"a" * 201}"'),
    "an empty name": document_with(name=""),
    "a name of 1,025 characters": document_with(name="n" * 1_021 + ".txt"),
    "a name with a zero byte": document_with(name="a\0.txt"),
    "a name with an escape character": document_with(name="a\x1b.txt"),
    "half a surrogate pair in a name": (DocumentMessage, changed(MESSAGES["document"]).replace("a.txt", "\\ud800.txt")),
    "a negative size": document_with(size=-1),
    "a size that no blob has": document_with(size=1 << 60),
    "a size of a thousand digits": document_with(size=10**1_000),
    "a document modified in the year 1": document_with(last_modified="0001-01-01T00:00:00+23:59"),
    "a document modified in the year 9999": document_with(last_modified="9999-12-31T23:59:59-23:59"),
    "a redrive asked for in the year 9999": (
        DocumentMessage,
        changed(MESSAGES["document"], requested="9999-12-31T23:59:59Z"),
    ),
    "a step of too many polls": (StepMessage, changed(MESSAGES["batch"], polls=10**12)),
    "a step of too many failures": (StepMessage, changed(MESSAGES["batch"], failures_in_a_row=10**12)),
    "a step with an address": (StepMessage, changed(MESSAGES["batch"], url="https://elsewhere.example")),
    "a step of another schema": (StepMessage, changed(MESSAGES["batch"], schema=2)),
    "a step whose id is a path": (StepMessage, changed(MESSAGES["batch"], id="../../../secrets")),
    "a step whose id is an address": (StepMessage, changed(MESSAGES["batch"], id="https://elsewhere.example/x")),
    "a step whose id is too long": (StepMessage, changed(MESSAGES["batch"], id="0" * 65)),
    "a step whose id has a line break": (StepMessage, changed(MESSAGES["batch"], id=BATCH_ID + "\n")),
    "a step whose id is upper-case": (StepMessage, changed(MESSAGES["batch"], id=BATCH_ID.upper())),
    "a step with negative polls": (StepMessage, changed(MESSAGES["batch"], polls=-1)),
    "a step with half a failure": (StepMessage, changed(MESSAGES["batch"], failures_in_a_row=0.5)),
    "a step without an id": (StepMessage, "{}"),
    "a wake with a member": (WakeMessage, '{"schema":1,"id":"x"}'),
    "a wake that is a list": (WakeMessage, "[]"),
    "an operation whose id is a path": (StepMessage, changed(MESSAGES["operation"], id="a/b")),
    "an operation whose id is empty": (StepMessage, changed(MESSAGES["operation"], id="")),
    "a document without a time zone": (
        DocumentMessage,
        changed(
            MESSAGES["document"],
            document=json.loads(DOCUMENT.model_dump_json()) | {"last_modified": "2026-03-01T00:00:00"},
        ),
    ),
    "a document with an address": (
        DocumentMessage,
        changed(MESSAGES["document"], document=json.loads(DOCUMENT.model_dump_json()) | {"url": "https://x.example"}),
    ),
    "a document from an unknown source": (DocumentMessage, changed(MESSAGES["document"], source="elsewhere")),
    "no JSON": (DocumentMessage, "hello"),
    "nothing": (StepMessage, ""),
}


@pytest.mark.parametrize("case", FORGED)
def test_a_forged_message_is_refused(case: str) -> None:
    kind, text = FORGED[case]
    with pytest.raises(ValidationError):
        kind.model_validate_json(text)


NAMES = {
    "plain": "a.txt",
    "only the ending": ".txt",
    "1,024 characters": "n" * 1_020 + ".txt",
    "white space": "tab\tand\nline.txt",
    "dots": "..../x.txt",
    "what XML cannot hold and Azure encodes": "\U0001f600 \u2028 \ufffe.txt",
    "what addresses treat specially": "a\\b?#%25.txt",
}
NO_NAMES = {
    "a zero byte": "a\0.txt",
    "an escape character": "a\x1b.txt",
    "1,025 characters": "n" * 1_021 + ".txt",
    "half a surrogate pair": "\ud800.txt",
}


@pytest.mark.parametrize("case", NAMES)
def test_every_name_that_storage_holds_is_taken(case: str) -> None:
    kind, text = document_with(name=NAMES[case])
    message = kind.model_validate_json(text)
    assert isinstance(message, DocumentMessage)
    assert message.document.name == NAMES[case]
    assert is_document_name(NAMES[case])


@pytest.mark.parametrize("case", NO_NAMES)
def test_what_no_message_can_name_is_no_document(case: str) -> None:
    assert not is_document_name(NO_NAMES[case])


def test_a_message_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        MESSAGES["batch"].polls = 8  # type: ignore[attr-defined]
