"""One batch of 25: documents that storage or their own bytes make odd, among good ones; and the ends they have."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass

GOOD = b"a letter about billing"


@dataclass(frozen=True)
class OddDocument:
    """`ends` is the failure's code, or the codes of the warnings when the document is classified."""

    data: bytes
    ends: str | tuple[str, ...]
    coding: str | None = None
    content_type: str = "text/plain"
    is_archived: bool = False


ODD = {
    "honest gzip": OddDocument(gzip.compress(GOOD), (), "gzip"),
    "honest deflate": OddDocument(zlib.compress(GOOD), (), "deflate"),
    "text called gzip": OddDocument(GOOD, ("ContentEncodingIgnored",), "gzip"),
    "text called deflate": OddDocument(GOOD, ("ContentEncodingIgnored",), "deflate"),
    "text called br": OddDocument(GOOD, ("ContentEncodingIgnored",), "br"),
    "real br": OddDocument(bytes.fromhex("8b0d00f8e9f3f5ff") + GOOD, "unreadable", "br"),
    "cut gzip": OddDocument(gzip.compress(GOOD * 20)[:-9], "unreadable", "gzip"),
    "a bomb": OddDocument(gzip.compress(GOOD * 300_000), "too_large", "gzip"),
    "archived": OddDocument(GOOD, "unreadable", is_archived=True),
    "invisible": OddDocument("\u200b\u200b".encode(), "empty"),
    "declared": OddDocument("billing 名古屋".encode("euc_jp"), (), None, "text/plain; charset=EUC-JP"),
    "Windows-1252": OddDocument("billing für Jürgen".encode("cp1252"), ("EncodingGuessed",)),
}
NEIGHBOURS = [f"good {number}" for number in range(25 - len(ODD))]
