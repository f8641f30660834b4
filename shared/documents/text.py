"""How a document's bytes become text, and where long texts are cut. Pure: no I/O, no clock."""

from __future__ import annotations

import codecs
import re
import unicodedata
from dataclasses import dataclass

from charset_normalizer import from_bytes

from shared.documents.ref import FailureCode
from shared.errors import DocumentRejectedError

BINARY_CONTROL_SHARE = 0.1
_COMMON = "cp1252"


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


# Longest first: the UTF-32 LE mark begins with the UTF-16 LE mark.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decode(data: bytes) -> DecodedText:
    """Bytes to text: byte order mark, else UTF-8, else the likeliest encoding with a warning.

    Raises DocumentRejectedError with code empty, binary or unreadable.
    """
    decoded = _decode_marked(data) or _decode_utf8(data) or _decode_guessed(data)
    if not decoded.text.strip():
        raise DocumentRejectedError("the document holds no text; upload it again with its text", code=FailureCode.EMPTY)
    return decoded


def _decode_marked(data: bytes) -> DecodedText | None:
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            try:
                return DecodedText(data.decode(encoding), encoding)
            except UnicodeDecodeError as error:
                raise DocumentRejectedError(
                    f"the byte order mark says {encoding}, byte {error.start} does not fit; save it as UTF-8",
                    code=FailureCode.UNREADABLE,
                ) from error
    return None


def _decode_utf8(data: bytes) -> DecodedText | None:
    _refuse_binary(data)
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


def _decode_guessed(data: bytes) -> DecodedText:
    guesses = from_bytes(data)
    guess = guesses.best()
    if guess is None:
        raise DocumentRejectedError("no known encoding fits the bytes; save it as UTF-8", code=FailureCode.UNREADABLE)
    # Short texts fit many code pages alike, EBCDIC among them; by far the most frequent of those is Windows-1252.
    tied = (each for each in guesses if (each.chaos, each.coherence) == (guess.chaos, guess.coherence))
    guess = next((each for each in tied if _COMMON in (each.encoding, *each.could_be_from_charset)), guess)
    warning = DocumentWarning("EncodingGuessed", f"the bytes are not UTF-8; read as {guess.encoding}")
    return DecodedText(str(guess), guess.encoding, (warning,))


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
    return [part for part in parts if part.strip()]


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
    joins = unicodedata.category(after).startswith("M") or after == _JOINER or "\U0001f3fb" <= after <= "\U0001f3ff"
    return joins or text[cut - 1] == _JOINER or text[cut - 1 : cut + 1] == "\r\n"
