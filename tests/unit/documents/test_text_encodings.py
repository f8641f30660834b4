"""What encoding a document is in: the evidence its bytes and its uploader give, and guesses where there is none."""

from __future__ import annotations

import pytest

from shared.documents.encodings import charset_of, codecs_for
from shared.documents.ref import FailureCode
from shared.documents.text import decode
from shared.errors import DocumentRejectedError
from tests.unit.documents.legacy_texts import NAMES, TEMPLATES, TEXTS

ROWS = {
    f"{language} {encoding} {length}": (encoding, text)
    for language, (encodings, short, long) in TEXTS.items()
    for encoding in encodings
    for length, text in (("short", short), ("long", long))
    if not text.encode(encoding).isascii()
}
# A few words whose letters another encoding turns into words as good; the texts of a paragraph are all known.
NOT_TO_BE_KNOWN = {
    "Portuguese mac_roman short",
    "Swedish mac_roman short",
    "Czech cp852 short",
    "Slovak cp852 short",
    "Slovenian cp852 short",
}


def test_the_table_is_as_wide_as_it_should_be() -> None:
    assert len(ROWS) >= 120
    assert len(TEXTS) >= 35
    assert set(ROWS) > NOT_TO_BE_KNOWN


@pytest.mark.parametrize("row", sorted(set(ROWS) - NOT_TO_BE_KNOWN))
def test_a_text_in_a_legacy_encoding_is_read_as_it_was_written_and_has_a_warning(row: str) -> None:
    encoding, text = ROWS[row]
    decoded = decode(text.encode(encoding))
    assert decoded.text == text
    assert [warning.code for warning in decoded.warnings] == ["EncodingGuessed"]
    assert decoded.encoding in decoded.warnings[0].message


@pytest.mark.parametrize("row", sorted(NOT_TO_BE_KNOWN))
def test_what_cannot_be_known_is_read_with_a_warning_and_right_once_it_is_told(row: str) -> None:
    encoding, text = ROWS[row]
    data = text.encode(encoding)
    assert [warning.code for warning in decode(data).warnings] == ["EncodingGuessed"]
    assert decode(data, declared=encoding).text == text
    assert decode(data, preferred=(encoding,)).text == text


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("name", NAMES)
def test_english_with_one_name_is_windows_1252(name: str, template: str) -> None:
    text = template.format(name)
    decoded = decode(text.encode("cp1252"))
    assert (decoded.text, decoded.encoding) == (text, "cp1252")
    assert [warning.code for warning in decoded.warnings] == ["EncodingGuessed"]


def test_fourteen_names_and_four_templates_are_fifty_six_texts() -> None:
    assert len({template.format(name) for name in NAMES for template in TEMPLATES}) == 56


@pytest.mark.parametrize("row", ["Russian koi8-r long", "Japanese euc_jp long", "Hungarian cp1250 long"])
def test_a_long_document_is_judged_by_a_part_of_it(row: str) -> None:
    encoding, text = ROWS[row]
    many = "Ref 7.\n" * 30_000 + "\n".join(f"{number} {text}" for number in range(1_500))
    assert decode(many.encode(encoding)).text == many


@pytest.mark.parametrize("before", ["", "x"])
@pytest.mark.parametrize(
    "row", ["Simplified Chinese gbk long", "Japanese shift_jis long", "Traditional Chinese big5 long"]
)
def test_the_part_may_end_inside_a_character(row: str, before: str) -> None:
    encoding, text = ROWS[row]
    many = before + text * 3_000
    decoded = decode(many.encode(encoding))
    assert decoded.text == many
    assert "the likeliest words" in decoded.warnings[0].message, "the detector had to help"


def test_bytes_that_the_likeliest_encoding_lacks_lead_to_the_next() -> None:
    """The sample is Windows-1252; one byte far behind it is none of its characters."""
    data = "Größe, Menge, Straße\n".encode("cp1252") * 30_000 + b"\x81\n"
    decoded = decode(data)
    assert decoded.encoding != "cp1252"
    assert decoded.warnings


