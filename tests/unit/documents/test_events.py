"""Event envelopes, in the shapes Event Grid's documentation gives: tests/events/*.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shared.documents.events import Upload, parse_events

EVENTS = Path(__file__).parents[2] / "events"

LETTER = Upload(container="documents", name="letter.txt", etag='"0x8DE3A1B2C3D4E5F"')
NOTE = Upload(container="documents", name="2026/march/note.txt", etag='"0x8DE3A1B2C3D4E60"')
SPECIAL = Upload(container="documents", name="post/Größe & Maß 100% + Straße #3.txt", etag='"0x8DE3A1B2C3D4E61"')
LAKE = Upload(container="documents", name="lake/letter.txt", etag='"0x8DE3A1B2C3D4E62"')
OTHER = Upload(container="training", name="letter.txt", etag='"0x8DE3A1B2C3D4E63"')

ENVELOPES = {
    "event_grid": [LETTER],
    "event_grid_array": [LETTER, NOTE],
    "cloud_events": [NOTE],
    "cloud_events_array": [LETTER],
    "percent_encoded": [SPECIAL],
    "address_with_version": [LETTER],
    "data_lake_flush": [LAKE],
    "other_container": [OTHER],
    "blob_deleted": [],
    "subscription_validation": [],
}


def envelope(name: str) -> bytes:
    return (EVENTS / f"{name}.json").read_bytes()


@pytest.mark.parametrize("name", ENVELOPES)
def test_an_envelope_gives_its_uploads(name: str) -> None:
    events = parse_events(envelope(name))
    assert (events.uploads, events.unreadable) == (ENVELOPES[name], 0)


def test_every_envelope_on_disk_is_tested() -> None:
    assert {path.stem for path in EVENTS.glob("*.json")} == set(ENVELOPES)


NO_JSON = {"nothing": b"", "text": b"not json", "bytes": b"\xff\xfe", "deep": b"[" * 100_000}


@pytest.mark.parametrize("case", NO_JSON)
def test_a_body_that_is_no_json_is_a_value_error(case: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_events(NO_JSON[case])


def created(subject: Any = None, **data: Any) -> dict[str, Any]:
    facts = {"eTag": "0x1", "url": "https://letters.blob.core.windows.net/documents/a.txt"} | data
    event = {"type": "Microsoft.Storage.BlobCreated", "data": {name: each for name, each in facts.items() if each}}
    return event | ({"subject": subject} if subject else {})


def uploads_of(*events: Any) -> list[Upload]:
    return parse_events(json.dumps(events).encode()).uploads


NO_EVENTS: dict[str, Any] = {
    "a text": "a text",
    "a number": 1,
    "no data": {"eventType": "Microsoft.Storage.BlobCreated"},
    "no address and no subject": created(url=None),
    "no ETag": created(eTag=None),
    "an ETag that no header can hold": created(eTag="\u20ac"),
    "an ETag with a header of its own": created(eTag='"a"\r\nX: 1'),
    "an address of a container": created(url="https://letters.blob.core.windows.net/documents"),
    "an address that is none": created(url="https://[a/documents/a.txt"),
    "a name with a zero byte": created(subject="/blobServices/default/containers/documents/blobs/a\0.txt"),
    "a name of 1,100 characters": created(subject=f"/blobServices/default/containers/documents/blobs/{'n' * 1_100}"),
}


@pytest.mark.parametrize("case", NO_EVENTS)
def test_an_event_that_cannot_be_read_is_counted_and_takes_no_other_with_it(case: str) -> None:
    events = parse_events(json.dumps([created(), NO_EVENTS[case], created()]).encode())
    assert ([each.name for each in events.uploads], events.unreadable) == (["a.txt", "a.txt"], 1)


# The name as the blob has it, and the address as events were seen to carry it.
ADDRESSES = [
    ("in/a#1.txt", "in/a#1.txt"),
    ("in/a#1.txt", "in/a%231.txt"),
    ("in/a?1.txt", "in/a?1.txt"),
    ("in/100%25.txt", "in/100%25.txt"),
    ("in/a%20b.txt", "in/a%20b.txt"),
    ("in/a%2Fb.txt", "in/a%2Fb.txt"),
    ("in/a+b.txt", "in/a+b.txt"),
    ("in/a b.txt", "in/a b.txt"),
    ("in/a b.txt", "in/a%20b.txt"),
    ("in/Z\u00fcrich.txt", "in/Z\u00fcrich.txt"),
    ("in/x\U0001f600.txt", "in/x\ufffd\ufffd.txt"),
    ("in/x.txt", "in%2Fx.txt"),
    ("a\\b.txt", "a/b.txt"),
    ("line\nbreak.txt", "line%0Abreak.txt"),
    ("a/blobs/b.txt", "a/blobs/b.txt"),
]


@pytest.mark.parametrize(("name", "address"), ADDRESSES, ids=ascii)
def test_the_subject_names_the_blob_whatever_the_address_says(name: str, address: str) -> None:
    subject = f"/blobServices/default/containers/documents/blobs/{name}"
    url = f"https://letters.blob.core.windows.net/documents/{address}"
    expected = Upload(container="documents", name=name, etag='"0x1"')
    assert uploads_of(created(subject, url=url), created(subject, url=None)) == [expected, expected]


@pytest.mark.parametrize("subject", [None, "", "/blobServices/default/containers/documents", "letters", 7, ["x"]])
def test_without_a_subject_that_names_a_blob_the_address_does(subject: Any) -> None:
    url = "https://letters.blob.core.windows.net/documents/in/a%20b%231.txt?versionid=2026"
    assert [each.name for each in uploads_of(created(subject, url=url))] == ["in/a b#1.txt"]
