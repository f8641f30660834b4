"""The terms of a text: words where words are written apart, character n-grams where they are not.

Chinese, Japanese, Thai, Lao, Khmer and Burmese put no spaces between words, and a whole clause taken for one word is
never seen a second time. Every piece of such a run is a term instead, up to the length that measured best: two
characters where a character is about a syllable or a word, three where it is a letter (`bench classifier`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import regex

# scikit-learn's own words: two letters or digits at least.
_WORD = re.compile(r"(?u)\b\w\w+\b")
# Script extensions rather than scripts, for what scripts share (the long vowel of kana); letters and their marks only.
_SYLLABIC = r"\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}"
_ALPHABETIC = r"\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}"
_RUN = regex.compile(
    rf"(?P<syllabic>[[{_SYLLABIC}]&&[\p{{L}}\p{{M}}]]+)|(?P<alphabetic>[[{_ALPHABETIC}]&&[\p{{L}}\p{{M}}]]+)", regex.V1
)
_LONGEST = {"syllabic": 2, "alphabetic": 3}
# No such letter lies outside; far quicker to look for, which texts in other scripts are spared the rest by.
_NEAR = re.compile("[\u0e00-\u1fff\u2e80-\U0010ffff]")


def split_terms(text: str) -> list[str]:
    """In order of words, then of pieces; as often as they occur."""
    lowered = text.lower()
    if _NEAR.search(lowered) is None:
        return _WORD.findall(lowered)
    return [*_WORD.findall(_RUN.sub(" ", lowered)), *_pieces(lowered)]


def _pieces(text: str) -> Iterator[str]:
    for run in _RUN.finditer(text):
        characters = run.group()
        for length in range(1, _LONGEST[run.lastgroup] + 1):
            for start in range(len(characters) - length + 1):
                yield characters[start : start + length]