# evidence in the bytes

JAPANESE = "納品書の数量が違っています。確認をお願いします。"
CERTAIN = {
    "ISO-2022-JP": (JAPANESE.encode("iso2022_jp"), JAPANESE),
    "ISO-2022-JP with half-width kana": ("ｱｲｳ 納品書".encode("iso2022_jp_ext"), "ｱｲｳ 納品書"),
    "ISO-2022-KR": ("수량이 다릅니다".encode("iso2022_kr"), "수량이 다릅니다"),
    "ISO-2022-CN": (b"\x1b$)A\x0eMK?n\x0f OK\n", "退款 OK\n"),
    "terminal colours": (b"\x1b[31mred\x1b[0m and \x1b(B\x1b[mplain", "\x1b[31mred\x1b[0m and \x1b(B\x1b[mplain"),
    "phone numbers and plus signs": (b"+4930123456, 1+1=2, C++, ann+shop@example.org", None),
    "an address that is valid UTF-7": (b"write to ann+tag@example.org", None),
    "tildes and braces": (b"~{config}~ and ~{ab~}", None),
}


@pytest.mark.parametrize("case", CERTAIN)
def test_what_is_certain_has_no_warning(case: str) -> None:
    data, text = CERTAIN[case]
    decoded = decode(data)
    assert decoded.text == (text if text is not None else data.decode())
    assert decoded.warnings == ()


SEVEN_BIT = {
    "HZ": ("数量不对，请核对订单。", "hz"),
    "UTF-7": ("The parcel of “Jürgen” weighs 5 kg", "utf-7"),
    "UTF-7 in Russian": ("Посылка не пришла", "utf-7"),
    "UTF-7 in Japanese": (JAPANESE, "utf-7"),
}


@pytest.mark.parametrize("case", SEVEN_BIT)
def test_ascii_that_looks_like_another_encoding_is_read_as_it_with_a_warning(case: str) -> None:
    text, encoding = SEVEN_BIT[case]
    decoded = decode(text.encode(encoding))
    assert (decoded.text, decoded.encoding) == (text, encoding)
    assert [warning.code for warning in decoded.warnings] == ["EncodingGuessed"]


@pytest.mark.parametrize("data", [b"\x1b$B%\x1b(B cut", b"\x1b$)G\x0eEC\x0f", b"\x1b$)Cab\x0e\x21"])
def test_escape_sequences_that_lead_nowhere_are_told(data: bytes) -> None:
    decoded = decode(data)
    assert decoded.encoding == "utf-8"
    assert "ISO-2022" in decoded.warnings[0].message


NEARLY_UTF_8 = {
    "one line of another program": ("Größe: äöü\n".encode() + "Müller\n".encode("cp1252"), "Größe: äöü\nMüller\n"),
    "surrogates as CESU-8 writes them": (b"smile \xed\xa0\xbd\xed\xb8\x80", "smile \U0001f600"),
}


@pytest.mark.parametrize("preferred", [(), ("cp1252",)])
@pytest.mark.parametrize("case", NEARLY_UTF_8)
def test_utf_8_with_a_few_other_bytes_stays_utf_8(case: str, preferred: tuple[str, ...]) -> None:
    data, text = NEARLY_UTF_8[case]
    decoded = decode(data, preferred=preferred)
    assert decoded.text == text
    assert "most of the bytes are UTF-8" in decoded.warnings[0].message


@pytest.mark.parametrize("encoding", ["cp037", "cp1140", "cp500", "cp273"])
def test_the_letters_of_a_mainframe_are_read(encoding: str) -> None:
    text = "Dear customer service, the second parcel has not arrived. Please look where it is. Thanks"
    decoded = decode(text.encode(encoding))
    assert decoded.text == text
    assert "EBCDIC" in decoded.warnings[0].message


# the declared charset

