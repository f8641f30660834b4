"""What a stored blob holds: its Content-Encoding undone within a limit, then its text. Pure.

A Content-Encoding is the uploader's claim and the bytes are the evidence. Bytes that are plainly not what the header
says are read as they are, with a warning; bytes that begin as it says and do not end so were cut or damaged, and a part
of a document is not classified as if it were the whole.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

from shared.documents.encodings import charset_of, codecs_for
from shared.documents.ref import FailureCode
from shared.documents.text import DecodedText, DocumentWarning, decode
from shared.errors import DocumentRejectedError
from shared.storage.ports import Blob

_CHUNK = 65_536
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP, _ZLIB, _RAW = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS
_NOTHING = frozenset({"", "identity"})
# Compressed bytes may pass for text in some legacy encoding, so these are believed to be text only where it is UTF-8.
_COMPRESSIONS = frozenset({"br", "zstd", "compress", "x-compress", "bzip2", "xz", "lz4", "snappy", "dcb", "dcz"})


class _NotThisCodingError(Exception):
    """The bytes do not begin as the coding demands."""


@dataclass(frozen=True)
class DocumentReader:
    """Reads blobs as text of at most `max_bytes`, decompressed; tries `encodings` where the bytes say nothing."""

    max_bytes: int
    encodings: tuple[str, ...] = ()

    def read(self, blob: Blob) -> DecodedText:
        """Raises DocumentRejectedError with code empty, binary, unreadable or too_large."""
        data, charset, warnings = self._undo(blob)
        decoded = decode(data, declared=charset or charset_of(blob.content_type), preferred=self.encodings)
        return DecodedText(decoded.text, decoded.encoding, (*warnings, *decoded.warnings))

    def _undo(self, blob: Blob) -> tuple[bytes, str | None, tuple[DocumentWarning, ...]]:
        """The bytes without their codings, a charset that was given as one, and what was doubtful."""
        data, charset = blob.data, None
        if len(data) > self.max_bytes:
            raise _too_large(self.max_bytes)
        for coding in reversed([each.strip().lower() for each in (blob.content_encoding or "").split(",")]):
            if coding in _NOTHING:
                continue
            if codecs_for(coding):
                charset = coding
                continue
            undo = _UNDO.get(coding)
            if undo is None:
                return data, charset, (self._as_it_is(data, coding),)
            try:
                data = undo(data, self.max_bytes)
            except _NotThisCodingError:
                return data, charset, (self._as_it_is(data, coding),)
        return data, charset, ()

    def _as_it_is(self, data: bytes, coding: str) -> DocumentWarning:
        if coding not in _UNDO and coding not in _COMPRESSIONS:
            return DocumentWarning(
                "ContentEncodingIgnored", f"Content-Encoding {coding[:40]!r} is unknown; read as it is"
            )
        if coding == "gzip" or _is_utf_8(data):
            note = f"Content-Encoding says {coding!r} and the bytes are not; read as they are"
            return DocumentWarning("ContentEncodingIgnored", note)
        raise DocumentRejectedError(
            f"Content-Encoding says {coding!r}, and the bytes are cut, damaged or in a coding that cannot be undone "
            "here; upload it plain or as gzip",
            code=FailureCode.UNREADABLE,
        )


def _too_large(limit: int) -> DocumentRejectedError:
    return DocumentRejectedError(
        f"the document has more than {limit} bytes, decompressed where it is compressed; "
        "split it, or raise PIPELINE_MAX_DOCUMENT_BYTES",
        code=FailureCode.TOO_LARGE,
    )


def _is_utf_8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _undo_gzip(data: bytes, limit: int) -> bytes:
    """Every member of the stream; padding of zero bytes may come after it, and nothing else."""
    if not data.startswith(_GZIP_MAGIC):
        raise _NotThisCodingError
    found, rest = b"", data
    while rest.strip(b"\0"):
        try:
            member, rest = _inflate(rest, window=_GZIP, room=limit - len(found), limit=limit)
        except zlib.error as error:
            raise DocumentRejectedError(
                "the gzip stream is cut or damaged, or has something after its end; upload it again",
                code=FailureCode.UNREADABLE,
            ) from error
        found += member
    return found


def _undo_deflate(data: bytes, limit: int) -> bytes:
    """What the header calls deflate is a zlib stream by the standard, and a bare one by habit."""
    for window in (_ZLIB, _RAW):
        try:
            found, rest = _inflate(data, window=window, room=limit, limit=limit)
        except zlib.error:
            continue
        if not rest:
            return found
    # Neither has a head that no text begins with, so a stream that was cut is known by what the bytes are instead.
    raise _NotThisCodingError


_UNDO: dict[str, Callable[[bytes, int], bytes]] = {
    "gzip": _undo_gzip,
    "x-gzip": _undo_gzip,
    "deflate": _undo_deflate,
}


def _inflate(data: bytes, *, window: int, room: int, limit: int) -> tuple[bytes, bytes]:
    """One whole stream of at most `room` bytes, and the bytes after it. Raises zlib.error for none or a part of one."""
    stream = zlib.decompressobj(window)
    pieces: list[bytes] = []
    left, position = b"", 0
    while not stream.eof:
        if not left:
            left = data[position : position + _CHUNK]
            position += len(left)
        pieces.append(stream.decompress(left, _CHUNK))
        left = stream.unconsumed_tail
        room -= len(pieces[-1])
        if room < 0:
            raise _too_large(limit)
        if not (pieces[-1] or left or position < len(data) or stream.eof):
            raise zlib.error("the stream ends too early")
    return b"".join(pieces), stream.unused_data + data[position:]
