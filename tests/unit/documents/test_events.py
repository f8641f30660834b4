"""Event envelopes, in the shapes Event Grid's documentation gives: tests/events/*.json."""

from __future__ import annotations

from pathlib import Path

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
    assert parse_events(envelope(name)) == ENVELOPES[name]


def test_every_envelope_on_disk_is_tested() -> None:
    assert {path.stem for path in EVENTS.glob("*.json")} == set(ENVELOPES)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b'"a text"',
        b"[1]",
        b'{"eventType": "Microsoft.Storage.BlobCreated"}',
        b'{"type": "Microsoft.Storage.BlobCreated", "data": {"eTag": "0x1"}}',
        b'{"type": "Microsoft.Storage.BlobCreated", "data": {"eTag": "", "url": "https://a.example/c/n.txt"}}',
        b'{"type": "Microsoft.Storage.BlobCreated", "data": {"eTag": "0x1", "url": "https://a.example/container"}}',
        b"\xff\xfe",
    ],
)
def test_a_body_that_is_no_event_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_events(body)
