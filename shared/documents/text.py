"""How a document's bytes become text, and where long texts are cut. Pure: no I/O, no clock."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from charset_normalizer import from_bytes

from shared.documents.encodings import (
    BYTE_ORDER_MARKS,
    WIDE,
    codecs_for,
    decode_ebcdic,
    decode_iso_2022,
    decode_nearly_utf_8,
    decode_seven_bit,
    decode_strictly,
    is_iso_2022,
)
from shared.documents.ref import FailureCode
from shared.errors import DocumentRejectedError

BINARY_CONTROL_SHARE = 0.1


@dataclass(frozen=True)
class DocumentWarning:
    """Something the reader of a classification should know."""

    code: str
    message: str


@dataclass(frozen=True)
class DecodedText:
    """A document's text, the encoding it was read with, and what was doubtful about it."""

    text: str
    encoding: str
    warnings: tuple[DocumentWarning, ...] = ()


def decode(data: bytes, *, declared: str | None = None, preferred: Sequence[str] = ()) -> DecodedText:
    """Bytes to text, by evidence before guessing: what was guessed has a warning that says what was taken and why.

    Byte order mark; escape sequences of ISO-2022; UTF-8; the `declared` charset; UTF-8 with a few other bytes; the
    first of the `preferred` encodings that fits; EBCDIC; the likeliest of the usual ones, Windows-1252 before others
    that are as likely; at last a detector. Raises DocumentRejectedError with code empty, binary or unreadable.
    """
    decoded = (
        _decode_marked(data)
        or _decode_escaped(data)
        or _decode_declared(data, declared, wide=True)
        or _decode_utf8(data)
        or _decode_declared(data, declared)
        or _decode_nearly_utf_8(data)
        or _decode_preferred(data, preferred)
        or _decode_guessed(data)
    )
    if is_blank(decoded.text):
        raise DocumentRejectedError("the document holds no text; upload it again with its text", code=FailureCode.EMPTY)
    if declared and not _agrees(decoded.encoding, declared=declared):
        note = f"the charset is given as {declared[:40]!r}, the bytes say otherwise; read as {decoded.encoding}"
        return DecodedText(decoded.text, decoded.encoding, (*decoded.warnings, DocumentWarning("CharsetIgnored", note)))
    return decoded


def _decode_marked(data: bytes) -> DecodedText | None:
    for mark, encoding in BYTE_ORDER_MARKS:
        if data.startswith(mark):
            try:
                return DecodedText(data.decode(encoding), encoding)
            except UnicodeDecodeError as error:
                raise DocumentRejectedError(
                    f"the byte order mark says {encoding}, byte {error.start} does not fit; save it as UTF-8",
                    code=FailureCode.UNREADABLE,
                ) from error
    return None


def _decode_escaped(data: bytes) -> DecodedText | None:
    if not is_iso_2022(data):
        return None
    found = decode_iso_2022(data)
    if found:
        return DecodedText(*found)
    note = "the bytes hold escape sequences of ISO-2022 and do not keep to them; read as utf-8"
    return DecodedText(data.decode("utf-8"), "utf-8", (DocumentWarning("EncodingGuessed", note),))


