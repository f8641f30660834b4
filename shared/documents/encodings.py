"""Encodings that bytes give away themselves, and the names that people give to encodings. Pure."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable

# Longest first: the UTF-32 LE mark begins with the UTF-16 LE mark.
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Their ASCII characters hold zero bytes, which otherwise mean that the content is binary.
WIDE = frozenset({"utf_16", "utf_16_le", "utf_16_be", "utf_32", "utf_32_le", "utf_32_be"})

# Names mean their supersets on the web (https://encoding.spec.whatwg.org/#names-and-labels), and in files no less.
_SUPERSETS = {
    "ascii": "cp1252",
    "iso8859_1": "cp1252",
    "iso8859_9": "cp1254",
    "iso8859_11": "cp874",
    "tis_620": "cp874",
    "shift_jis": "cp932",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "euc_kr": "cp949",
    "utf_8": "utf-8-sig",
}
# Python's own notations, and what depends on the machine.
_NO_ENCODINGS = {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"}
# Labels that Python spells otherwise.
_LABEL_PREFIXES = (("", ""), ("windows-31j", "cp932"), ("windows-", "cp"), ("x-", ""))
_CHARSET = re.compile(r";\s*charset\s*=\s*[\"']?([^\s;\"']+)", re.IGNORECASE)


def charset_of(content_type: str | None) -> str | None:
    """The charset that a Content-Type names, as it is written there."""
    found = _CHARSET.search(content_type or "")
    return found[1] if found else None


def codecs_for(name: str) -> tuple[str, ...]:
    """The codecs to try for an encoding's name, the widest first; none for an unknown name."""
    for prefix, meaning in _LABEL_PREFIXES:
        if not name.lower().startswith(prefix):
            continue
        try:
            known = codecs.lookup(meaning + name[len(prefix) :]).name.replace("-", "_")
            b"\0\0\0\0".decode(known)
        except (LookupError, ValueError):  # unknown, or not an encoding of text
            continue
        if known not in _NO_ENCODINGS:
            wider = _SUPERSETS.get(known)
            return (wider, known) if wider else (known,)
    return ()


def decode_strictly(data: bytes, names: tuple[str, ...]) -> tuple[str, str] | None:
    """The text and the first of these codecs that all bytes fit, or None."""
    for name in names:
        try:
            text = data.decode(name)
            text.encode()  # some codecs give lone surrogates, which cannot be sent
        except (UnicodeError, LookupError):
            continue
        return text, name
    return None


# Escape sequences that switch to a character set; ESC ( B alone, which terminals print too, switches back to ASCII.
_ISO_2022_KR = re.compile(rb"\x1b\$\)C")
_ISO_2022_CN = re.compile(rb"\x1b\$\)[AG]|\x1b\$\*H")
_ISO_2022_JP = re.compile(rb"\x1b\$[@AB]|\x1b\$\([CDOPQ]|\x1b\([IJ]")
_SHIFTED = re.compile(rb"\x0e([^\x0f\n]*)\x0f?")
_HZ = re.compile(rb"~\{((?:[\x21-\x77][\x21-\x7e])+)~\}")
_UTF_7 = re.compile(rb"\+[A-Za-z0-9+/]")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")
_STRAY = re.compile(r"[\udc80-\udcff]")
# What UTF-7 is believed to hide: letters and punctuation of alphabets; other characters only in longer runs.
_ALPHABETIC_END = 0x0600
_PUNCTUATION = range(0x2010, 0x20D0)
_SHORT_RUN = 3
_PRIVATE_USE = range(0xE000, 0xF900)


def is_iso_2022(data: bytes) -> bool:
    return data.isascii() and any(each.search(data) for each in (_ISO_2022_KR, _ISO_2022_CN, _ISO_2022_JP))


def decode_iso_2022(data: bytes) -> tuple[str, str] | None:
    """The text and its encoding; None when the bytes do not keep to what their escape sequences announce."""
    if _ISO_2022_KR.search(data):
        return decode_strictly(data, ("iso2022_kr",))
    if _ISO_2022_CN.search(data):
        return _decode_iso_2022_cn(data)
    return decode_strictly(data, ("iso2022_jp_2", "iso2022_jp_ext", "iso2022_jp_2004"))


def _decode_iso_2022_cn(data: bytes) -> tuple[str, str] | None:
    """GB 2312 alone; Python has no codec for it, and none for the planes of CNS 11643."""
    plain = data.replace(b"\x1b$)A", b"")
    if b"\x1b" in plain:
        return None
    high = _SHIFTED.sub(lambda run: bytes(byte | 0x80 if byte > 0x20 else byte for byte in run[1]), plain)
    found = decode_strictly(high, ("gb2312",))
    return (found[0], "iso2022_cn") if found else None


def decode_seven_bit(data: bytes) -> tuple[str, str] | None:
    """ASCII bytes that are likelier HZ or UTF-7 than what they spell."""
    if not data.isascii():
        return None
    decoders: tuple[Callable[[bytes], tuple[str, str] | None], ...] = (_decode_hz, _decode_utf_7)
    return next((found for each in decoders if (found := each(data))), None)


def _decode_hz(data: bytes) -> tuple[str, str] | None:
    if not _HZ.search(data):
        return None
    found = decode_strictly(data, ("hz",))
    # Text that merely holds ~{ and ~} has no ideographs between them.
    return found if found and any("\u4e00" <= character <= "\u9fff" for character in found[0]) else None


def _decode_utf_7(data: bytes) -> tuple[str, str] | None:
    if not _UTF_7.search(data):
        return None
    found = decode_strictly(data, ("utf-7",))
    hidden = _BEYOND_ASCII.findall(found[0]) if found else []
    return found if hidden and all(map(_is_believable, hidden)) else None


def _is_believable(run: str) -> bool:
    if all(ord(character) < _ALPHABETIC_END or ord(character) in _PUNCTUATION for character in run):
        return not any(0x80 <= ord(character) < 0xA0 for character in run)
    return len(run) >= _SHORT_RUN and not any(ord(character) in _PRIVATE_USE for character in run)


def decode_nearly_utf_8(data: bytes) -> tuple[str, str] | None:
    """UTF-8 with a few bytes that are not: a line appended by another program, or surrogates as CESU-8 writes them."""
    try:
        text = data.decode("utf-8", "surrogatepass")
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"), "utf-8 with surrogates"
    except UnicodeDecodeError:
        text = data.decode("utf-8", "surrogateescape")
    strays = len(_STRAY.findall(text))
    fitting = sum(map(len, _BEYOND_ASCII.findall(text))) - strays
    if fitting < max(2, strays):
        return None
    as_windows = _STRAY.sub(lambda stray: _windows_1252(ord(stray[0]) - 0xDC00), text)
    return as_windows, "utf-8 with some cp1252"


def _windows_1252(byte: int) -> str:
    return bytes((byte,)).decode("cp1252", "replace")


_EBCDIC = ("cp1140", "cp500", "cp273", "cp1026")


def decode_ebcdic(data: bytes) -> tuple[str, str] | None:
    """The text of a mainframe: blanks are 0x40 there, and what would be blanks in ASCII hardly occurs."""
    if data.count(0x40) < max(1, len(data) // 20) or data.count(0x20) > data.count(0x40) // 20:
        return None
    found = [(data.decode(name).replace("\x85", "\n"), name) for name in _EBCDIC]
    best = max(found, key=lambda reading: sum(each.isalnum() or each.isspace() for each in reading[0]))
    return best if sum(each.isalnum() or each in " .,\n" for each in best[0]) > 0.9 * len(best[0]) else None
