"""What storage answers to List Blobs, read for the five facts that are used of each blob. Pure.

The SDK makes an object of some forty members of each blob, at ten times the cost, and listings are the longest work of
the app. A blob's elements are dropped once they are read: a page of 5,000 blobs has 150,000 of them.
Shape: https://learn.microsoft.com/rest/api/storageservices/list-blobs#response-body
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

from shared.storage.ports import BlobInfo, Page

# Some ten blobs: what is dropped so soon never reaches the garbage collector, a third of the time otherwise.
_CHUNK = 1 << 13
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), start=1
    )
}


def read_page(answer: bytes) -> Page:
    """The blobs of one page, in its order, and the marker of the next. Raises ValueError for what is no such answer."""
    infos: list[BlobInfo] = []
    token: str | None = None
    tag = ""
    # The stubs allow for what other kinds of events give.
    parser: Any = XMLPullParser(events=("end",))
    try:
        for start in range(0, len(answer), _CHUNK):
            parser.feed(answer[start : start + _CHUNK])
            for _, element in parser.read_events():
                tag = element.tag
                if tag == "Blob":
                    infos.append(_read_blob(element))
                    element.clear()
                elif tag == "NextMarker":
                    token = element.text
        parser.close()
    except ParseError as error:
        raise ValueError("the answer to List Blobs is not XML") from error
    if tag != "EnumerationResults":
        raise ValueError("it is not an answer to List Blobs")
    return Page(infos, token or None)


def _read_blob(blob: Element) -> BlobInfo:
    name, properties, metadata = blob.find("Name"), blob.find("Properties"), blob.find("Metadata")
    if name is None or properties is None:
        raise ValueError("a listed blob has no name or no properties")
    return BlobInfo(
        name=_name(name),
        etag=quoted(properties.findtext("Etag", "")),
        last_modified=parse_time(properties.findtext("Last-Modified", "")),
        size=int(properties.findtext("Content-Length") or 0),
        metadata={} if metadata is None else {each.tag.lower(): each.text or "" for each in metadata},
    )


def _name(name: Element) -> str:
    """A name that XML cannot hold is percent-encoded, and says so."""
    text = name.text or ""
    return unquote(text) if name.get("Encoded") == "true" else text


def quoted(etag: str) -> str:
    """Listings give the ETag without its quotes, every other call with them."""
    return etag if etag.startswith(('"', "W/")) else f'"{etag}"'


def parse_time(text: str) -> datetime:
    """`Fri, 27 Nov 2026 15:19:20 GMT`, as RFC 1123 has it; strptime takes ten times as long. Raises ValueError."""
    month = _MONTHS.get(text[8:11])
    if len(text) != 29 or month is None or not text.endswith(" GMT"):
        raise ValueError("a listed blob has no time of RFC 1123")
    return datetime(
        int(text[12:16]), month, int(text[5:7]), int(text[17:19]), int(text[20:22]), int(text[23:25]), tzinfo=UTC
    )