def _decode_utf8(data: bytes) -> DecodedText | None:
    _refuse_binary(data)
    found = decode_seven_bit(data)
    if found:
        return _guessed(found, why=f"the bytes are ASCII and look like {found[1]}")
    try:
        return DecodedText(data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        return None


def _refuse_binary(data: bytes) -> None:
    controls = sum(1 for byte in data[:65_536] if byte < 32 and byte not in (9, 10, 12, 13, 27))
    if 0 in data[:65_536] or controls > BINARY_CONTROL_SHARE * min(len(data), 65_536):
        raise DocumentRejectedError(
            "the content is binary, not text; if it is UTF-16, save it with a byte order mark or as UTF-8",
            code=FailureCode.BINARY,
        )


def _decode_declared(data: bytes, declared: str | None, *, wide: bool = False) -> DecodedText | None:
    names = codecs_for(declared) if declared else ()
    if not names or (names[-1] in WIDE) is not wide:
        return None
    found = decode_strictly(data, names)
    return DecodedText(*found) if found else None


def _agrees(encoding: str, *, declared: str) -> bool:
    """ASCII and Unicode fit nearly every name that could be given to them, so they contradict none."""
    return encoding.startswith(("utf", "iso2022")) or encoding in codecs_for(declared)


def _decode_nearly_utf_8(data: bytes) -> DecodedText | None:
    nearly = decode_nearly_utf_8(data)
    return _guessed(nearly, why="most of the bytes are UTF-8, not all") if nearly else None


def _decode_preferred(data: bytes, preferred: Sequence[str]) -> DecodedText | None:
    for name in preferred:
        found = decode_strictly(data, codecs_for(name))
        if found:
            return _guessed(found, why="the bytes are not UTF-8, and it is the first of DOCUMENT_ENCODINGS that fits")
    return None


def _decode_guessed(data: bytes) -> DecodedText:
    # Its tables of languages are for the rare document; every start would pay for them.
    from shared.documents.guess import guess_encodings

    mainframe = decode_ebcdic(data)
    if mainframe:
        return _guessed(mainframe, why="the bytes are EBCDIC")
    for guess in guess_encodings(data):
        found = decode_strictly(data, (guess.encoding,)) if guess.is_plausible else None
        if found:
            return _guessed(
                found, why="the bytes are not UTF-8, and of the usual encodings it makes the likeliest words"
            )
    detected = from_bytes(data).best()
    if detected is None:
        raise DocumentRejectedError("no known encoding fits the bytes; save it as UTF-8", code=FailureCode.UNREADABLE)
    return _guessed((str(detected), detected.encoding), why="the bytes are not UTF-8, and a detector takes them for it")


def _guessed(reading: tuple[str, str], *, why: str) -> DecodedText:
    text, encoding = reading
    return DecodedText(text, encoding, (DocumentWarning("EncodingGuessed", f"read as {encoding}: {why}"),))


# Invisible although their category is that of letters, marks or symbols: joiners, fillers, variation selectors.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def is_blank(text: str) -> bool:
    """Is there nothing to see: white space, controls, zero-width characters?"""
    return all(unicodedata.category(each)[0] in "CZ" or _INVISIBLE.match(each) for each in text)


def count_characters(text: str) -> int:
    """Characters as people see them, near the service's text elements: accents and joined parts do not count."""
    return len(text) if text.isascii() else len(text) - sum(map(_joins, text))


def _joins(letter: str) -> bool:
    is_tone = "\U0001f3fb" <= letter <= "\U0001f3ff"
    return unicodedata.category(letter).startswith("M") or letter == _JOINER or is_tone


_JOINER = "\u200d"
_BOUNDARIES = (re.compile(r"\n\s*\n"), re.compile(r"\n"), re.compile(r"(?<=[.!?。！？])\s+"), re.compile(r"\s+"))


def split_text(text: str, limit: int) -> list[str]:
    """Cut `text` into parts of at most `limit` code points, each at the best boundary of its last half.

    Paragraph, then line, then sentence, then word; never inside a combined character. Joined, the parts are the text.
    """
    parts: list[str] = []
    start = 0
    while len(text) - start > limit:
        end = _boundary(text, start=start, end=start + limit)
        parts.append(text[start:end])
        start = end
    parts.append(text[start:])
    return [part for part in parts if not is_blank(part)]


def _boundary(text: str, *, start: int, end: int) -> int:
    middle = start + (end - start) // 2
    for pattern in _BOUNDARIES:
        cuts = [match.end() for match in pattern.finditer(text, middle, end)]
        whole = next((cut for cut in reversed(cuts) if not _is_inside(text, cut)), None)
        if whole is not None:
            return whole
    return next((cut for cut in range(end, middle, -1) if not _is_inside(text, cut)), end)


def _is_inside(text: str, cut: int) -> bool:
    """Would a cut before `text[cut]` tear a combined character apart: an accent, a joined emoji, a skin tone?"""
    after = text[cut]
    return _joins(after) or text[cut - 1] == _JOINER or text[cut - 1 : cut + 1] == "\r\n"
