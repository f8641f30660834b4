"""Bytes to text, and cutting long texts."""

from __future__ import annotations

import contextlib
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.documents.ref import FailureCode
from shared.documents.text import decode, is_blank, split_text
from shared.errors import DocumentRejectedError

READABLE = {
    # bytes, text, encoding
    "plain ASCII": (b"billing", "billing", "utf-8"),
    "UTF-8": ("f\xfcr \u20ac \U0001f469".encode(), "f\xfcr \u20ac \U0001f469", "utf-8"),
    "UTF-8 with mark": (b"\xef\xbb\xbfbilling", "billing", "utf-8-sig"),
    "UTF-16 LE with mark": (b"\xff\xfeb\x00i\x00", "bi", "utf-16"),
    "UTF-16 BE with mark": (b"\xfe\xff\x00b\x00i", "bi", "utf-16"),
    "UTF-32 LE with mark": ("bi".encode("utf-32"), "bi", "utf-32"),
    "UTF-32 BE with mark": (b"\x00\x00\xfe\xff" + "bi".encode("utf-32-be"), "bi", "utf-32"),
    "tabs, form feeds and escapes": (b"a\tb\r\n\x0cc\x1b[0m", "a\tb\r\n\x0cc\x1b[0m", "utf-8"),
    "a few stray controls": (
        b"a long enough letter with one\x01 control",
        "a long enough letter with one\x01 control",
        "utf-8",
    ),
    "joined emoji": ("\U0001f469\u200d\U0001f467".encode(), "\U0001f469\u200d\U0001f467", "utf-8"),
}


@pytest.mark.parametrize("case", READABLE)
def test_readable_bytes_become_their_text_without_a_warning(case: str) -> None:
    data, text, encoding = READABLE[case]
    decoded = decode(data)
    assert (decoded.text, decoded.encoding, decoded.warnings) == (text, encoding, ())


REJECTED = {
    "nothing": (b"", FailureCode.EMPTY),
    "blanks": (b" \t\r\n\xc2\xa0", FailureCode.EMPTY),
    "only a mark": (b"\xef\xbb\xbf", FailureCode.EMPTY),
    "blanks in UTF-16": (" \n".encode("utf-16"), FailureCode.EMPTY),
    "every byte there is": (bytes(range(256)) * 4, FailureCode.BINARY),
    "a NUL in text": (b"billing\x00billing", FailureCode.BINARY),
    "UTF-16 without a mark": ("billing".encode("utf-16-le"), FailureCode.BINARY),
    "many C0 controls": (b"\x01\x02\x03abc", FailureCode.BINARY),
    "half a UTF-16 unit": (b"\xff\xfeb\x00i", FailureCode.UNREADABLE),
    "a lone UTF-16 surrogate": (b"\xff\xfe\x00\xd8b\x00", FailureCode.UNREADABLE),
    "UTF-8 mark on other bytes": (b"\xef\xbb\xbf\xff\xff", FailureCode.UNREADABLE),
}


@pytest.mark.parametrize("case", REJECTED)
def test_bytes_that_are_no_text_are_rejected_with_their_own_code(case: str) -> None:
    data, code = REJECTED[case]
    with pytest.raises(DocumentRejectedError) as caught:
        decode(data)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "data",
    [b"abc \xed\xa0\x80 def", b"abc \xed\xbf\xbf\xed\xa0\x80", b"abc \xc0\xaf def", b"abc \xf5\x80\x80\x80 def"],
    ids=["high surrogate", "both surrogates", "overlong slash", "beyond Unicode"],
)
def test_bytes_that_only_look_like_utf_8_never_become_text_that_cannot_be_sent(data: bytes) -> None:
    decoded = decode(data)
    decoded.text.encode("utf-8")
    assert decoded.warnings


@given(st.binary(max_size=400))
@settings(max_examples=300, deadline=None)
def test_any_bytes_become_text_that_can_be_sent_or_are_rejected(data: bytes) -> None:
    with contextlib.suppress(DocumentRejectedError):
        text = decode(data).text
        assert not is_blank(text)
        # Packing by bytes relies on this: a code point never costs less than a byte.
        assert len(text) <= len(data)
        text.encode("utf-8")


# split_text

PIECES = st.sampled_from(
    [
        "word",
        "longer-word",
        " ",
        "\n",
        "\n\n",
        ". ",
        "\r\n",
        "e\u0301",
        "a\u0300\u0323",
        "\U0001f469\u200d\U0001f467",
        "\U0001f44d\U0001f3fd",
        "\u2764\ufe0f",
        "   ",
        "\u3002",
    ]
)
TEXTS = st.lists(PIECES, max_size=80).map("".join)


@given(TEXTS, st.integers(2, 60))
@settings(max_examples=400, deadline=None)
def test_parts_are_the_text_without_its_blank_parts_and_keep_the_limit(text: str, limit: int) -> None:
    parts = split_text(text, limit)
    assert all(0 < len(part) <= limit and not is_blank(part) for part in parts)
    place = 0
    for part in parts:
        found = text.index(part, place)
        assert is_blank(text[place:found])
        place = found + len(part)
    assert is_blank(text[place:])


@given(TEXTS, st.integers(12, 60))
@settings(max_examples=400, deadline=None)
def test_no_part_begins_inside_a_combined_character(text: str, limit: int) -> None:
    whole = "x" + text  # a text may itself begin with a mark
    for part in split_text(whole, limit)[1:]:
        assert not unicodedata.combining(part[0])
        assert part[0] not in "\u200d\ufe0f\U0001f3fd"
    for part in split_text(whole, limit)[:-1]:
        assert not part.endswith("\u200d")


BOUNDARIES = {
    "a paragraph before a line": ("aaaa\n\nbb\ncc. dd ee", 16, "aaaa\n\nbb\n"),
    "a line before a sentence": ("aaaaaaaa\nbb. cc dd ee ff", 14, "aaaaaaaa\n"),
    "a sentence before a word": ("aaaaaaaa bb. cc dd ee ff", 17, "aaaaaaaa bb. "),
    "a word": ("aaaaaaaa bb cc dd ee ff", 14, "aaaaaaaa bb "),
    "nothing better than the limit": ("a" * 20, 7, "a" * 7),
    "only the last half counts": ("a\n\n" + "b" * 20, 10, "a\n\nbbbbbbb"),
}


@pytest.mark.parametrize("case", BOUNDARIES)
def test_a_part_ends_at_the_best_boundary_of_its_last_half(case: str) -> None:
    text, limit, first = BOUNDARIES[case]
    assert split_text(text, limit)[0] == first


def test_a_text_within_the_limit_is_one_part() -> None:
    assert split_text("a b", 3) == ["a b"]


def test_one_code_point_at_a_time_comes_to_an_end() -> None:
    assert "".join(split_text("e\u0301\u0302\u0303", 1)) == "e\u0301\u0302\u0303"


def test_400000_characters_are_cut_into_few_parts() -> None:
    text = "A sentence of the letter goes like this. " * 10_000
    parts = split_text(text, 125_000)
    assert len(parts) == 4
    assert "".join(parts) == text
