"""A blob's Content-Encoding undone: within the limit, whole or not at all, and the bytes before the header."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest

from shared.documents.content import DocumentReader
from shared.documents.ref import FailureCode
from shared.errors import DocumentRejectedError
from shared.storage.ports import Blob

LIMIT = 100_000
TEXT = "Grüße, the invoice is unpaid.\n" * 40
PLAIN = TEXT.encode()
READER = DocumentReader(LIMIT)


def bare(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


def read(data: bytes, coding: str | None, content_type: str | None = None, reader: DocumentReader = READER) -> str:
    return reader.read(Blob(data, '"0x1"', content_type, coding)).text


UNDONE = {
    "gzip": (gzip.compress(PLAIN), "gzip"),
    "gzip in capitals": (gzip.compress(PLAIN), "GZIP"),
    "x-gzip": (gzip.compress(PLAIN), "x-gzip"),
    "two members": (gzip.compress(PLAIN[:100]) + gzip.compress(PLAIN[100:]), "gzip"),
    "padding of zeros": (gzip.compress(PLAIN) + b"\0" * 512, "gzip"),
    "deflate as zlib": (zlib.compress(PLAIN), "deflate"),
    "deflate as a bare stream": (bare(PLAIN), "deflate"),
    "deflate, then gzip": (gzip.compress(zlib.compress(PLAIN)), "deflate, gzip"),
    "identity": (PLAIN, "identity"),
    "no coding": (PLAIN, None),
    "an empty header": (PLAIN, " , "),
    "a charset in its place": (TEXT.encode("cp1252"), "windows-1252"),
}


@pytest.mark.parametrize("case", UNDONE)
def test_a_known_coding_is_undone_without_a_warning(case: str) -> None:
    data, coding = UNDONE[case]
    decoded = READER.read(Blob(data, '"0x1"', None, coding))
    assert (decoded.text, decoded.warnings) == (TEXT, ())


CLAIMED = {
    "gzip": PLAIN,
    "deflate": PLAIN,
    "br": PLAIN,
    "zstd": PLAIN,
    "compress": PLAIN,
    "aws-chunked": PLAIN,
    "x-secret": PLAIN,
}


@pytest.mark.parametrize("coding", CLAIMED)
def test_text_that_is_not_in_the_coding_it_claims_is_read_with_a_warning(coding: str) -> None:
    decoded = READER.read(Blob(CLAIMED[coding], '"0x1"', None, coding))
    assert decoded.text == TEXT
    assert [warning.code for warning in decoded.warnings] == ["ContentEncodingIgnored"]
    assert coding in decoded.warnings[0].message


def test_text_whose_first_bytes_look_like_a_stream_is_read() -> None:
    assert read(b"x^2 + y^2 = z^2", "deflate") == "x^2 + y^2 = z^2"


def test_text_that_claims_gzip_may_be_in_any_encoding() -> None:
    decoded = READER.read(Blob("Größe nicht verfügbar".encode("cp1252"), '"0x1"', None, "gzip"))
    assert decoded.text == "Größe nicht verfügbar"
    assert [warning.code for warning in decoded.warnings] == ["ContentEncodingIgnored", "EncodingGuessed"]


whole = gzip.compress(PLAIN)
UNREADABLE = {
    "cut in the middle": (whole[: len(whole) // 2], "gzip"),
    "cut in its head": (whole[:5], "gzip"),
    "cut in its checksum": (whole[:-3], "gzip"),
    "a wrong checksum": (whole[:-8] + bytes(4) + whole[-4:], "gzip"),
    "damaged": (whole[:40] + bytes(10) + whole[50:], "gzip"),
    "followed by something": (whole + b"PS: one more line", "gzip"),
    "followed by half a member": (whole + whole[:20], "gzip"),
    "zlib that is cut": (zlib.compress(PLAIN)[:-6], "deflate"),
    "zlib that something follows": (zlib.compress(PLAIN) + b"\xff\xfe", "deflate"),
    "a coding that is unknown here": (bytes.fromhex("8b0d0080e9f3f5") + b"Gr\xfc", "br"),
    "zstd": (bytes.fromhex("28b52ffd2005290000") + b"hello", "zstd"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_half_a_document_is_a_failure_and_not_a_shorter_text(case: str) -> None:
    data, coding = UNREADABLE[case]
    with pytest.raises(DocumentRejectedError) as caught:
        read(data, coding)
    assert caught.value.code == FailureCode.UNREADABLE
    assert "upload it" in str(caught.value)


def test_the_limit_holds_for_the_decoded_bytes() -> None:
    assert len(read(gzip.compress(b"x" * LIMIT), "gzip")) == LIMIT
    for data, coding in (
        (gzip.compress(b"x" * (LIMIT + 1)), "gzip"),
        (gzip.compress(b"x" * LIMIT) + gzip.compress(b"x"), "gzip"),
        (zlib.compress(b"x" * (LIMIT + 1)), "deflate"),
        (bare(b"x" * (LIMIT + 1)), "deflate"),
        (gzip.compress(gzip.compress(b"x" * 50_000_000)), "gzip, gzip"),
        (b"x" * (LIMIT + 1), None),
    ):
        with pytest.raises(DocumentRejectedError) as caught:
            read(data, coding)
        assert caught.value.code == FailureCode.TOO_LARGE
        assert "PIPELINE_MAX_DOCUMENT_BYTES" in str(caught.value)


def test_a_bomb_takes_little_more_memory_than_the_limit() -> None:
    bomb = gzip.compress(b"invoice unpaid " * 10_000_000)
    reader = DocumentReader(1_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(DocumentRejectedError):
            read(bomb, "gzip", reader=reader)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_300_000


def test_an_empty_stream_holds_no_text() -> None:
    with pytest.raises(DocumentRejectedError) as caught:
        read(gzip.compress(b""), "gzip")
    assert caught.value.code == FailureCode.EMPTY


def test_the_charset_of_the_content_type_is_used() -> None:
    assert read(gzip.compress("名古屋".encode("euc_jp")), "gzip", "text/plain; charset=EUC-JP") == "名古屋"


def test_the_setting_is_used_where_the_bytes_say_nothing() -> None:
    reader = DocumentReader(LIMIT, ("cp1250",))
    assert read("Kovács Ősz".encode("cp1250"), None, reader=reader) == "Kovács Ősz"