DECLARED = {
    "Shift_JIS": ("名古屋", "shift_jis"),
    "EUC-JP": ("名古屋", "euc_jp"),
    "x-sjis": ("名古屋", "cp932"),
    "windows-874": ("ส่ง", "cp874"),
    "ISO-8859-1": ("20 “quoted”", "cp1252"),
    "gb2312": ("退款", "gbk"),
    "KOI8-R": ("Да", "koi8-r"),
    "utf-16le": ("Größe", "utf-16-le"),
    "UTF-32BE": ("Größe", "utf-32-be"),
}


@pytest.mark.parametrize("charset", DECLARED)
def test_a_declared_charset_that_fits_is_taken(charset: str) -> None:
    text, encoding = DECLARED[charset]
    decoded = decode(text.encode(encoding), declared=charset)
    assert (decoded.text, decoded.warnings) == (text, ())


@pytest.mark.parametrize("charset", ["utf-8", "Shift_JIS", "klingon", "base64", "unicode_escape", "\0", "idna"])
def test_a_declared_charset_that_does_not_fit_is_told(charset: str) -> None:
    decoded = decode("Größe nicht verfügbar".encode("cp1250"), declared=charset)
    assert decoded.text == "Größe nicht verfügbar"
    assert [warning.code for warning in decoded.warnings] == ["EncodingGuessed", "CharsetIgnored"]


def test_utf_8_is_believed_before_a_declared_charset() -> None:
    decoded = decode("Größe".encode(), declared="windows-1252")
    assert (decoded.text, decoded.warnings) == ("Größe", ())


@pytest.mark.parametrize(
    ("content_type", "charset"),
    [
        ("text/plain; charset=Shift_JIS", "Shift_JIS"),
        ('text/plain;CHARSET = "koi8-r"; format=flowed', "koi8-r"),
        ("text/plain", None),
        ("charset=utf-8", None),
        ("", None),
        (None, None),
    ],
)
def test_the_charset_is_read_from_the_content_type(content_type: str | None, charset: str | None) -> None:
    assert charset_of(content_type) == charset


def test_only_encodings_of_text_have_codecs() -> None:
    assert codecs_for("latin1") == ("cp1252", "iso8859_1")
    assert codecs_for("windows-31j") == ("cp932",)
    for name in ("base64", "rot13", "idna", "punycode", "unicode_escape", "undefined", "os", "../x", ""):
        assert codecs_for(name) == ()


# the setting


def test_the_first_preferred_encoding_that_fits_is_taken() -> None:
    text = "Kovács Ősz"
    decoded = decode(text.encode("cp1250"), preferred=("euc_jp", "cp1250", "cp1252"))
    assert decoded.text == text
    assert "DOCUMENT_ENCODINGS" in decoded.warnings[0].message


def test_a_declared_charset_goes_before_the_preferred_encodings() -> None:
    decoded = decode("Да".encode("koi8-r"), declared="koi8-r", preferred=("cp1251",))
    assert (decoded.text, decoded.warnings) == ("Да", ())


# nothing to see

INVISIBLE = {
    "zero-width spaces": "\u200b\u200b\n\u200b",
    "a second byte order mark": "\ufeff\ufeff",
    "bidirectional marks and joiners": "\u200e\u200f\u2060\u200d",
    "blanks of every kind": "\u00a0\u2003\u3000\u2028",
    "fillers": "\u3164\uffa0\u115f\u2800",
    "variation selectors": "\ufe0f\U000e0101",
    "soft hyphens": "\u00ad",
}


@pytest.mark.parametrize("case", INVISIBLE)
def test_text_that_nobody_can_see_is_empty(case: str) -> None:
    with pytest.raises(DocumentRejectedError) as caught:
        decode(INVISIBLE[case].encode())
    assert caught.value.code == FailureCode.EMPTY


def test_one_visible_character_is_a_text() -> None:
    assert decode("\u200b!\u200b".encode()).text == "\u200b!\u200b"
